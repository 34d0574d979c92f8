import { fieldError } from '#domain/errors.ts'
import type { Refusal } from '#domain/evidence.ts'
import { callId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/** A verifier computed something else: kept, and told to the DSO with the line that differs. */
export async function receiveRefusal(ports: Ports, refusal: Refusal): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const isCall = refusal.subject === 'settlement'
    const call = isCall ? await tx.calls.find(callId(refusal.subjectId)) : null
    const epoch = isCall ? null : await tx.payouts.find(Number(refusal.subjectId))
    if (!call && !epoch) {
      throw fieldError('not-found', 'subjectId', `a ${refusal.subject}`, refusal.subjectId)
    }
    await tx.attestations.refuse(refusal)
    if (!call) return
    const { verifier, line, expected, got } = refusal
    const message = `verifier ${verifier} refuses: ${line}: expected ${expected}, got ${got}`
    const data = { verifier, line, expected, got }
    const options = { notice: true, data }
    const event = callEvent(call, 'verifier-refused', ports.clock.now(), message, options)
    await tx.events.append([event])
  })
  await ports.wakeUps.notify('events')
}

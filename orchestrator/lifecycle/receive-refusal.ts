import type { Refusal } from '#domain/evidence.ts'
import { callId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/** A verifier computed something else: kept, and told to the DSO with the line that differs. */
export async function receiveRefusal(ports: Ports, refusal: Refusal): Promise<void> {
  await ports.store.transaction(async (tx) => {
    await tx.attestations.refuse(refusal)
    if (refusal.subject !== 'settlement') return
    const call = await tx.calls.find(callId(refusal.subjectId))
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

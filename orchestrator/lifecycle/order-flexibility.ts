import { transition } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/**
 * The escrow is locked on chain: the call is ordered. Nothing is dispatched before. Safe to run
 * twice.
 */
export async function orderFlexibility(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (call.state !== 'offered' || !call.escrow) return
    const { requestId, terms } = call.escrow
    const [opened] = await tx.chain.events({ kind: 'RequestOpened', requestId })
    if (opened?.kind !== 'RequestOpened') return
    await tx.ledger.post(`open:${callId}`, [
      { account: `dso:${call.dsoId}`, amount: -opened.amount, at: ports.clock.now() },
      { account: `escrow:${callId}`, amount: opened.amount, at: ports.clock.now() },
    ])
    await tx.calls.save(transition(call, 'ordered'))
    const message = `escrow of ${terms.amount} micro-EUR is locked`
    await tx.events.append([callEvent(call, 'call-ordered', ports.clock.now(), message)])
  })
  await ports.wakeUps.notify('events')
}

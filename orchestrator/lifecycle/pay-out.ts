import { transition } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/** The payout epoch that holds the call is paid: so is the call. Safe to run twice. */
export async function payOut(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (call.state !== 'settled') return
    const epochs = await tx.payouts.list()
    const requestId = call.escrow?.requestId
    const mine = epochs.find((epoch) => epoch.requestIds.some((id) => id === requestId))
    if (mine?.state !== 'paid') return
    await tx.calls.save(transition(call, 'paid'))
    const message = `paid in payout epoch ${mine.epoch}`
    await tx.events.append([callEvent(call, 'call-paid', ports.clock.now(), message)])
  })
  await ports.wakeUps.notify('events')
}

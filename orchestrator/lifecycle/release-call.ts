import { deliveryEnd } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'
import { backToDefault, orderSetpoints } from './order-setpoints.ts'

/**
 * The ordered window has ended: every device that still has a setpoint of this call is sent back
 * to its default, which the gateway reads back. Devices let go by themselves too. Safe to run twice.
 */
export async function releaseCall(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const now = ports.clock.now()
    if (call.state !== 'dispatched' || call.releasedAt !== null || now < deliveryEnd(call)) return
    const ids = call.allocations.map((allocation) => allocation.resourceId)
    const held = (await tx.setpoints.current(ids)).filter(
      (row) => row.callId === callId && row.powerW !== null,
    )
    const back = held.map((row) => backToDefault(call, row.resourceId, now))
    await orderSetpoints(tx, call, back, now)
    await tx.calls.save({ ...call, releasedAt: now })
    const message = `the window has ended; ${held.length} resources go back to their default`
    await tx.events.append([callEvent(call, 'resource-released', now, message)])
  })
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
}

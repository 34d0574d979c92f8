import { deliveryEnd, type FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { ReboundPlan } from '#domain/rebound.ts'
import { formatInstant, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'
import { heldBy } from './held-by.ts'
import { keepToSteps } from './keep-to-steps.ts'
import { orderSetpoints } from './order-setpoints.ts'
import { planRestart } from './plan-restart.ts'
import { dueNow } from './restart-devices.ts'

/**
 * The ordered window has ended: every device that still has a setpoint of this call is sent back to
 * its default, which the gateway reads back; where the program says so, one after the other, within
 * its step limit and under the room of the congestion point (`restartDevices`). Devices let go by themselves too. Safe
 * to run twice.
 */
export async function releaseCall(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const now = ports.clock.now()
    if (call.state !== 'dispatched' || call.releasedAt !== null || now < deliveryEnd(call)) return
    const held = await heldBy(tx, call)
    const planned = await planRestart(ports, tx, call, held, now)
    const { plan, passedW } = await keepToSteps(tx, call, held, planned, now)
    const due = await dueNow(tx, call, plan?.restarts ?? [], held, now)
    await orderSetpoints(tx, call, due, now)
    // Who was coming back from an activation is held still, and planned anew with the others.
    const { comingBack: _over, ...rest } = call
    const released = { ...rest, releasedAt: now }
    const message = `the window has ended; ${held.length} resources go back to their default`
    if (plan === null) {
      await tx.calls.save(released)
      await tx.events.append([callEvent(call, 'resource-released', now, message)])
    } else {
      await tx.calls.save({ ...released, rebound: { ...plan, doneAt: null } })
      await tx.events.append([reboundEvent(call, plan, passedW, now)])
    }
  })
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
}

/** What comes after the window, for the DSO; a notice where its room, or a step, is passed. */
function reboundEvent(call: FlexibilityCall, plan: ReboundPlan, passedW: number, now: Instant) {
  const { overshootW, unreadyWh, leftWh, restarts, periods } = plan
  const last = instant(Math.max(now, ...restarts.map(({ restartsAt }) => restartsAt)))
  const peakW = Math.max(0, ...periods.map(({ powerW }) => powerW))
  const until = `come back one after the other until ${formatInstant(last)}`
  const message = [
    `the window has ended; ${restarts.length} resources ${until}`,
    ...(periods.length > 0 ? [`, at most ${peakW} W at once`] : []),
    ...(overshootW > 0 ? [`; the room is passed by ${overshootW} W`] : []),
    ...(unreadyWh > 0 ? [`; cars leave ${unreadyWh} Wh short whatever is done`] : []),
    ...(passedW > 0 ? [`; the step limit is passed by ${passedW} W, owners come first`] : []),
  ].join('')
  const counts = { resources: restarts.length, peakW, overshootW, unreadyWh, leftWh }
  const data = passedW > 0 ? { ...counts, stepPassedW: passedW } : counts
  const notice = overshootW > 0 || passedW > 0
  return callEvent(call, 'rebound-planned', now, message, { notice, data })
}

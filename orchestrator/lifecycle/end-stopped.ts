import { standingAt } from '#domain/emergency-stop.ts'
import type { CallId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { endInside } from './cancel-call.ts'

/**
 * Ends a dispatched call over which an emergency stop stands, as of the stop: its devices were let
 * go then, whoever died before the call could be ended too. Waits for the call's lock. Safe to run
 * twice. Returns whether it ended the call.
 */
export async function endStopped(
  ports: Pick<Ports, 'store' | 'clock' | 'wakeUps'>,
  callId: CallId,
): Promise<boolean> {
  const isEnded = await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (call.state !== 'dispatched' || call.releasedAt !== null) return false
    if (call.cancelledAt !== null) return false
    const stop = standingAt(await tx.control.stops(), call.request.congestionPointId)
    // A window that had ended before is not cut.
    if (stop === null || stop.at >= call.request.window.end) return false
    await endInside(ports, tx, call, 'ended by an emergency stop', 'emergency-stop', stop.at)
    return true
  })
  if (isEnded) await ports.wakeUps.notify('events')
  return isEnded
}

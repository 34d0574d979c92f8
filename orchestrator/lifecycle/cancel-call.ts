import { cutAt } from '#domain/allocation.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import { type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import type { CallId, Hex, OrganisationId } from '#domain/ids.ts'
import { floorToStep, type Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'

/**
 * Cancels a call. Before the window it ends here; once money is locked, or may be any moment, the
 * DSO's signature is needed to get it back at once. Inside the window the devices are released and
 * what was delivered is measured and paid. Safe to run twice.
 * @throws DomainError not-found, wrong-state, bad-authorisation
 */
export async function cancelCall(
  ports: Ports,
  dsoId: OrganisationId,
  callId: CallId,
  signature: Hex | null,
): Promise<FlexibilityCall> {
  const call = await ports.store.transaction(async (tx) => {
    const found = await tx.calls.find(callId)
    if (found?.dsoId !== dsoId) throw new DomainError('not-found', `there is no call ${callId}`)
    const locked = await tx.calls.lock(callId)
    if (locked.state === 'cancelled' || locked.cancelledAt !== null) return locked
    if (locked.state === 'dispatched') {
      return endInside(ports, tx, locked, 'cancelled by the DSO inside the window')
    }
    if (!['requested', 'offered', 'ordered'].includes(locked.state)) {
      throw fieldError('wrong-state', 'state', 'a call whose window has not ended', locked.state)
    }
    return cancelBefore(ports, tx, locked, signature)
  })
  await ports.wakeUps.wakeCall(callId, ports.clock.now())
  await ports.wakeUps.notify('chain')
  await ports.wakeUps.notify('events')
  return call
}

async function cancelBefore(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  signature: Hex | null,
): Promise<FlexibilityCall> {
  let { escrow } = call
  if (escrow?.authorisation) {
    const { requestId, terms } = escrow
    const signed =
      signature !== null && (await ports.rail.verifyCancellation(requestId, terms.payer, signature))
    if (!signed) {
      const expected = `a signature of ${terms.payer} that cancels ${requestId}`
      throw fieldError('bad-authorisation', 'signature', expected, signature)
    }
    await tx.chain.intend(`cancel:${call.id}`, { kind: 'cancel', requestId, signature })
    escrow = { ...escrow, cancellation: signature }
  }
  const now = ports.clock.now()
  await tx.promises.release(call.id, call.request.window.start)
  const reasons = ['cancelled by the DSO before the window']
  const cancelled = { ...transition(call, 'cancelled'), escrow, reasons, cancelledAt: now }
  await tx.calls.save(cancelled)
  await tx.events.append([callEvent(call, 'call-cancelled', now, reasons[0] ?? '')])
  return cancelled
}

/**
 * Ends a dispatched call inside its window, on the meters' raster, so that what was delivered can
 * be measured. `at`: when its devices were let go; absent: now.
 */
export async function endInside(
  ports: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  call: FlexibilityCall,
  why: string,
  endedBy?: FlexibilityCall['endedBy'],
  at?: Instant,
): Promise<FlexibilityCall> {
  const now = ports.clock.now()
  const { window } = call.request
  const end = floorToStep(at ?? now, call.program.meteringIntervalSeconds)
  const cancelledAt = end < window.start ? window.start : end < window.end ? end : window.end
  const allocations = call.allocations.map((allocation) => ({
    ...allocation,
    periods: cutAt(allocation.periods, cancelledAt),
  }))
  const cancelled = { ...call, cancelledAt, allocations, ...(endedBy ? { endedBy } : {}) }
  await tx.calls.save(cancelled)
  await tx.promises.release(call.id, cancelledAt)
  for (const { resourceId, validUntil } of await tx.armings.ofCall(call.id)) {
    if (validUntil <= now) continue // over, or taken back before
    await tx.armings.progress(call.id, resourceId, { validUntil: cancelledAt })
  }
  const message = `${why}; what was delivered is paid`
  const kind = endedBy === undefined ? 'call-cancelled' : 'call-stopped'
  await tx.events.append([callEvent(call, kind, now, message)])
  return cancelled
}

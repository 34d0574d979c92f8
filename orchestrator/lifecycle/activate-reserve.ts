import { type Activation, activationFault } from '#domain/activation.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, OrganisationId } from '#domain/ids.ts'
import { formatInstant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/**
 * The DSO uses what stands by in an availability call: from start to end all resources give what
 * they reserved, and are paid for it on top. The same stretch twice is one. Safe to run twice.
 * @throws DomainError not-found, wrong-state, window-not-aligned, malformed, notice-too-short,
 * duplicate
 */
export async function activateReserve(
  ports: Ports,
  dsoId: OrganisationId,
  callId: CallId,
  { start, end }: Pick<Activation, 'start' | 'end'>,
): Promise<FlexibilityCall> {
  const call = await ports.store.transaction(async (tx) => {
    const found = await tx.calls.find(callId)
    if (found?.dsoId !== dsoId) throw new DomainError('not-found', `there is no call ${callId}`)
    const locked = await tx.calls.lock(callId)
    const { activations } = locked
    if (activations === undefined || locked.program.product !== 'availability') {
      const expected = 'a call of a program whose product is availability'
      throw fieldError('wrong-state', 'product', expected, locked.program.product ?? 'scheduled')
    }
    if (activations.some((one) => one.start === start && one.end === end)) return locked
    const isOpen = locked.state === 'ordered' || locked.state === 'dispatched'
    if (!isOpen || locked.cancelledAt !== null || locked.releasedAt !== null) {
      const expected = 'an ordered call whose window has not ended'
      throw fieldError('wrong-state', 'state', expected, locked.state)
    }
    const now = ports.clock.now()
    const fault = activationFault(locked, { start, end }, now)
    if (fault) throw fault
    const all = [...activations, { start, end, orderedAt: now }].sort((a, b) => a.start - b.start)
    const activatedCall = { ...locked, activations: all }
    await tx.calls.save(activatedCall)
    const message = `the reserve is to give its power from ${formatInstant(start)} to ${formatInstant(end)}`
    await tx.events.append([callEvent(locked, 'reserve-activated', now, message)])
    return activatedCall
  })
  await ports.wakeUps.wakeCall(callId, start)
  await ports.wakeUps.notify('events')
  return call
}

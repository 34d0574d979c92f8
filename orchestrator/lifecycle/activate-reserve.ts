import { leastActivated } from '#domain/activated-parts.ts'
import { type Activation, activationFault } from '#domain/activation.ts'
import { STEP_W } from '#domain/allocation/offers.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, OrganisationId } from '#domain/ids.ts'
import { formatInstant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/**
 * The DSO uses what stands by in an availability call: from start to end all resources give what
 * they reserved, or by merit order as much of it as is asked for, and are paid for it on top; the
 * others go on standing by. The same twice is one. Safe to run twice.
 * @throws DomainError not-found, wrong-state, window-not-aligned, malformed, notice-too-short,
 * duplicate
 */
export async function activateReserve(
  ports: Ports,
  dsoId: OrganisationId,
  callId: CallId,
  wanted: Wanted,
): Promise<FlexibilityCall> {
  const { start, end, powerW } = wanted
  const call = await ports.store.transaction(async (tx) => {
    const found = await tx.calls.find(callId)
    if (found?.dsoId !== dsoId) throw new DomainError('not-found', `there is no call ${callId}`)
    const locked = await tx.calls.lock(callId)
    const { activations } = locked
    if (activations === undefined || locked.program.product !== 'availability') {
      const expected = 'a call of a program whose product is availability'
      throw fieldError('wrong-state', 'product', expected, locked.program.product ?? 'scheduled')
    }
    if (activations.some((one) => isSame(one, wanted))) return locked
    const isOpen = locked.state === 'ordered' || locked.state === 'dispatched'
    if (!isOpen || locked.cancelledAt !== null || locked.releasedAt !== null) {
      const expected = 'an ordered call whose window has not ended'
      throw fieldError('wrong-state', 'state', expected, locked.state)
    }
    const now = ports.clock.now()
    const fault = activationFault(locked, wanted, now)
    if (fault) throw fault
    const activation = { start, end, orderedAt: now, ...(powerW === undefined ? {} : { powerW }) }
    const all = [...activations, activation].sort((a, b) => a.start - b.start)
    const activatedCall = { ...locked, activations: all }
    checkReachable(activatedCall, activation)
    await tx.calls.save(activatedCall)
    const what = powerW === undefined ? 'its power' : `${powerW} W of its power`
    const message = `the reserve is to give ${what} from ${formatInstant(start)} to ${formatInstant(end)}`
    await tx.events.append([callEvent(locked, 'reserve-activated', now, message)])
    return activatedCall
  })
  await ports.wakeUps.wakeCall(callId, start)
  await ports.wakeUps.notify('events')
  return call
}

type Wanted = Pick<Activation, 'start' | 'end' | 'powerW'>

function isSame(one: Wanted, other: Wanted): boolean {
  return one.start === other.start && one.end === other.end && one.powerW === other.powerW
}

/**
 * A fraction that devices cannot give together to within a W, because one of them stops or goes on
 * at its least power, is not ordered. Where too few stand by for it, what there is is used.
 */
function checkReachable(call: FlexibilityCall, activation: Activation): void {
  const { powerW } = activation
  if (powerW === undefined || isReachable(call, activation, powerW)) return
  let belowW = stepsGiven(call, activation, powerW)
  while (belowW > 0 && !isReachable(call, activation, belowW)) {
    belowW = stepsGiven(call, activation, belowW)
  }
  const expected =
    belowW > 0
      ? `${belowW} W, the most found below it that those that stand by can give, or more`
      : 'more, or nothing for all that is held: those that stand by cannot give so little'
  throw fieldError('malformed', 'powerW', expected, powerW)
}

function isReachable(call: FlexibilityCall, activation: Activation, powerW: number): boolean {
  const { givenW, heldW } = leastOf(call, activation, powerW)
  return powerW - givenW < 1 || givenW >= heldW
}

/** Whole steps of what is given where so much is asked for: less than that, if it is not reachable. */
function stepsGiven(call: FlexibilityCall, activation: Activation, powerW: number): number {
  return Math.floor(leastOf(call, activation, powerW).givenW / STEP_W) * STEP_W
}

function leastOf(call: FlexibilityCall, activation: Activation, powerW: number) {
  const asked = { ...activation, powerW }
  return leastActivated({ ...call, activations: [asked] }, asked)
}

import type { AllocatedPeriod } from './allocation.ts'
import { STEP_W } from './allocation/offers.ts'
import { type DomainError, fieldError } from './errors.ts'
import type { FlexibilityCall } from './flexibility-call.ts'
import { addSeconds, floorToStep, formatInstant, type Instant } from './time.ts'

/** A stretch of an availability call, [start, end), in which the DSO uses what stands by. */
export type Activation = {
  readonly start: Instant
  readonly end: Instant
  readonly orderedAt: Instant
  /** So many W of it at the congestion point; absent: all that is held. */
  readonly powerW?: number
}

export type Stretch = { readonly start: Instant; readonly end: Instant }

/**
 * The parts of a stretch in which power is ordered: all of it in an ordinary call, whose
 * activations are absent; what was activated where resources only stand by.
 */
export function inForce<T extends Stretch>(
  stretch: T,
  activations: readonly Activation[] | undefined,
): T[] {
  if (activations === undefined) return [stretch]
  return activations.flatMap((activation) => {
    const start = activation.start > stretch.start ? activation.start : stretch.start
    const end = activation.end < stretch.end ? activation.end : stretch.end
    return start < end ? [{ ...stretch, start, end }] : []
  })
}

/** Of W that are promised or held in a stretch, what was ordered of them and when. */
export function orderedIn(
  { start, end }: Stretch,
  heldW: number,
  activations: readonly Activation[] | undefined,
): AllocatedPeriod[] {
  const held = { start, end, powerW: heldW, setpointW: 0 }
  if (activations === undefined) return [held]
  return activations.flatMap((activation) => {
    const powerW = Math.min(heldW, activation.powerW ?? heldW)
    return inForce({ ...held, powerW }, [activation])
  })
}

/**
 * Why a stretch cannot be activated; null: it can. It lies on the raster of the meters, else nobody
 * could tell what was delivered in it, leaves the devices the notice that was agreed, and asks for
 * no more than is held in every period that it touches.
 */
export function activationFault(
  call: Pick<FlexibilityCall, 'activations' | 'orderedW' | 'program' | 'request'>,
  wanted: Pick<Activation, 'start' | 'end' | 'powerW'>,
  now: Instant,
): DomainError | null {
  return stretchFault(call, wanted, now) ?? powerFault(call, wanted)
}

function stretchFault(
  call: Pick<FlexibilityCall, 'activations' | 'program' | 'request'>,
  { start, end }: Stretch,
  now: Instant,
): DomainError | null {
  const { program, request, activations = [] } = call
  const { window } = request
  const interval = program.meteringIntervalSeconds
  for (const [field, at] of [
    ['start', start],
    ['end', end],
  ] as const) {
    if (floorToStep(at, interval) !== at) {
      const expected = `a multiple of the metering interval of ${interval} s`
      return fieldError('window-not-aligned', field, expected, formatInstant(at))
    }
  }
  if (end <= start || start < window.start || end > window.end) {
    const isStart = start < window.start || start >= window.end
    const expected = `a stretch within ${formatInstant(window.start)} to ${formatInstant(window.end)}`
    return fieldError(
      'malformed',
      isStart ? 'start' : 'end',
      expected,
      `${formatInstant(start)} to ${formatInstant(end)}`,
    )
  }
  const soonest = addSeconds(now, program.activationNoticeSeconds ?? 0)
  if (start < soonest) {
    const expected = `a start at or after ${formatInstant(soonest)}`
    return fieldError('notice-too-short', 'start', expected, formatInstant(start))
  }
  const other = activations.find((one) => one.start < end && start < one.end)
  if (other === undefined) return null
  const expected = `a stretch beside ${formatInstant(other.start)} to ${formatInstant(other.end)}`
  return fieldError('duplicate', 'start', expected, formatInstant(start))
}

function powerFault(
  { orderedW, program, request }: Pick<FlexibilityCall, 'orderedW' | 'program' | 'request'>,
  { start, end, powerW }: Pick<Activation, 'start' | 'end' | 'powerW'>,
): DomainError | null {
  if (powerW === undefined) return null
  const touched = request.periods.flatMap((period, i) => {
    const until = addSeconds(period.start, program.settlementPeriodSeconds)
    return period.start < end && start < until ? [orderedW[i] ?? 0] : []
  })
  const mostW = Math.min(...touched)
  const isWhole = Number.isSafeInteger(powerW) && powerW % STEP_W === 0
  if (isWhole && powerW > 0 && powerW <= mostW) return null
  const stepsW = Math.floor(mostW / STEP_W) * STEP_W
  const most = stepsW === mostW ? `the ${mostW} W` : `${stepsW} of the ${mostW} W`
  const expected = `whole hundreds of W, at most ${most} that are held, or nothing for all of it`
  return fieldError('malformed', 'powerW', expected, powerW)
}

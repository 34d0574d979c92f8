import type { Candidate } from '../allocation.ts'
import type { FlexibilityRequest } from '../flexibility-request.ts'
import type { ResourceId } from '../ids.ts'
import type { Program } from '../program.ts'
import type { DeviceReading } from '../telemetry.ts'
import { addSeconds, type Instant, secondsBetween } from '../time.ts'
import { adjust, periodsBefore } from './adjust.ts'
import { methodFor, windowInput } from './candidate.ts'
import { computeBaseline } from './engine.ts'
import {
  type Fraction,
  floorOf,
  fraction,
  halfEven,
  isLess,
  meanOf,
  times,
  ZERO,
} from './fraction.ts'
import type { BaselineMethod } from './method.ts'
import { readingBefore, seriesOfReadings } from './readings.ts'
import { adjustmentOf } from './shape.ts'

/** A stretch of a settlement period in which a resource was ordered to move. */
export type Stretch = { readonly start: Instant; readonly end: Instant }

/** Baseline of a stretch in whole Wh; null: there is none, nothing can be paid. */
export type BaselineOf = (resourceId: ResourceId, stretch: Stretch) => number | null

export type CallReadings = {
  readonly program: Program
  readonly request: FlexibilityRequest
  /** Taken in as the window began, in order of time. */
  readonly before: readonly DeviceReading[]
  /** Of the window. Only that of its first instant tells something of what came before. */
  readonly readings: readonly DeviceReading[]
}

/** The energies of a resource's own window, exact, per settlement period; null: none. */
export function ownEnergies(candidate: Candidate, call: CallReadings): readonly Fraction[] | null {
  const { program, request, before } = call
  const method = methodFor(program, candidate.kind)
  const { energies, level, refused } = candidate.baseline
  if (refused !== null) return null
  switch (method.family) {
    case 'history':
    case 'state-based': {
      const rule = adjustmentOf(method)
      if (rule === null || level === null) return energies
      const mine = levelOf(candidate, call)
      if (mine === null) return rule.missing === 'unadjusted' ? energies : null
      const isSigned = candidate.rating.exportMaxW > 0
      return adjust(rule, isSigned, energies, level.usual, mine).periods
    }
    case 'same-day':
    case 'last-reading': {
      const starts = request.periods.map((period) => period.start)
      const found = computeBaseline(method, {
        ...windowInput(program, starts),
        history: historyOf(candidate, call),
        lastReadingW: readingBefore(before, request.window.start),
      })
      return found.kind === 'baseline' ? found.periods : null
    }
    case 'zero':
    case 'nominated':
    case 'deemed':
    case 'firm-level':
    case 'control-group':
      return energies
  }
}

/** The periods of the call's own day, before the window, that a candidate's baseline reads. */
export function levelPeriods(
  { kind, baseline }: Candidate,
  program: Program,
  request: FlexibilityRequest,
): readonly Instant[] {
  const method = methodFor(program, kind)
  if (method.family !== 'same-day') return baseline.level?.starts ?? []
  const { before } = method
  return before ? periodsBefore(request.window.start, before, program.settlementPeriodSeconds) : []
}

/** Mean metered energy of the level's periods; null: it cannot be known. */
export function levelOf(candidate: Candidate, call: CallReadings): Fraction | null {
  const { level } = candidate.baseline
  if (level === null) return null
  const history = historyOf(candidate, call)
  const energies = level.starts.map((start) => history.whAt(start))
  return energies.includes(null) ? null : meanOf(energies.map((wh) => fraction(wh as number)))
}

/** Up to the window's first instant, or the reading next to it: what was dispatched begins there. */
function historyOf({ rating }: Candidate, { program, request, before, readings }: CallReadings) {
  const { start } = request.window
  const closing = readings.findIndex(({ at }) => at >= start)
  const early = closing < 0 ? readings : readings.slice(0, closing + 1)
  const seconds = program.settlementPeriodSeconds
  // The same reading may stand among both.
  return seriesOfReadings([...before, ...early], rating, seconds, seconds)
}

/** The share of a period's energy that falls on a stretch of it, rounded once as the method says. */
export function energyOfStretch(
  method: BaselineMethod,
  call: CallReadings,
  energies: readonly Fraction[],
  stretch: Stretch,
): number {
  const index = call.request.periods.findLastIndex((period) => period.start <= stretch.start)
  const seconds = secondsBetween(stretch.start, stretch.end)
  const share = fraction(seconds * 1000, call.program.settlementPeriodSeconds * 1000)
  return rounded(method, times(energies[index] ?? ZERO, share))
}

export function rounded(method: BaselineMethod, energy: Fraction): number {
  const floored = method.floorAtZero && isLess(energy, ZERO) ? ZERO : energy
  return Number(method.rounding === 'floor' ? floorOf(floored) : halfEven(floored))
}

/** The settlement period that a stretch lies in, cut where the stretch ends. */
export function periodEnd({ program, request }: CallReadings, start: Instant): Instant {
  const period = request.periods.findLast((p) => p.start <= start)
  return addSeconds(period?.start ?? start, program.settlementPeriodSeconds)
}

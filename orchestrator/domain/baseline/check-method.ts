import type { BaselineMethod, DayPool, DayRules, Stretch } from './method.ts'

/** What is wrong with a method's data, named by its field. */
export type MethodFault = {
  readonly field: string
  readonly expected: string
  readonly got: string
}

const DAY_SECONDS = 86_400
const WEIGHT_MAX = 1_000

/** The first thing that makes a method impossible with periods of this length; null: nothing. */
export function faultOf(method: BaselineMethod, resolutionSeconds: number): MethodFault | null {
  return [...faultsOf(method, resolutionSeconds)][0] ?? null
}

function* faultsOf(method: BaselineMethod, resolution: number): Generator<MethodFault> {
  yield* wholeNumber('version', method.version, 1, 1_000_000)
  if (method.resolutionSeconds !== null && method.resolutionSeconds !== resolution) {
    const expected = `periods of ${method.resolutionSeconds} s`
    yield { field: 'resolutionSeconds', expected, got: `${resolution} s` }
  }
  switch (method.family) {
    case 'history':
      yield* daysFaults(method.days)
      if (method.adjustment) {
        yield* stretchFaults('adjustment.stretch', method.adjustment.stretch, resolution)
        if (method.adjustment.cap) yield* capFaults('adjustment.cap', method.adjustment.cap)
      }
      return
    case 'state-based': {
      yield* daysFaults(method.days)
      const stretch = { fromSeconds: method.levelSeconds, untilSeconds: 0 }
      yield* stretchFaults('levelSeconds', stretch, resolution)
      if (method.cap) yield* capFaults('cap', method.cap)
      return
    }
    case 'same-day':
      if (method.before === null && method.after === null) {
        yield { field: 'before', expected: 'a stretch before or after the window', got: 'neither' }
      }
      if (method.before) yield* stretchFaults('before', method.before, resolution)
      if (method.after) yield* stretchFaults('after', method.after, resolution)
      return
    case 'control-group':
      yield* wholeNumber('controlMin', method.controlMin, 1, 1_000_000)
      return
    case 'last-reading':
    case 'zero':
    case 'nominated':
    case 'deemed':
    case 'firm-level':
      return
  }
}

function* daysFaults(rules: DayRules): Generator<MethodFault> {
  yield* poolFaults('days.pool', rules.pool, rules)
  if (rules.nonWorkingPool) yield* poolFaults('days.nonWorkingPool', rules.nonWorkingPool, rules)
  const { lowUsage } = rules.exclude
  if (lowUsage) yield* wholeNumber('days.exclude.lowUsage.belowBp', lowUsage.belowBp, 1, 10_000)
  for (const weight of rules.weights ?? []) {
    yield* wholeNumber('days.weights', weight, 1, WEIGHT_MAX)
  }
  if (rules.callDaysInRowMax !== null) {
    yield* wholeNumber('days.callDaysInRowMax', rules.callDaysInRowMax, 0, 366)
  }
  if (rules.staleDays !== null) yield* wholeNumber('days.staleDays', rules.staleDays, 1, 366)
}

function* poolFaults(field: string, pool: DayPool, rules: DayRules): Generator<MethodFault> {
  yield* wholeNumber(`${field}.size`, pool.size, 1, 366)
  yield* wholeNumber(`${field}.lookbackDays`, pool.lookbackDays, 1, 366)
  yield* wholeNumber(`${field}.minDays`, pool.minDays, 1, pool.size)
  const { select } = pool
  const chosen = select.by === 'all' ? pool.size : select.days
  yield* wholeNumber(`${field}.select.days`, chosen, 1, pool.size)
  if (select.by === 'mid') {
    const cut = pool.size - select.days
    if (cut % 2 !== 0) {
      const expected = `as many days as leave an even number of ${pool.size} to drop`
      yield { field: `${field}.select.days`, expected, got: `${select.days}` }
    }
    yield* wholeNumber(`${field}.minDays`, pool.minDays, cut + 1, pool.size)
  }
  if (rules.weights !== null && rules.weights.length !== chosen) {
    const expected = `a weight for each of ${chosen} days`
    yield { field: 'days.weights', expected, got: `${rules.weights.length}` }
  }
}

function* stretchFaults(
  field: string,
  { fromSeconds, untilSeconds }: Stretch,
  resolution: number,
): Generator<MethodFault> {
  const isPossible =
    Number.isSafeInteger(fromSeconds) &&
    Number.isSafeInteger(untilSeconds) &&
    untilSeconds >= 0 &&
    fromSeconds > untilSeconds &&
    fromSeconds <= 2 * DAY_SECONDS
  if (!isPossible) {
    const expected = `whole seconds, from further away than until, within ${2 * DAY_SECONDS}`
    yield { field, expected, got: `${fromSeconds} until ${untilSeconds}` }
  } else if (fromSeconds % resolution !== 0 || untilSeconds % resolution !== 0) {
    const expected = `multiples of the period of ${resolution} s`
    yield { field, expected, got: `${fromSeconds} until ${untilSeconds}` }
  }
}

function* capFaults(
  field: string,
  { lowBp, highBp }: { readonly lowBp: number; readonly highBp: number },
): Generator<MethodFault> {
  yield* wholeNumber(`${field}.lowBp`, lowBp, -10_000, 0)
  yield* wholeNumber(`${field}.highBp`, highBp, 0, 100_000)
}

function* wholeNumber(
  field: string,
  value: number,
  least: number,
  most: number,
): Generator<MethodFault> {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  yield { field, expected: `a whole number from ${least} to ${most}`, got: `${value}` }
}

import { type Instant, parseInstant } from '../time.ts'
import { adjust } from './adjust.ts'
import { faultOf } from './check-method.ts'
import { type Fraction, floorOf, fraction, halfEven, isLess, meanOf, ZERO } from './fraction.ts'
import type {
  AppliedAdjustment,
  BaselineInput,
  BaselinePeriod,
  BaselineResult,
  DroppedDay,
} from './input.ts'
import type { Adjustment, BaselineMethod, HistoryMethod, StateBasedMethod } from './method.ts'
import { readWh, Refusal } from './refusal.ts'
import { adjustmentOf, type Shape, shapeFrom } from './shape.ts'
import { readUntil } from './silence.ts'
import { constantOf, controlOf, deemedOf, nominatedOf, sameDayOf } from './without-history.ts'

/** A clock that was never set says 1970; one of 32 bits ends in 2106. */
const EARLIEST = parseInstant('2000-01-01T00:00:00Z')
const LATEST = parseInstant('2106-01-01T00:00:00Z')

type Computed = {
  readonly energies: readonly Fraction[]
  readonly daysUsed: readonly string[]
  readonly adjustment: AppliedAdjustment | null
}

/**
 * The baseline of one unit in one window by any method: energy per period, exact and rounded
 * once, with the days that it stands on and why others do not count; or why there is none.
 * @throws RangeError for a time zone that does not exist
 */
export function computeBaseline(method: BaselineMethod, input: BaselineInput): BaselineResult {
  const dropped: DroppedDay[] = []
  return answered(dropped, () => {
    checkAll(method, input)
    const { energies, daysUsed, adjustment } = compute(method, input, dropped)
    const periods = energies.map((energy, i) =>
      periodOf(method, input.periodStarts[i] as Instant, energy),
    )
    return { kind: 'baseline', periods, daysUsed, dropped, adjustment } as const
  })
}

type Refused = Extract<BaselineResult, { kind: 'refused' }>

/**
 * The same before the level of the call's own day is known: what can be fixed when the call is
 * ordered. It stands on the same days.
 */
export function computeShape(
  method: HistoryMethod | StateBasedMethod,
  input: BaselineInput,
): ({ readonly kind: 'shape'; readonly dropped: readonly DroppedDay[] } & Shape) | Refused {
  const dropped: DroppedDay[] = []
  return answered(dropped, () => {
    checkAll(method, input)
    return { kind: 'shape', ...shapeFrom(method, input, dropped), dropped } as const
  })
}

function answered<T>(dropped: readonly DroppedDay[], compute: () => T): T | Refused {
  try {
    return compute()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { reason, expected, got } = error
    return { kind: 'refused', reason, expected, got, dropped }
  }
}

function compute(method: BaselineMethod, input: BaselineInput, dropped: DroppedDay[]): Computed {
  const flat = (energies: readonly Fraction[]) => ({ energies, daysUsed: [], adjustment: null })
  switch (method.family) {
    case 'history':
    case 'state-based': {
      const shape = shapeFrom(method, input, dropped)
      return { ...levelled(method, input, shape), daysUsed: shape.daysUsed }
    }
    case 'same-day':
      return flat(sameDayOf(method, input))
    case 'last-reading':
      return flat(constantOf(input, input.lastReadingW, 'a reading before the window'))
    case 'zero':
      return flat(input.periodStarts.map(() => ZERO))
    case 'nominated':
      return flat(nominatedOf(input))
    case 'deemed':
      return flat(deemedOf(input))
    case 'firm-level':
      return flat(constantOf(input, input.firmLevelW, 'a firm level'))
    case 'control-group':
      return flat(controlOf(method, input))
  }
}

/** Brings a shape to the level of the call's own day, if the method asks for it. */
function levelled(
  method: HistoryMethod | StateBasedMethod,
  input: BaselineInput,
  { energies, level }: Shape,
): Omit<Computed, 'daysUsed'> {
  const rule = adjustmentOf(method)
  const mine = rule && level ? levelOn(rule, input.history, level.starts) : null
  if (rule === null || level === null || mine === null) return { energies, adjustment: null }
  const adjusted = adjust(rule, input.signed === true, energies, level.usual, mine)
  return { energies: adjusted.periods, adjustment: adjusted.adjustment }
}

/** Mean metered energy of the level's periods; null: one is missing, the method goes without. */
function levelOn(
  rule: Adjustment,
  history: BaselineInput['history'],
  starts: readonly Instant[],
): Fraction | null {
  const energies: Fraction[] = []
  for (const start of starts) {
    const wh = readWh(history, start)
    if (wh !== null) energies.push(fraction(wh))
    else if (rule.missing === 'unadjusted') return null
    else {
      const expected = 'a reading in every period of the adjustment'
      throw new Refusal('missing-interval', expected, `none from ${start} on`)
    }
  }
  return meanOf(energies)
}

function periodOf(method: BaselineMethod, start: Instant, energy: Fraction): BaselinePeriod {
  const floored = method.floorAtZero && isLess(energy, ZERO) ? ZERO : energy
  const wh = Number(method.rounding === 'floor' ? floorOf(floored) : halfEven(floored))
  return { start, ...floored, wh }
}

function checkAll(method: BaselineMethod, input: BaselineInput): void {
  checkWindow(input)
  const fault = faultOf(method, input.resolutionSeconds)
  if (fault) throw new Refusal('impossible-method', `${fault.field}: ${fault.expected}`, fault.got)
  checkSilence(method, input)
}

function checkWindow({ periodStarts, resolutionSeconds }: BaselineInput): void {
  if (!Number.isSafeInteger(resolutionSeconds) || resolutionSeconds < 1) {
    throw new Refusal('impossible-window', 'periods of whole seconds', `${resolutionSeconds}`)
  }
  if (periodStarts.length === 0) throw new Refusal('impossible-window', 'a period', 'none')
  for (const [i, start] of periodStarts.entries()) {
    if (!(start >= EARLIEST && start < LATEST)) {
      throw new Refusal('bad-value', 'an instant between 2000 and 2106', `${start}`)
    }
    const before = periodStarts[i - 1]
    if (before !== undefined && start - before !== resolutionSeconds * 1000) {
      const expected = `periods of ${resolutionSeconds} s, one behind the other`
      throw new Refusal('impossible-window', expected, `${start} after ${before}`)
    }
  }
}

/** What is read after somebody could know of the window can be bent by whoever knows. */
function checkSilence(method: BaselineMethod, input: BaselineInput): void {
  const { notifiedAt } = input
  const start = input.periodStarts[0] as Instant
  if (notifiedAt === null || notifiedAt >= start) return
  const readsUntil = readUntil(method, input)
  if (readsUntil === null || readsUntil <= notifiedAt) return
  const expected = 'readings up to the notification only'
  throw new Refusal('window-known-beforehand', expected, `${method.name} reads up to ${readsUntil}`)
}

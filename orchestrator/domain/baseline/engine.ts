import { parseInstant } from '../time.ts'
import { adjust, anchorOf, periodsBefore } from './adjust.ts'
import { faultOf } from './check-method.ts'
import { chooseDays, type DayValues, type Slot } from './choose-days.ts'
import { type Fraction, floorOf, fraction, halfEven, isLess, ZERO } from './fraction.ts'
import type {
  AppliedAdjustment,
  BaselineInput,
  BaselinePeriod,
  BaselineResult,
  DroppedDay,
} from './input.ts'
import { calendarOf } from './local-day.ts'
import type { Adjustment, BaselineMethod, DayRules, HistoryMethod } from './method.ts'
import { Refusal } from './refusal.ts'
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
  try {
    checkWindow(input)
    checkFit(method, input)
    checkSilence(method, input)
    const { energies, daysUsed, adjustment } = compute(method, input, dropped)
    const periods = energies.map((energy, i) => periodOf(method, input, energy, i))
    return { kind: 'baseline', periods, daysUsed, dropped, adjustment }
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
      return fromHistory(method.days, method.adjustment, input, dropped)
    case 'state-based':
      return fromHistory(method.days, levelOf(method), input, dropped)
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

/** The state-based factor is an adjustment by ratio that ends where the window begins. */
function levelOf({
  levelSeconds,
  cap,
}: Extract<BaselineMethod, { family: 'state-based' }>): Adjustment {
  return {
    kind: 'multiplicative',
    anchor: 'window-start',
    stretch: { fromSeconds: levelSeconds, untilSeconds: 0 },
    cap: cap && { ...cap, reference: 'window-mean' },
    direction: 'both',
    additiveWhenSigned: false,
    missing: 'refuse',
  }
}

function fromHistory(
  rules: DayRules,
  rule: HistoryMethod['adjustment'],
  input: BaselineInput,
  dropped: DroppedDay[],
): Computed {
  const calendar = calendarOf(input.timeZone)
  const starts = rule
    ? periodsBefore(anchorOf(rule.anchor, input), rule.stretch, input.resolutionSeconds)
    : []
  const callDay = calendar.localTime(input.periodStarts[0] as BaselinePeriod['start']).day
  const slotOf = (at: BaselinePeriod['start']): Slot => {
    const { day, clockMs } = calendar.localTime(at)
    return { daysAfter: day.number - callDay.number, clockMs }
  }
  const window = input.periodStarts.map(slotOf)
  const adjusting = starts.map(slotOf)
  const question = { rules, calendar, callDay, window, adjust: adjusting, input, dropped }
  const days = chooseDays(question)
  const unadjusted = window.map((_, i) => {
    const mean = meanOfSlot(rules, days, (day) => day.window[i] ?? [])
    if (mean !== null) return mean
    const got = 'none: the change of clocks skips it on all of them'
    throw new Refusal('no-history-for-period', 'a chosen day that has this local time', got)
  })
  const base = adjusting.map((_, i) => meanOfSlot(rules, days, (day) => day.adjust[i] ?? []))
  const adjusted = rule
    ? adjust(rule, input, unadjusted, starts, base)
    : { periods: unadjusted, adjustment: null }
  return {
    energies: adjusted.periods,
    daysUsed: days.map(({ day }) => day.date),
    adjustment: adjusted.adjustment,
  }
}

/** Weighted mean over the days of every value that there is in one slot; null for none. */
function meanOfSlot(
  { weights }: DayRules,
  days: readonly DayValues[],
  valuesOf: (day: DayValues) => readonly number[],
): Fraction | null {
  let [sum, weight] = [0, 0]
  for (const [i, day] of days.entries()) {
    const mine = weights?.[i] ?? 1
    for (const wh of valuesOf(day)) {
      sum += mine * wh
      weight += mine
    }
  }
  return weight === 0 ? null : fraction(sum, weight)
}

function periodOf(
  method: BaselineMethod,
  { periodStarts }: BaselineInput,
  energy: Fraction,
  i: number,
): BaselinePeriod {
  const floored = method.floorAtZero && isLess(energy, ZERO) ? ZERO : energy
  const wh = Number(method.rounding === 'floor' ? floorOf(floored) : halfEven(floored))
  return { start: periodStarts[i] as BaselinePeriod['start'], ...floored, wh }
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

function checkFit(method: BaselineMethod, { resolutionSeconds }: BaselineInput): void {
  const fault = faultOf(method, resolutionSeconds)
  if (fault) throw new Refusal('impossible-method', `${fault.field}: ${fault.expected}`, fault.got)
}

/** What is read after somebody could know of the window can be bent by whoever knows. */
function checkSilence(method: BaselineMethod, input: BaselineInput): void {
  const { notifiedAt } = input
  const start = input.periodStarts[0] as BaselinePeriod['start']
  if (notifiedAt === null || notifiedAt >= start) return
  const readsUntil = readUntil(method, input)
  if (readsUntil === null || readsUntil <= notifiedAt) return
  const expected = 'readings up to the notification only'
  throw new Refusal('window-known-beforehand', expected, `${method.name} reads up to ${readsUntil}`)
}

/** The end of what a method reads of the call's own day; null: nothing. */
function readUntil(method: BaselineMethod, input: BaselineInput): number | null {
  const start = input.periodStarts[0] as BaselinePeriod['start']
  const { length } = input.periodStarts
  switch (method.family) {
    case 'history': {
      const { adjustment } = method
      if (adjustment === null) return null
      return anchorOf(adjustment.anchor, input) - adjustment.stretch.untilSeconds * 1000
    }
    case 'same-day': {
      if (method.after === null) return start - (method.before?.untilSeconds ?? 0) * 1000
      return start + (length * input.resolutionSeconds + method.after.fromSeconds) * 1000
    }
    case 'state-based':
    case 'last-reading':
      return start
    default:
      return null
  }
}

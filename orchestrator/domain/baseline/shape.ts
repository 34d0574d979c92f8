import type { Instant } from '../time.ts'
import { anchorOf, periodsBefore } from './adjust.ts'
import { chooseDays, type DayValues, daysToRead, type Slot } from './choose-days.ts'
import { type Fraction, fraction, meanOf } from './fraction.ts'
import type { BaselineInput, DroppedDay } from './input.ts'
import { calendarOf } from './local-day.ts'
import type { Adjustment, DayRules, HistoryMethod, StateBasedMethod } from './method.ts'
import { Refusal } from './refusal.ts'

/** What earlier days say of a window, before the level of the call's own day is known. */
export type Shape = {
  /** Unadjusted energy per period of the window, exact Wh. */
  readonly energies: readonly Fraction[]
  /** The periods of the call's own day that set the level, and the mean that is usual in them. */
  readonly level: { readonly starts: readonly Instant[]; readonly usual: Fraction } | null
  readonly daysUsed: readonly string[]
}

/** The state-based factor is an adjustment by ratio that ends where the window begins. */
export function adjustmentOf(method: HistoryMethod | StateBasedMethod): Adjustment | null {
  if (method.family === 'history') return method.adjustment
  return {
    kind: 'multiplicative',
    anchor: 'window-start',
    stretch: { fromSeconds: method.levelSeconds, untilSeconds: 0 },
    cap: method.cap && { ...method.cap, reference: 'window-mean' },
    direction: 'both',
    additiveWhenSigned: false,
    missing: 'refuse',
  }
}

type Window = Pick<BaselineInput, 'timeZone' | 'periodStarts' | 'resolutionSeconds' | 'notifiedAt'>

/** The periods of the call's own day that set the level. */
function levelStarts(method: HistoryMethod | StateBasedMethod, window: Window): Instant[] {
  const rule = adjustmentOf(method)
  if (rule === null) return []
  return periodsBefore(anchorOf(rule.anchor, window), rule.stretch, window.resolutionSeconds)
}

/** Instants by the clock on the wall, counted from the call's own day. */
function slotsOf({ timeZone, periodStarts }: Window, starts: readonly Instant[]): Slot[] {
  const calendar = calendarOf(timeZone)
  const callDay = calendar.localTime(periodStarts[0] as Instant).day
  return starts.map((at) => {
    const { day, clockMs } = calendar.localTime(at)
    return { daysAfter: day.number - callDay.number, clockMs }
  })
}

function questionOf(method: HistoryMethod | StateBasedMethod, input: BaselineInput) {
  const calendar = calendarOf(input.timeZone)
  return {
    rules: method.days,
    calendar,
    callDay: calendar.localTime(input.periodStarts[0] as Instant).day,
    window: slotsOf(input, input.periodStarts),
    adjust: slotsOf(input, levelStarts(method, input)),
    input,
  }
}

/** Which earlier days' readings a method asks for in a window. */
export function historyToRead(
  method: HistoryMethod | StateBasedMethod,
  input: Omit<BaselineInput, 'history'>,
): ReturnType<typeof daysToRead> {
  return daysToRead(questionOf(method, { ...input, history: { whAt: () => null } }))
}

/** @throws Refusal */
export function shapeFrom(
  method: HistoryMethod | StateBasedMethod,
  input: BaselineInput,
  dropped: DroppedDay[],
): Shape {
  const rules = method.days
  const starts = levelStarts(method, input)
  const question = questionOf(method, input)
  const days = chooseDays({ ...question, dropped })
  const energies = question.window.map((_, i) => {
    const mean = meanOfSlot(rules, days, (day) => day.window[i] ?? [])
    if (mean !== null) return mean
    const got = 'none: the change of clocks skips it on all of them'
    throw new Refusal('no-history-for-period', 'a chosen day that has this local time', got)
  })
  const usual = starts.flatMap((start, i) => {
    const mean = meanOfSlot(rules, days, (day) => day.adjust[i] ?? [])
    return mean === null ? [] : [{ start, mean }]
  })
  return {
    energies,
    level:
      usual.length === 0
        ? null
        : { starts: usual.map(({ start }) => start), usual: meanOf(usual.map(({ mean }) => mean)) },
    daysUsed: days.map(({ day }) => day.date),
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

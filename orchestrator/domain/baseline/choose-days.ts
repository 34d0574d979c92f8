import { type Instant, instant } from '../time.ts'
import type { BaselineInput, DayReason, DroppedDay } from './input.ts'
import { type Calendar, instantsAt, type LocalDay } from './local-day.ts'
import type { DayPool, DayRules } from './method.ts'
import { readWh, Refusal } from './refusal.ts'

/** A period by the clock on the wall, `daysAfter` the call's own local day. */
export type Slot = { readonly daysAfter: number; readonly clockMs: number }

/** What a day had in each slot: one value, none where it was skipped, two where repeated. */
export type DayValues = {
  readonly day: LocalDay
  readonly window: readonly (readonly number[])[]
  readonly adjust: readonly (readonly number[])[]
  /** Of the window's values. */
  readonly sumWh: number
  readonly count: number
}

export type DayQuestion = {
  readonly rules: DayRules
  readonly calendar: Calendar
  readonly callDay: LocalDay
  readonly window: readonly Slot[]
  readonly adjust: readonly Slot[]
  readonly input: BaselineInput
  /** Takes what is dropped, and why. */
  readonly dropped: DroppedDay[]
}

/** A question with the pool that goes for the call's own day. */
type Search = DayQuestion & { readonly pool: DayPool }

/** The days that the mean is taken over, newest first. @throws Refusal where there are too few. */
export function chooseDays(question: DayQuestion): DayValues[] {
  const pool = poolFor(question)
  const search = { ...question, pool }
  const used = withoutLowUsage(search, lookBack(search))
  if (used.length < pool.minDays) {
    const got = `${used.length} among the ${pool.lookbackDays} days before ${question.callDay.date}`
    throw new Refusal('too-few-days', `${pool.minDays} usable days`, got)
  }
  return select(search, used).toSorted((a, b) => b.day.number - a.day.number)
}

function dayTypeOf(
  day: LocalDay,
  dayTypes: DayRules['dayTypes'],
  { holidays }: BaselineInput,
): string | number {
  const dayOfWeek = holidays?.has(day.date) ? 7 : day.dayOfWeek
  if (dayTypes === 'every-day') return 'any'
  if (dayTypes === 'same-weekday') return dayOfWeek
  if (dayOfWeek <= 5) return 'working'
  return dayTypes === 'wd-nwd' ? 'other' : dayOfWeek
}

type LikeDay = { readonly day: LocalDay; readonly back: number }

/** Days of the look-back that are alike, newest first. */
function* likeDays({ rules, calendar, callDay, input, pool }: Omit<Search, 'dropped'>) {
  const callType = dayTypeOf(callDay, rules.dayTypes, input)
  for (let back = 1; back <= pool.lookbackDays; back++) {
    const day = calendar.day(callDay.number - back)
    if (dayTypeOf(day, rules.dayTypes, input) === callType) yield { day, back } satisfies LikeDay
  }
}

/**
 * The like days whose readings are asked for, newest first, with the starts of the intervals that
 * are read. With `enough` such days that can be used nothing more is looked at; null: with none.
 */
export function daysToRead(question: Omit<DayQuestion, 'dropped'>): {
  readonly enough: number | null
  readonly days: readonly { readonly date: string; readonly starts: readonly Instant[] }[]
} {
  const { rules, window, adjust } = question
  const search = { ...question, pool: poolFor(question) }
  const readable = [...likeDays(search)].filter(({ day, back }) => {
    const reason = reasonBefore(search, day, back)
    return reason === null || reason === 'call-day'
  })
  const readsAll = rules.exclude.lowUsage !== null || rules.fallback === 'call-days'
  const days = readable.map(({ day, back }) => ({
    date: day.date,
    starts: [...window, ...adjust].flatMap((slot) => instantsOf(search, slot, back)),
  }))
  return { enough: readsAll ? null : search.pool.size, days }
}

/** The pool that goes for the call's own day. */
function poolFor({ rules, callDay, input }: Omit<DayQuestion, 'dropped'>): DayPool {
  const isWorkingDay = dayTypeOf(callDay, 'wd-nwd', input) === 'working'
  return isWorkingDay ? rules.pool : (rules.nonWorkingPool ?? rules.pool)
}

/** Like days that pass every rule but that of low usage, newest first. */
function lookBack(search: Search): DayValues[] {
  const { rules, dropped, pool } = search
  const wanted = rules.exclude.lowUsage ? Number.POSITIVE_INFINITY : pool.size
  const passing: DayValues[] = []
  const called: DayValues[] = []
  let calledInRow = 0
  for (const { day, back } of likeDays(search)) {
    if (passing.length >= wanted) break
    const early = reasonBefore(search, day, back)
    if (early !== null && early !== 'call-day') {
      dropped.push({ date: day.date, reason: early })
      continue
    }
    const mayStandIn = early === 'call-day' && rules.fallback === 'call-days'
    const found = early === null || mayStandIn ? valuesOf(search, day, back) : early
    if (early === 'call-day') {
      dropped.push({ date: day.date, reason: early })
      if (typeof found !== 'string') called.push(found)
      if (passing.length === 0) calledInRow += 1
    } else if (typeof found === 'string') dropped.push({ date: day.date, reason: found })
    else passing.push(found)
    if (rules.callDaysInRowMax !== null && calledInRow > rules.callDaysInRowMax) {
      const expected = `at most ${rules.callDaysInRowMax} call days in a row before ${search.callDay.date}`
      throw new Refusal('frozen-by-calls', expected, `${calledInRow}`)
    }
  }
  const standIns = called.slice(0, Math.max(0, pool.minDays - passing.length))
  for (const { day } of standIns) {
    dropped.splice(
      dropped.findIndex(({ date }) => date === day.date),
      1,
    )
  }
  return [...passing, ...standIns].sort((a, b) => b.day.number - a.day.number)
}

/** What can be said of a day without its readings. */
function reasonBefore(
  { rules, input }: Omit<Search, 'dropped'>,
  day: LocalDay,
  back: number,
): DayReason | null {
  const { exclude } = rules
  if (exclude.holidays && input.holidays?.has(day.date)) return 'holiday'
  if (exclude.callDays && input.callDays?.has(day.date)) return 'call-day'
  if (exclude.dayBeforeCall && back === 1) return 'day-before-call'
  if (rules.staleDays !== null && back > rules.staleDays) return 'stale'
  return null
}

function valuesOf(search: Search, day: LocalDay, back: number): DayValues | DayReason {
  const { rules, input, pool } = search
  const window = search.window.map((slot) => instantsOf(search, slot, back))
  const adjust = search.adjust.map((slot) => instantsOf(search, slot, back))
  if (rules.exclude.outages && [...window, ...adjust].flat().some((at) => inOutage(at, input))) {
    return 'outage'
  }
  if (window.every((instants) => instants.length === 0)) return 'no-such-local-time'
  const read = (instants: readonly Instant[]) => instants.map((at) => readWh(input.history, at))
  const [windowWh, adjustWh] = [window.map(read), adjust.map(read)]
  if (rules.missing === 'drop-day') {
    const missing = firstMissing([...window, ...adjust], [...windowWh, ...adjustWh])
    if (missing !== null) return input.history.faultAt?.(missing) ?? 'missing-interval'
  }
  const known = (values: readonly (number | null)[]) => values.filter((wh) => wh !== null)
  const values = { window: windowWh.map(known), adjust: adjustWh.map(known) }
  const all = values.window.flat()
  if (all.length === 0) return 'missing-interval'
  if (pool.select.by === 'closest-temperature' && !input.maxTemperatures?.has(day.date)) {
    return 'no-temperature'
  }
  return { day, ...values, sumWh: all.reduce((sum, wh) => sum + wh, 0), count: all.length }
}

function firstMissing(
  instants: readonly (readonly Instant[])[],
  energies: readonly (readonly (number | null)[])[],
): Instant | null {
  for (const [i, values] of energies.entries()) {
    const j = values.indexOf(null)
    if (j >= 0) return instants[i]?.[j] ?? null
  }
  return null
}

function instantsOf(
  { calendar, callDay }: Omit<Search, 'dropped'>,
  slot: Slot,
  back: number,
): Instant[] {
  return instantsAt(calendar.day(callDay.number - back + slot.daysAfter), slot.clockMs)
}

function inOutage(at: Instant, { outages = [], resolutionSeconds }: BaselineInput): boolean {
  const end = instant(at + resolutionSeconds * 1000)
  return outages.some((outage) => outage.start < end && at < outage.end)
}

/** Fills the pool; days that used next to nothing make room for older ones. */
function withoutLowUsage(
  { rules, dropped, pool }: Search,
  passing: readonly DayValues[],
): DayValues[] {
  const { lowUsage } = rules.exclude
  if (lowUsage === null) return passing.slice(0, pool.size)
  const reference = lowUsage.of === 'pool-mean' ? passing.slice(0, pool.size) : passing
  const means = reference.map((day) => ({ sum: BigInt(day.sumWh), count: BigInt(day.count) }))
  const isLow = lowUsage.of === 'pool-mean' ? belowMean(means) : belowMax(means)
  const used: DayValues[] = []
  for (const day of passing) {
    if (used.length === pool.size) break
    if (isLow(day, BigInt(lowUsage.belowBp)))
      dropped.push({ date: day.day.date, reason: 'low-usage' })
    else used.push(day)
  }
  return used
}

type Mean = { readonly sum: bigint; readonly count: bigint }
type IsLow = (day: DayValues, belowBp: bigint) => boolean

function belowMax(means: readonly Mean[]): IsLow {
  const [first, ...others] = means
  if (!first) return () => false
  const most = others.reduce((a, b) => (b.sum * a.count > a.sum * b.count ? b : a), first)
  return isBelow(most)
}

/** The mean of the days' means, each day with the same weight. */
function belowMean(means: readonly Mean[]): IsLow {
  if (means.length === 0) return () => false
  const total = means.reduce((a, b) => ({
    sum: a.sum * b.count + b.sum * a.count,
    count: a.count * b.count,
  }))
  return isBelow({ sum: total.sum, count: total.count * BigInt(means.length) })
}

function isBelow(reference: Mean): IsLow {
  if (reference.sum <= 0n) return () => false
  return ({ sumWh, count }, belowBp) =>
    BigInt(sumWh) * reference.count * 10_000n < reference.sum * BigInt(count) * belowBp
}

function select(
  { rules, callDay, input, pool }: Search,
  days: readonly DayValues[],
): readonly DayValues[] {
  const { select: how } = pool
  if (how.by === 'all') return days
  const preferred = (a: DayValues, b: DayValues) =>
    rules.tie === 'newer' ? b.day.number - a.day.number : a.day.number - b.day.number
  if (how.by === 'closest-temperature') {
    const target = input.maxTemperatures?.get(callDay.date)
    if (target === undefined) {
      const expected = 'the maximum temperature of the call’s day'
      throw new Refusal('missing-input', expected, 'none')
    }
    const away = ({ day }: DayValues) =>
      Math.abs((input.maxTemperatures?.get(day.date) as number) - target)
    return days.toSorted((a, b) => away(a) - away(b) || preferred(a, b)).slice(0, how.days)
  }
  const sign = how.by === 'low' ? 1 : -1
  const ranked = days.toSorted((a, b) => sign * compareMeans(a, b) || preferred(a, b))
  if (how.by !== 'mid') return ranked.slice(0, how.days)
  const cut = Math.floor((pool.size - how.days) / 2)
  return ranked.slice(cut, ranked.length - cut)
}

function compareMeans(a: DayValues, b: DayValues): number {
  const [left, right] = [a.sumWh * b.count, b.sumWh * a.count]
  return left < right ? -1 : left > right ? 1 : 0
}

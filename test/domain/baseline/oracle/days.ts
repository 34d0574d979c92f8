import type { BaselineInput } from '#domain/baseline/input.ts'
import { instant } from '#domain/time.ts'
import { dateAfter, daysBetween, stampOf, startsAt, weekday } from './calendar.ts'

/** Which earlier days a method takes, in the words of the reference's table. */
export type DayTable = {
  /** `working`: working days, others. `three`: working days, Saturdays, Sundays with holidays. */
  readonly alike: 'working' | 'three' | 'weekday'
  readonly onWorkingDays: Pool
  readonly onOtherDays: Pool
  readonly withoutHolidays: boolean
  readonly withoutDayBefore: boolean
  /** Days below a share of the mean of the newest Y, or of the highest in the look-back. */
  readonly withoutLow: null | { readonly share: number; readonly of: 'mean' | 'highest' }
  readonly oldestFirst?: boolean
  readonly weights?: readonly number[]
}

export type Pool = {
  readonly newest: number
  readonly lookBack: number
  readonly atLeast: number
  readonly take:
    | 'all'
    | { readonly high: number }
    | { readonly low: number }
    | { readonly mid: number }
    | { readonly closestTemperature: number }
}

/** Where a period lies on a day: whole days after the window's own, and the minute on the wall. */
export type Place = { readonly dayOffset: number; readonly minute: number }

/** The local date on which the window begins. */
export function callDate(input: BaselineInput): string {
  return stampOf(input.periodStarts[0] ?? 0, input.timeZone).date
}

export function placeOf(start: number, input: BaselineInput): Place {
  const { date, minute } = stampOf(start, input.timeZone)
  return { dayOffset: daysBetween(callDate(input), date), minute }
}

/** The copies of a place on an earlier day: none where the clocks skip it, two where it repeats. */
export function copiesOf(place: Place, date: string, input: BaselineInput): number[] {
  const day = dateAfter(date, place.dayOffset)
  return startsAt(place.minute, day, input.timeZone, input.resolutionSeconds)
}

export function whAt(start: number, input: BaselineInput): number | null {
  return input.history.whAt(instant(start))
}

/** Mean over the periods of the window on one day; null where the day has none of them. */
export function windowMean(date: string, input: BaselineInput): number | null {
  const values = input.periodStarts
    .flatMap((start) => copiesOf(placeOf(start, input), date, input))
    .map((start) => whAt(start, input) ?? 0)
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length
}

/** The days a method takes, newest first; null where there are too few. */
export function chosenDays(
  table: DayTable,
  adjustment: readonly number[],
  input: BaselineInput,
): string[] | null {
  const today = callDate(input)
  const holidays = input.holidays ?? new Set<string>()
  const kind = (date: string): string | number => {
    const number = weekday(date, holidays)
    if (table.alike === 'weekday') return number
    if (number >= 1 && number <= 5) return 'working'
    if (table.alike === 'working') return 'other'
    return number === 6 ? 'saturday' : 'sunday'
  }
  const isWorking = weekday(today, holidays) >= 1 && weekday(today, holidays) <= 5
  const pool = isWorking ? table.onWorkingDays : table.onOtherDays
  if (isFrozen(pool, (date) => kind(date) === kind(today), input)) return null
  const places = [...input.periodStarts, ...adjustment].map((start) => placeOf(start, input))
  let usable: string[] = []
  for (let back = 1; back <= pool.lookBack; back += 1) {
    const date = dateAfter(today, -back)
    if (kind(date) !== kind(today)) continue
    if (table.withoutHolidays && holidays.has(date)) continue
    if (input.callDays?.has(date) === true) continue
    if (table.withoutDayBefore && back === 1) continue
    const starts = places.flatMap((place) => copiesOf(place, date, input))
    if (starts.length === 0) continue
    if (starts.some((start) => isOutage(start, input))) continue
    if (starts.some((start) => whAt(start, input) === null)) continue
    if (windowMean(date, input) === null) continue
    if (needsWeather(pool) && input.maxTemperatures?.get(date) === undefined) continue
    usable.push(date)
  }
  if (table.withoutLow !== null) usable = withoutLow(usable, table.withoutLow, pool, input)
  if (needsWeather(pool) && input.maxTemperatures?.get(today) === undefined) return null
  const newest = usable.slice(0, pool.newest)
  if (newest.length < pool.atLeast) return null
  return taken(newest, usable, pool, table, input)
}

/** More than ten like days in a row, newest first, were call days: it feeds on what is too old. */
function isFrozen(pool: Pool, isAlike: (date: string) => boolean, input: BaselineInput): boolean {
  let inRow = 0
  for (let back = 1; back <= pool.lookBack; back += 1) {
    const date = dateAfter(callDate(input), -back)
    if (!isAlike(date)) continue
    if (input.callDays?.has(date) !== true) break
    inRow += 1
  }
  return inRow > 10
}

function needsWeather({ take }: Pool): boolean {
  return take !== 'all' && 'closestTemperature' in take
}

function isOutage(start: number, input: BaselineInput): boolean {
  const end = start + input.resolutionSeconds * 1000
  return (input.outages ?? []).some((outage) => outage.start < end && outage.end > start)
}

function withoutLow(
  usable: string[],
  rule: { readonly share: number; readonly of: 'mean' | 'highest' },
  pool: Pool,
  input: BaselineInput,
): string[] {
  const means = usable.map((date) => windowMean(date, input) ?? 0)
  if (means.length === 0) return usable
  const newest = means.slice(0, pool.newest)
  const reference =
    rule.of === 'highest' ? Math.max(...means) : newest.reduce((a, b) => a + b, 0) / newest.length
  if (reference <= 0) return usable
  // A hair below, for what is a share exactly in whole numbers and not in these.
  return usable.filter((_, at) => (means[at] ?? 0) >= rule.share * reference - 1e-9)
}

function taken(
  newest: string[],
  usable: string[],
  pool: Pool,
  table: DayTable,
  input: BaselineInput,
): string[] {
  const { take } = pool
  if (take === 'all') return newest
  const inTurn = table.oldestFirst === true ? newest.toReversed() : newest
  if ('closestTemperature' in take) {
    const today = input.maxTemperatures?.get(callDate(input)) ?? 0
    const away = (date: string) => Math.abs((input.maxTemperatures?.get(date) ?? 0) - today)
    const sorted = inTurn.toSorted((a, b) => away(a) - away(b))
    return inOrder(sorted.slice(0, take.closestTemperature), usable)
  }
  const means = new Map(newest.map((date) => [date, windowMean(date, input) ?? 0]))
  const mean = (date: string) => means.get(date) ?? 0
  const highest = inTurn.toSorted((a, b) => mean(b) - mean(a))
  if ('high' in take) return inOrder(highest.slice(0, take.high), usable)
  const lowest = inTurn.toSorted((a, b) => mean(a) - mean(b))
  if ('low' in take) return inOrder(lowest.slice(0, take.low), usable)
  const off = (pool.newest - take.mid) / 2
  return inOrder(highest.slice(off, highest.length - off), usable)
}

function inOrder(days: readonly string[], newestFirst: readonly string[]): string[] {
  return newestFirst.filter((date) => days.includes(date))
}

import type { BaselineInput, BaselineResult } from '#domain/baseline/input.ts'
import { calendarOf, instantsAt } from '#domain/baseline/local-day.ts'
import type { DayRules, HistoryMethod } from '#domain/baseline/method.ts'
import { seriesFromMap } from '#domain/baseline/series.ts'
import { type Instant, instant, parseInstant } from '#domain/time.ts'
import { baselineMethod } from './builders.ts'

export const LONDON = 'Europe/London'
export const HALF_HOUR = 1800

/** A meter whose half-hours are told by date and local time: every copy of a repeated one too. */
export function meterOf(
  days: Readonly<Record<string, Readonly<Record<string, number | null>>>>,
): Map<number, number | null> {
  const meter = new Map<number, number | null>()
  for (const [date, values] of Object.entries(days)) {
    for (const [clock, wh] of Object.entries(values)) {
      for (const at of localInstants(date, clock)) meter.set(at, wh)
    }
  }
  return meter
}

/** The instants at which the clocks of London say this. */
export function localInstants(date: string, clock: string): Instant[] {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number)
  const day = calendarOf(LONDON).day(Date.parse(date) / 86_400_000)
  return instantsAt(day, (hours * 60 + minutes) * 60_000)
}

/** Half-hours from a local time on, of the first copy where it is repeated. */
export function halfHours(date: string, clock: string, count = 1): Instant[] {
  const [first] = localInstants(date, clock)
  if (first === undefined) throw new Error(`${date} has no ${clock}`)
  return Array.from({ length: count }, (_, i) => instant(first + i * HALF_HOUR * 1000))
}

/** A window of half-hours in London that nobody knew of. */
export function anInput(
  periodStarts: readonly Instant[],
  meter: ReadonlyMap<number, number | null>,
  changes: Partial<BaselineInput> = {},
): BaselineInput {
  return {
    timeZone: LONDON,
    resolutionSeconds: HALF_HOUR,
    periodStarts,
    notifiedAt: null,
    history: seriesFromMap(meter),
    ...changes,
  }
}

/** The mean of ten like days, with other rules; one day is enough unless the test says more. */
export function aMethod(
  days: Partial<DayRules> = {},
  changes: Partial<HistoryMethod> = {},
): HistoryMethod {
  const mean = baselineMethod('mean-10-of-10') as HistoryMethod
  const pool = { ...mean.days.pool, minDays: 1, ...days.pool }
  return { ...mean, name: 'test', days: { ...mean.days, ...days, pool }, ...changes }
}

/** Whole Wh, or the reason of the refusal. */
export function toldBy(result: BaselineResult): readonly number[] | string {
  return result.kind === 'baseline' ? result.periods.map(({ wh }) => wh) : result.reason
}

/** The `count` dates before one, newest first, that are working days and no weekend. */
export function workingDaysBefore(date: string, count: number): string[] {
  const dates: string[] = []
  for (let at = Date.parse(date); dates.length < count; ) {
    at -= 86_400_000
    const dayOfWeek = new Date(at).getUTCDay()
    if (dayOfWeek !== 0 && dayOfWeek !== 6) dates.push(new Date(at).toISOString().slice(0, 10))
  }
  return dates
}

export const MIDNIGHT_1970 = parseInstant('1970-01-01T00:00:00Z')

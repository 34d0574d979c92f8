import type { BaselineMethod, Program } from './program.ts'
import type { ResourceKind } from './resource.ts'
import { type DeviceReading, energyBetween } from './telemetry.ts'
import { addSeconds, type Instant, localDayOfWeek, sameLocalTime, secondsBetween } from './time.ts'

/** How far back like days are looked for: a baseline never feeds on what is older. */
const LOOK_BACK_DAYS = 45
/** With fewer usable like days than this there is no baseline. */
const DAYS_MIN = 5

/** Which method a device class is measured by: its program says so. */
export function methodFor(program: Program, kind: ResourceKind): BaselineMethod {
  return kind === 'charger' ? program.chargerBaseline : program.batteryBaseline
}

/** The readings of one resource on which a mean of like days stands. */
export type LikeDay = { readonly periodStarts: readonly Instant[] }

/**
 * The like days before a window, newest first: working days for a working day, otherwise days off
 * (Saturday and Sunday together). A day on which the resource was called is left out.
 */
export function likeDays(
  periodStarts: readonly Instant[],
  timeZone: string,
  isCallDay: (periodStart: Instant) => boolean,
): LikeDay[] {
  const first = periodStarts[0]
  if (first === undefined) return []
  const working = localDayOfWeek(first, timeZone) <= 5
  const days: LikeDay[] = []
  for (let back = 1; back <= LOOK_BACK_DAYS; back++) {
    const starts = periodStarts.map((start) => sameLocalTime(start, back, timeZone))
    const isLike = localDayOfWeek(starts[0] as Instant, timeZone) <= 5 === working
    if (isLike && !starts.some(isCallDay)) days.push({ periodStarts: starts })
  }
  return days
}

/** Energy per period on the newest days that are complete, at most `days` of them. */
export type DayEnergies = { readonly start: Instant; readonly wh: readonly number[] }

/** The newest complete like days with their metered energy per period; incomplete days drop out. */
export function completeDays(
  days: readonly LikeDay[],
  readings: readonly DeviceReading[],
  periodSeconds: number,
  count: number,
): DayEnergies[] {
  const found: DayEnergies[] = []
  for (const day of days) {
    const wh = day.periodStarts.map((start) =>
      energyBetween(readings, start, addSeconds(start, periodSeconds), periodSeconds),
    )
    if (wh.every((energy) => energy !== null)) {
      found.push({ start: day.periodStarts[0] as Instant, wh: wh as number[] })
    }
    if (found.length === count) break
  }
  return found
}

/** Mean of like days, W per period, rounded half-even once; null with too few complete days. */
export function meanOfLikeDays(
  days: readonly DayEnergies[],
  periodSeconds: number,
): number[] | null {
  const first = days[0]
  if (first === undefined || days.length < DAYS_MIN) return null
  return first.wh.map((_, period) => {
    const sumWh = days.reduce((sum, day) => sum + (day.wh[period] ?? 0), 0)
    return divideHalfEven(sumWh * 3600, days.length * periodSeconds)
  })
}

/** The power of the last reading before the window, from its register when it has no power. */
export function readingBefore(readings: readonly DeviceReading[], at: Instant): number | null {
  const before = readings.filter((reading) => reading.at <= at)
  const last = before.at(-1)
  if (last === undefined) return null
  if (last.powerW !== null) return last.powerW
  const previous = before.at(-2)
  if (previous === undefined) return null
  const seconds = secondsBetween(previous.at, last.at)
  return divideHalfEven((last.registerWh - previous.registerWh) * 3600, seconds)
}

/** Whole division of whole numbers, ties to the even neighbour: no bias over many periods. */
export function divideHalfEven(numerator: number, denominator: number): number {
  const floor = Math.floor(numerator / denominator)
  const rest = numerator - floor * denominator
  if (rest * 2 < denominator) return floor
  if (rest * 2 > denominator) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** A baseline power held for a time, in whole Wh. */
export function baselineEnergy(powerW: number, seconds: number): number {
  return divideHalfEven(powerW * seconds, 3600)
}

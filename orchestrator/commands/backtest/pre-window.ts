import { preWindowInflation } from '#domain/fair-play/against-habit.ts'
import { spread } from '#domain/fair-play/statistics.ts'
import { resourceId } from '#domain/ids.ts'
import type { Rating } from '#domain/resource.ts'
import { instant } from '#domain/time.ts'
import type { LocalDay, Series } from './series.ts'
import type { Placebos, PlaceboWindow } from './placebo.ts'

const HALF_HOUR_SECONDS = 1_800
const HABIT_DAYS = 10
const SIGMAS = 3

/** How often the check of the half-hour before a window speaks up, % of the windows. */
export type PreWindowCheck = {
  readonly name: string
  readonly flaggedPercent: number
  /** What has to be found; the others are told for information. */
  readonly isAsked: boolean
}

/** Habit and truth of the half-hour before a window, Wh. */
type HalfHour = { readonly historyWh: readonly number[]; readonly meteredWh: number }

/** Lays load on the half-hour before every window, and asks the check that holds lines. */
export function checkBeforeWindows(
  placebos: Placebos,
  series: Series,
  meanPowerW: number,
): PreWindowCheck[] {
  const halfHours = placebos.windows
    .map((window) => halfHourBefore(window, placebos, series))
    .filter((one) => one !== null)
  const highest = Math.max(0, ...series.wh.values())
  const device = {
    resourceId: resourceId('fleet'),
    rating: ratingOf(Math.ceil((highest * 3600) / series.intervalSeconds)),
    direction: 'reduce-import' as const,
  }
  const isFlagged = ({ historyWh }: HalfHour, meteredWh: number) =>
    preWindowInflation(device, { seconds: HALF_HOUR_SECONDS, historyWh }, meteredWh, true) !== null
  const share = (meteredWh: (one: HalfHour) => number) => {
    const flagged = halfHours.filter((one) => isFlagged(one, meteredWh(one))).length
    return halfHours.length === 0 ? 0 : (100 * flagged) / halfHours.length
  }
  const floorWh = (device.rating.importMaxW * HALF_HOUR_SECONDS * 0.02) / 3600
  const aboveHabit = ({ historyWh }: HalfHour) => {
    const { mean, deviation } = spread(historyWh)
    return Math.ceil(mean + SIGMAS * Math.max(deviation, floorWh)) + 1
  }
  const meanWh = (meanPowerW * HALF_HOUR_SECONDS) / 3600
  return [
    { name: 'honest', flaggedPercent: share(({ meteredWh }) => meteredWh), isAsked: false },
    { name: 'raised above 3 sigma', flaggedPercent: share(aboveHabit), isAsked: true },
    ...[0.5, 1, 2].map((times) => ({
      name: `raised by ${times} times the mean load`,
      flaggedPercent: share(({ meteredWh }) => meteredWh + times * meanWh),
      isAsked: false,
    })),
  ]
}

/** null where the days before are too few, or the half-hour was not measured. */
function halfHourBefore(
  { day, periodStarts }: PlaceboWindow,
  { workingDays }: Placebos,
  series: Series,
): HalfHour | null {
  const start = periodStarts[0] ?? 0
  const index = workingDays.indexOf(day)
  const habit = workingDays.slice(Math.max(0, index - HABIT_DAYS), index)
  const count = (HALF_HOUR_SECONDS * 1000) / (series.intervalSeconds * 1000)
  const minutes = Array.from({ length: count }, (_, back) => {
    const at = instant(start - (back + 1) * series.intervalSeconds * 1000)
    return day.minutes[day.starts.indexOf(at)] ?? -1
  })
  const energyOn = (one: LocalDay) =>
    minutes.reduce((sum, minute) => {
      const at = one.starts[one.minutes.indexOf(minute)]
      return sum + (at === undefined ? Number.NaN : (series.wh.get(at) ?? Number.NaN))
    }, 0)
  const historyWh = habit.map(energyOn).filter((wh) => !Number.isNaN(wh))
  const meteredWh = energyOn(day)
  return Number.isNaN(meteredWh) || historyWh.length < HABIT_DAYS / 2
    ? null
    : { historyWh, meteredWh }
}

/** A fleet taken as one device that cannot feed in. */
function ratingOf(importMaxW: number): Rating {
  return {
    importMaxW,
    exportMaxW: 0,
    importMinW: 0,
    phases: 3,
    energyWh: 0,
    reserveWh: 0,
    pausable: true,
  }
}

import { calendarOf, instantsAt, type LocalDay } from '../baseline/local-day.ts'
import type { CongestionPointId, ResourceId } from '../ids.ts'
import type { ResourceKind } from '../resource.ts'
import { type Instant, secondsBetween, settlementPeriodStarts, type TimeWindow } from '../time.ts'

/** What a device could have given in one settlement period of the past. */
export type AvailabilityReading = {
  readonly resourceId: ResourceId
  readonly kind: ResourceKind
  readonly congestionPointId: CongestionPointId
  readonly start: Instant
  readonly powerW: number
  /** What it could have given from here on; null: as long as one likes. */
  readonly energyWh: number | null
  /** When this stood in the books: nothing that was decided earlier may rest on it. */
  readonly knownAt: Instant
}

export type ForecastQuestion = {
  readonly readings: Iterable<AvailabilityReading>
  readonly window: TimeWindow
  readonly decidedAt: Instant
  readonly periodSeconds: number
  readonly timeZone: string
  /** Local dates, YYYY-MM-DD, that count as Sundays. */
  readonly holidays: ReadonlySet<string>
}

/** W that the devices of one class at one congestion point hold for the whole window. */
export type HeldForecast = {
  readonly congestionPointId: CongestionPointId
  readonly kind: ResourceKind
  readonly p10W: number
  readonly p50W: number
  readonly p90W: number
  /** The local dates that this rests on, newest first. */
  readonly days: readonly string[]
}

const LOOKBACK_DAYS = 60
export const DAYS_MAX = 20
/** From fewer like days no quantile is told. */
const DAYS_MIN = 5

/**
 * What can be held throughout a window, out of the newest like days (working or not) that were known
 * when it was decided: per day and device the least of its periods, and no more than its energy lasts
 * for; a device without a reading in one of them held nothing. Left out are classes with too few days.
 */
export function forecastHeld(question: ForecastQuestion): HeldForecast[] {
  const windowSeconds = secondsBetween(question.window.start, question.window.end)
  const known = knownReadings(question)
  const held = new Map<string, { group: Group; days: { date: string; heldW: number }[] }>()
  for (const { date, starts } of likeDays(question)) {
    for (const [key, { group, heldW }] of heldOn(starts, known, windowSeconds)) {
      const entry = held.get(key) ?? { group, days: [] }
      if (entry.days.length < DAYS_MAX) entry.days.push({ date, heldW })
      held.set(key, entry)
    }
  }
  return [...held.values()].flatMap(({ group, days }) => toForecast(group, days))
}

/** A day like the window's (working or not) that was over when it was decided, and its periods. */
export type LikeDay = { readonly date: string; readonly starts: readonly Instant[] }

/** The days that may be counted, newest first: only what had ended by the decision. */
export function likeDays(question: Omit<ForecastQuestion, 'readings'>): LikeDay[] {
  const { timeZone, window, decidedAt, periodSeconds, holidays } = question
  const calendar = calendarOf(timeZone)
  const target = calendar.localTime(window.start).day
  const slots = settlementPeriodStarts(window, periodSeconds).map((start) => {
    const { day, clockMs } = calendar.localTime(start)
    return { daysAfter: day.number - target.number, clockMs }
  })
  const found: LikeDay[] = []
  for (let back = 1; back <= LOOKBACK_DAYS; back += 1) {
    const day = calendar.day(target.number - back)
    if (isWorking(day, holidays) !== isWorking(target, holidays)) continue
    const starts = slots.map(
      ({ daysAfter, clockMs }) => instantsAt(calendar.day(day.number + daysAfter), clockMs)[0],
    )
    // The window is not complete where the clocks skip a part of it.
    if (!starts.every((start) => start !== undefined)) continue
    if (starts.some((start) => start + periodSeconds * 1000 > decidedAt)) continue
    found.push({ date: day.date, starts })
  }
  return found
}

type Group = Pick<HeldForecast, 'congestionPointId' | 'kind'>

/** Per start and resource the reading that counted when it was decided: the newest known by then. */
function knownReadings({ readings, decidedAt }: ForecastQuestion) {
  const known = new Map<Instant, Map<ResourceId, AvailabilityReading>>()
  for (const reading of readings) {
    if (reading.knownAt > decidedAt) continue
    const at = known.get(reading.start) ?? new Map<ResourceId, AvailabilityReading>()
    const before = at.get(reading.resourceId)
    if (before === undefined || before.knownAt <= reading.knownAt)
      at.set(reading.resourceId, reading)
    known.set(reading.start, at)
  }
  return known
}

/** What each class at each point held from the first of these periods to the last. */
function heldOn(
  starts: readonly Instant[],
  known: ReadonlyMap<Instant, ReadonlyMap<ResourceId, AvailabilityReading>>,
  windowSeconds: number,
): Map<string, { group: Group; heldW: number }> {
  const sums = new Map<string, { group: Group; heldW: number }>()
  const periods = starts.map((start) => known.get(start))
  for (const [id, first] of periods[0] ?? []) {
    const powers = periods.map((period) => period?.get(id)?.powerW ?? 0)
    const lastingW =
      first.energyWh === null ? Number.POSITIVE_INFINITY : (first.energyWh * 3600) / windowSeconds
    const heldW = Math.max(0, Math.min(...powers, lastingW))
    const { congestionPointId, kind } = first
    const key = `${congestionPointId} ${kind}`
    const group = { congestionPointId, kind }
    sums.set(key, { group, heldW: (sums.get(key)?.heldW ?? 0) + heldW })
  }
  return sums
}

function toForecast(
  group: Group,
  days: readonly { readonly date: string; readonly heldW: number }[],
): HeldForecast[] {
  if (days.length < DAYS_MIN) return []
  const sorted = days.map(({ heldW }) => heldW).toSorted((a, b) => a - b)
  return [
    {
      ...group,
      p10W: quantile(sorted, 0.1),
      p50W: quantile(sorted, 0.5),
      p90W: quantile(sorted, 0.9),
      days: days.map(({ date }) => date),
    },
  ]
}

/**
 * Between the values at rank `share * (n + 1)`: of n days and the next one, each is as likely the
 * lowest. Beyond the outermost days it is theirs: under nine of them P10 is their least.
 */
function quantile(sorted: readonly number[], share: number): number {
  const rank = share * (sorted.length + 1) - 1
  const low = Math.min(sorted.length - 1, Math.max(0, Math.floor(rank)))
  const high = Math.min(sorted.length - 1, low + 1)
  const between = Math.min(1, Math.max(0, rank - low))
  const [from = 0, to = 0] = [sorted[low], sorted[high]]
  return from + (to - from) * between
}

function isWorking({ date, dayOfWeek }: LocalDay, holidays: ReadonlySet<string>): boolean {
  return dayOfWeek <= 5 && !holidays.has(date)
}

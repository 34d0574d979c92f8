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

/** When a forecast is decided, for which window, and which days are like it. */
export type ForecastTime = {
  readonly window: TimeWindow
  readonly decidedAt: Instant
  readonly periodSeconds: number
  readonly timeZone: string
  /** Local dates, YYYY-MM-DD, that count as Sundays. */
  readonly holidays: ReadonlySet<string>
}

export type ForecastQuestion = ForecastTime & { readonly readings: Iterable<AvailabilityReading> }

/** W that the devices of one class at one congestion point hold for the whole window. */
export type HeldForecast = {
  readonly congestionPointId: CongestionPointId
  readonly kind: ResourceKind
  readonly p10W: number
  readonly p50W: number
  readonly p90W: number
  /** Devices that had readings on one of these days at least. */
  readonly devices: number
  /** The local dates that this rests on, newest first. */
  readonly days: readonly string[]
}

/** What the classes held on one like day, by class. */
export type HeldDay = { readonly date: string; readonly classes: ReadonlyMap<string, HeldClass> }
type Group = Pick<HeldForecast, 'congestionPointId' | 'kind'>
type HeldClass = {
  readonly group: Group
  readonly heldW: number
  /** Those with a reading in every period. */
  readonly ids: readonly ResourceId[]
}

const LOOKBACK_DAYS = 60
const DAYS_MAX = 20
/** From fewer like days no P10 can be told: their least would be the answer to another question. */
const DAYS_MIN = 9
/** So long after a period its readings may come in: until then a silence says nothing. */
const LATE_MS = 15 * 60_000

/**
 * What can be held throughout a window, out of the newest like days (working or not) that were known
 * when it was decided: per day and device the least of its periods, and no more than its energy lasts
 * for; a device without a reading in one of them held nothing. Left out are classes with too few days.
 */
export function forecastHeld(question: ForecastQuestion): HeldForecast[] {
  const known = knownReadings(question)
  const days = likeDays(question).map((day) =>
    heldOn(
      day,
      day.starts.map((start) => known.get(start) ?? new Map()),
      question.window,
    ),
  )
  return forecastFrom(days)
}

/**
 * The forecast out of like days, newest first. A class counts from the oldest day on which it had
 * devices or one of them told anything; where all were silent on a day since, it held nothing then.
 */
export function forecastFrom(days: readonly HeldDay[]): HeldForecast[] {
  const newest = days.slice(0, DAYS_MAX)
  const groups = new Map(
    newest.flatMap(({ classes }) => [...classes].map(([key, { group }]) => [key, group] as const)),
  )
  return [...groups].flatMap(([key, group]) => {
    const oldest = newest.findLastIndex(({ classes }) => classes.has(key))
    return toForecast(
      group,
      newest.slice(0, oldest + 1).map(({ date, classes }) => {
        const { heldW = 0, ids = [] } = classes.get(key) ?? {}
        return { date, heldW, ids }
      }),
    )
  })
}

/** A day like the window's (working or not) that was over when it was decided, and its periods. */
export type LikeDay = { readonly date: string; readonly starts: readonly Instant[] }

/** The newest days that may be counted, newest first: only what had ended well before the decision. */
export function likeDays(question: ForecastTime): LikeDay[] {
  const { timeZone, window, decidedAt, periodSeconds, holidays } = question
  const calendar = calendarOf(timeZone)
  const target = calendar.localTime(window.start).day
  const slots = settlementPeriodStarts(window, periodSeconds).map((start) => {
    const { day, clockMs } = calendar.localTime(start)
    return { daysAfter: day.number - target.number, clockMs }
  })
  const found: LikeDay[] = []
  for (let back = 1; back <= LOOKBACK_DAYS && found.length < DAYS_MAX; back += 1) {
    const day = calendar.day(target.number - back)
    if (isWorking(day, holidays) !== isWorking(target, holidays)) continue
    const starts = slots.map(
      ({ daysAfter, clockMs }) => instantsAt(calendar.day(day.number + daysAfter), clockMs)[0],
    )
    // The window is not complete where the clocks skip a part of it.
    if (!starts.every((start) => start !== undefined)) continue
    if (starts.some((start) => start + periodSeconds * 1000 + LATE_MS > decidedAt)) continue
    found.push({ date: day.date, starts })
  }
  return found
}

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

/**
 * What each class held on one day, from its readings, one map by device for each of its periods.
 * A class that had devices by then, and none that told anything, held nothing.
 */
export function heldOn(
  { date }: LikeDay,
  periods: readonly ReadonlyMap<ResourceId, AvailabilityReading>[],
  window: TimeWindow,
  enrolled: readonly Group[] = [],
): HeldDay {
  const windowSeconds = secondsBetween(window.start, window.end)
  const classes = new Map<string, { group: Group; heldW: number; ids: ResourceId[] }>()
  for (const { congestionPointId, kind } of enrolled) {
    const group = { congestionPointId, kind }
    classes.set(`${congestionPointId} ${kind}`, { group, heldW: 0, ids: [] })
  }
  for (const [id, first] of periods[0] ?? []) {
    if (!periods.every((period) => period.has(id))) continue
    const powers = periods.map((period) => period.get(id)?.powerW ?? 0)
    const lastingW =
      first.energyWh === null ? Number.POSITIVE_INFINITY : (first.energyWh * 3600) / windowSeconds
    const { congestionPointId, kind } = first
    const key = `${congestionPointId} ${kind}`
    const sum = classes.get(key) ?? { group: { congestionPointId, kind }, heldW: 0, ids: [] }
    sum.heldW += Math.max(0, Math.min(...powers, lastingW))
    sum.ids.push(id)
    classes.set(key, sum)
  }
  return { date, classes }
}

function toForecast(
  group: Group,
  days: readonly {
    readonly date: string
    readonly heldW: number
    readonly ids: readonly ResourceId[]
  }[],
): HeldForecast[] {
  if (days.length < DAYS_MIN) return []
  const sorted = days.map(({ heldW }) => heldW).toSorted((a, b) => a - b)
  return [
    {
      ...group,
      p10W: quantile(sorted, 0.1),
      p50W: quantile(sorted, 0.5),
      p90W: quantile(sorted, 0.9),
      devices: new Set(days.flatMap(({ ids }) => ids)).size,
      days: days.map(({ date }) => date),
    },
  ]
}

/**
 * Between the values at rank `share * (n + 1)`: of n days and the next one, each is as likely the
 * lowest. From nine of them on P10 and P90 lie within them.
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

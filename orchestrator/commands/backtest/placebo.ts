import type { BaselineInput, EnergySeries } from '#domain/baseline/input.ts'
import { instant, type Instant } from '#domain/time.ts'
import { refused } from './csv-table.ts'
import { type LocalDay, localDays, type Series } from './series.ts'

/** A stretch of the local day, in minutes after midnight. */
export type DayWindow = {
  readonly name: string
  readonly fromMinute: number
  readonly untilMinute: number
}

/** What a backtest is made on, whatever the file was. */
export type Trial = {
  readonly series: Series
  readonly timeZone: string
  /** Local dates that count as Sundays. */
  readonly holidays: ReadonlySet<string>
  /** Number, from 0, of the first local day with a window: before it is history alone. */
  readonly firstDay: number
}

/** A window on a day on which nothing was dispatched: every deviation from it is error. */
export type PlaceboWindow = {
  readonly date: string
  readonly dayOfWeek: number
  /** All intervals of its local day. */
  readonly day: LocalDay
  readonly periodStarts: readonly Instant[]
  readonly meteredWh: readonly number[]
}

/** The placebo windows of a file, and the local days with a missing interval. */
export type Placebos = {
  readonly windows: readonly PlaceboWindow[]
  /** What a method may read: days with a missing interval are not there at all. */
  readonly history: EnergySeries
  /** Whole working days, in order: all that have a window, and those before. */
  readonly workingDays: readonly LocalDay[]
  readonly incompleteDays: readonly string[]
}

/** @throws DomainError unless it is HH:MM-HH:MM on the grid, the end after the start */
export function parseWindow(text: string, intervalSeconds: number): DayWindow {
  const [, ...parts] = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/.exec(text) ?? []
  const [fromHour = 0, fromRest = 0, untilHour = 0, untilRest = 0] = parts.map(Number)
  const fromMinute = fromHour * 60 + fromRest
  const untilMinute = untilHour * 60 + untilRest
  const grid = intervalSeconds / 60
  const isOnGrid = fromMinute % grid === 0 && untilMinute % grid === 0
  if (parts.length > 0 && isOnGrid && untilMinute > fromMinute && untilMinute <= 1440) {
    return { name: text, fromMinute, untilMinute }
  }
  throw refused('--window', `HH:MM-HH:MM in whole intervals of ${grid} minutes`, text)
}

/**
 * One window per working day from `firstDay` on. A day with a missing interval has none and is no
 * history. A change of clocks leaves no interval missing: the day is shorter or longer.
 */
export function placebosOf(trial: Trial, window: DayWindow): Placebos {
  const { series, timeZone, holidays, firstDay } = trial
  const days = localDays(series, timeZone)
  const isWhole = (day: LocalDay) => day.starts.every((start) => series.wh.has(start))
  const incomplete = days.filter((day) => !isWhole(day))
  const missing = new Set(incomplete.flatMap(({ starts }) => starts))
  const history: EnergySeries = {
    whAt: (start) => (missing.has(start) ? null : (series.wh.get(start) ?? null)),
  }
  const windows: PlaceboWindow[] = []
  const workingDays: LocalDay[] = []
  for (const [index, day] of days.entries()) {
    if (day.dayOfWeek > 5 || holidays.has(day.date) || !isWhole(day)) continue
    workingDays.push(day)
    if (index < firstDay) continue
    const found = windowOn(day, window, series)
    if (found !== null) windows.push(found)
  }
  return { windows, history, workingDays, incompleteDays: incomplete.map(({ date }) => date) }
}

function windowOn(day: LocalDay, window: DayWindow, series: Series): PlaceboWindow | null {
  const isInside = (minute: number) => minute >= window.fromMinute && minute < window.untilMinute
  const periodStarts = day.starts.filter((_, index) => isInside(day.minutes[index] ?? -1))
  if (periodStarts.length === 0) return null // a change of clocks skips it
  const meteredWh = periodStarts.map((start) => series.wh.get(start) ?? 0)
  return { date: day.date, dayOfWeek: day.dayOfWeek, day, periodStarts, meteredWh }
}

/** What a method is asked about a placebo window; nobody knew of it before it began. */
export function inputFor(
  trial: Trial,
  placebo: PlaceboWindow,
  history: EnergySeries,
): BaselineInput {
  const { series, timeZone, holidays } = trial
  const input = {
    timeZone,
    resolutionSeconds: series.intervalSeconds,
    periodStarts: placebo.periodStarts,
    notifiedAt: null,
    history,
    holidays,
  }
  return readFrom(input, history)
}

/** The same question of another meter: what it read right before the window is its own. */
export function readFrom(input: BaselineInput, history: EnergySeries): BaselineInput {
  const start = input.periodStarts[0] as Instant
  const before = history.whAt(instant(start - input.resolutionSeconds * 1000))
  const lastReadingW =
    before === null ? null : Math.round((before * 3600) / input.resolutionSeconds)
  return { ...input, history, lastReadingW }
}

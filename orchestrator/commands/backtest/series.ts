import {
  floorToStep,
  formatInstant,
  type Instant,
  instant,
  localDate,
  localDayOfWeek,
  localMinuteOfDay,
} from '#domain/time.ts'
import { refused } from './csv-table.ts'

const DAY_MS = 86_400_000
/** Seconds of the intervals that a backtest may be made with. */
export const INTERVALS = [900, 1800] as const

/** Energy per interval of one meter, or of a fleet taken as one. */
export type Series = {
  readonly intervalSeconds: number
  /** Whole Wh by the start of the interval; an interval without a value was not measured. */
  readonly wh: ReadonlyMap<Instant, number>
}

/** The intervals of a local day in order, and which minute of the day each begins at. */
export type LocalDay = {
  readonly date: string
  /** 1 = Monday … 7 = Sunday */
  readonly dayOfWeek: number
  readonly starts: readonly Instant[]
  readonly minutes: readonly number[]
}

/** Every local day from the first to the last measured interval. */
export function localDays(series: Series, timeZone: string): LocalDay[] {
  const { first, last } = spanOf(series)
  const step = series.intervalSeconds * 1000
  const days: { date: string; dayOfWeek: number; starts: Instant[]; minutes: number[] }[] = []
  let day: (typeof days)[number] | undefined
  let tomorrow = Number.NEGATIVE_INFINITY
  for (let at = first; at <= last; at = instant(at + step)) {
    if (at >= tomorrow) {
      day = { ...midnightOf(at, timeZone), starts: [], minutes: [] }
      days.push(day)
      tomorrow = nextDay(at, timeZone)
    }
    day?.starts.push(at)
    day?.minutes.push(localMinuteOfDay(at, timeZone))
  }
  return days
}

function midnightOf(at: Instant, timeZone: string): { date: string; dayOfWeek: number } {
  return { date: localDate(at, timeZone), dayOfWeek: localDayOfWeek(at, timeZone) }
}

/** The first quarter of an hour of the local day after an instant. */
function nextDay(at: Instant, timeZone: string): number {
  const today = localDate(at, timeZone)
  let low = at as number // today
  let high = at + DAY_MS + DAY_MS / 12 // tomorrow for certain: the longest day has 25 hours
  const quarter = 900_000
  while (high - low > quarter) {
    const middle = low + Math.ceil((high - low) / quarter / 2) * quarter
    if (localDate(instant(middle), timeZone) === today) low = middle
    else high = middle
  }
  return high
}

/** The first and the last measured interval. @throws DomainError if nothing was measured */
export function spanOf({ wh }: Series): { readonly first: Instant; readonly last: Instant } {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const at of wh.keys()) {
    if (at < first) first = at
    if (at > last) last = at
  }
  if (first > last) throw refused('file', 'at least one measured interval', 'none')
  return { first: instant(first), last: instant(last) }
}

/**
 * The same energy in longer intervals; one of which a part is missing is missing.
 * @throws DomainError if the intervals wanted are shorter than those measured
 */
export function resampled(series: Series, intervalSeconds: number): Series {
  if (intervalSeconds === series.intervalSeconds) return series
  const parts = intervalSeconds / series.intervalSeconds
  if (!Number.isInteger(parts)) {
    const wanted = `a multiple of the ${series.intervalSeconds / 60} minutes of the file`
    throw refused('--resolution', wanted, String(intervalSeconds / 60))
  }
  const sums = new Map<Instant, { wh: number; parts: number }>()
  for (const [at, wh] of series.wh) {
    const start = floorToStep(at, intervalSeconds)
    const sum = sums.get(start) ?? { wh: 0, parts: 0 }
    sums.set(start, { wh: sum.wh + wh, parts: sum.parts + 1 })
  }
  const whole = [...sums].filter(([, sum]) => sum.parts === parts)
  return { intervalSeconds, wh: new Map(whole.map(([at, { wh }]) => [at, wh])) }
}

/** @throws DomainError naming the column when an interval does not begin on its grid, or twice */
export function addInterval(
  wh: Map<Instant, number>,
  reading: { readonly at: Instant; readonly wh: number; readonly line: number },
  grid: { readonly column: string; readonly seconds: number },
): void {
  const { at, line } = reading
  if (at % (grid.seconds * 1000) !== 0) {
    const wanted = `the start of an interval of ${grid.seconds / 60} minutes`
    throw refused(grid.column, wanted, `${formatInstant(at)} in line ${line}`)
  }
  if (wh.has(at)) {
    throw refused(grid.column, 'each interval once', `${formatInstant(at)} again in line ${line}`)
  }
  wh.set(at, reading.wh)
}

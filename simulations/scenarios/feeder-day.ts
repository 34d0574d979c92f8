import { parse } from 'csv-parse/sync'
import { formatInstant, type Instant, instant, parseInstant } from '#domain/time.ts'

export const HALF_HOUR_SECONDS = 1800
const HALF_HOURS = 48
/** The firm limit is the day's fifth-highest half-hour. */
const LIMIT_RANK = 5

/** A measured day of a substation: its limit, and the half-hours above it around the peak. */
export type FeederDay = {
  readonly limitW: number
  readonly halfHours: readonly { readonly start: Instant; readonly loadW: number }[]
  /** Unbroken, in order, each above the limit. */
  readonly congested: readonly { readonly start: Instant; readonly loadW: number }[]
}

/**
 * Reads one UTC day out of a file with the columns timestamp, gt1_mw, gt2_mw.
 * @throws Error naming the day and the half-hours that are absent or blank
 */
export function readFeederDay(csv: string, day: string): FeederDay {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || Number.isNaN(Date.parse(`${day}T00:00Z`))) {
    throw new Error(`--day: expected a date like 2024-01-17, got ${day}`)
  }
  const loads = new Map<number, number>()
  const rows = parse(csv, { columns: true, trim: true }) as Record<string, string>[]
  for (const row of rows) {
    const { timestamp = '', gt1_mw: first = '', gt2_mw: second = '' } = row
    if (!timestamp.startsWith(day) || first === '' || second === '') continue
    const megawatts = Number(first) + Number(second)
    if (Number.isNaN(megawatts))
      throw new Error(`${timestamp}: expected MW, got ${first}, ${second}`)
    loads.set(parseInstant(timestamp), Math.round(megawatts * 1e6))
  }
  const midnight = parseInstant(`${day}T00:00:00Z`)
  const starts = Array.from({ length: HALF_HOURS }, (_, index) =>
    instant(midnight + index * HALF_HOUR_SECONDS * 1000),
  )
  const missing = starts.filter((start) => !loads.has(start))
  if (missing.length > 0) {
    const names = missing.slice(0, 5).map((start) => formatInstant(start).slice(11, 16))
    throw new Error(
      `${day}: expected ${HALF_HOURS} measured half-hours, ${missing.length} missing, ` +
        `from ${names.join(', ')} UTC: this day is refused`,
    )
  }
  const halfHours = starts.map((start) => ({ start, loadW: loads.get(start) ?? 0 }))
  return { halfHours, ...congestion(halfHours) }
}

function congestion(halfHours: FeederDay['halfHours']): Pick<FeederDay, 'limitW' | 'congested'> {
  const ranked = [...halfHours].sort((a, b) => b.loadW - a.loadW)
  const limitW = ranked[LIMIT_RANK - 1]?.loadW ?? 0
  const peak = halfHours.findIndex((one) => one === ranked[0])
  const above = (index: number) => (halfHours[index]?.loadW ?? 0) > limitW
  let from = peak
  while (above(from - 1)) from -= 1
  let until = peak + 1
  while (above(until)) until += 1
  return { limitW, congested: halfHours.slice(from, until) }
}

import { parse } from 'csv-parse/sync'
import { type Instant, instant, localDate, localMinuteOfDay, parseInstant } from '#domain/time.ts'

const CALIFORNIA = 'America/Los_Angeles'
const MORNING_MINUTE = 8 * 60
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A charging session; its energy is taken as spread evenly over the time it charged. */
export type RealSession = {
  readonly station: number
  readonly connectedAt: number
  readonly disconnectedAt: number
  readonly chargingFrom: number
  readonly chargingUntil: number
  readonly energyWh: number
}

/** Reads the file; sessions without energy or without any time to charge say nothing. */
export function readSessions(csv: string): RealSession[] {
  const rows = parse(csv, { columns: true, trim: true }) as Record<string, string>[]
  const time = (row: Record<string, string>, column: string) => {
    const at = Date.parse(row[column] ?? '')
    if (Number.isNaN(at))
      throw new Error(`sessions: ${column}: expected a time, got ${row[column]}`)
    return at
  }
  return rows
    .map((row) => ({
      station: Number(row.station),
      connectedAt: time(row, 'connected_at'),
      disconnectedAt: time(row, 'disconnected_at'),
      chargingFrom: time(row, 'charging_from'),
      chargingUntil: time(row, 'charging_until'),
      energyWh: Math.round(Number(row.energy_kwh) * 1000),
    }))
    .filter((one) => one.energyWh > 0 && one.chargingUntil > one.chargingFrom)
}

/** The stations with most sessions, the most first, equal ones by number. */
export function busiestStations(sessions: readonly RealSession[], count: number): number[] {
  const counts = new Map<number, number>()
  for (const { station } of sessions) counts.set(station, (counts.get(station) ?? 0) + 1)
  return [...counts]
    .sort(([a, countA], [b, countB]) => countB - countA || a - b)
    .slice(0, count)
    .map(([station]) => station)
}

/** The day of the same ISO week and weekday in another year: 2024-01-17 -> 2019-01-16. */
export function sameWeekday(day: string, isoYear: number): string {
  const at = Date.parse(`${day}T00:00Z`)
  const monday = at - weekday(at) * DAY
  const ownYear = new Date(monday + 3 * DAY).getUTCFullYear() // a week belongs to its Thursday's
  const weeks = Math.round((monday - firstMonday(ownYear)) / (7 * DAY))
  const found = firstMonday(isoYear) + weeks * 7 * DAY + weekday(at) * DAY
  return new Date(found).toISOString().slice(0, 10)
}

/** Monday of ISO week 1: the week that holds 4 January. */
function firstMonday(isoYear: number): number {
  const fourth = Date.UTC(isoYear, 0, 4)
  return fourth - weekday(fourth) * DAY
}

/** 0 = Monday. */
function weekday(at: number): number {
  return (new Date(at).getUTCDay() + 6) % 7
}

/**
 * Whole hours from that Californian day to the window, so that local 08:00 to 10:00 falls on it; a
 * window that begins at half past begins at local 08:30.
 */
export function shiftHours(sessionDay: string, windowStart: Instant): number {
  return Math.floor((windowStart - californianMorning(sessionDay)) / HOUR)
}

function californianMorning(day: string): Instant {
  const guess = parseInstant(`${day}T16:00:00Z`)
  const minute = localMinuteOfDay(guess, CALIFORNIA)
  return instant(guess - (minute - MORNING_MINUTE) * 60_000)
}

/** Whose stay at least touches that Californian day; in order, one after the other. */
export function staysOn(sessions: readonly RealSession[], sessionDay: string): RealSession[] {
  const touches = ({ connectedAt, disconnectedAt }: RealSession) =>
    localDate(instant(connectedAt), CALIFORNIA) <= sessionDay &&
    localDate(instant(disconnectedAt - 1), CALIFORNIA) >= sessionDay
  const near = Date.parse(`${sessionDay}T12:00Z`)
  const ordered = sessions
    .filter(
      ({ connectedAt, disconnectedAt }) =>
        connectedAt < near + 2 * DAY && disconnectedAt > near - 2 * DAY,
    )
    .filter(touches)
    .sort((a, b) => a.connectedAt - b.connectedAt)
  // A car cannot plug in before the one before it has left.
  return ordered.filter((one, index) => {
    const before = ordered[index - 1]
    return before === undefined || one.connectedAt >= before.disconnectedAt
  })
}

/** What a station's meter has counted until an instant, Wh. */
export function meteredUntil(sessions: readonly RealSession[], at: number): number {
  let wh = 0
  for (const { chargingFrom, chargingUntil, energyWh } of sessions) {
    const share = (at - chargingFrom) / (chargingUntil - chargingFrom)
    wh += energyWh * Math.max(0, Math.min(1, share))
  }
  return wh
}

/** The same session in another time. */
export function shifted(session: RealSession, hours: number): RealSession {
  const by = hours * HOUR
  return {
    ...session,
    connectedAt: session.connectedAt + by,
    disconnectedAt: session.disconnectedAt + by,
    chargingFrom: session.chargingFrom + by,
    chargingUntil: session.chargingUntil + by,
  }
}

import { dayStart, type Instant, instant, nextOffsetChange } from '../time.ts'

const DAY_MS = 86_400_000

/** A calendar day in one time zone: 23, 24 or 25 hours, cut where the clocks change. */
export type LocalDay = {
  /** YYYY-MM-DD */
  readonly date: string
  /** Days since 1970-01-01. */
  readonly number: number
  /** 1 = Monday … 7 = Sunday. */
  readonly dayOfWeek: number
  readonly start: Instant
  readonly end: Instant
  /** `offsetMs` = local time - UTC, from `from` up to the next stretch. */
  readonly stretches: readonly { readonly from: Instant; readonly offsetMs: number }[]
}

/** The local time of an instant: the day, and milliseconds of the clock on the wall. */
export type LocalTime = { readonly day: LocalDay; readonly clockMs: number }

/** The days of a time zone. Asks the time zone's rules once a day, not once a period. */
export type Calendar = {
  readonly day: (number: number) => LocalDay
  readonly localTime: (at: Instant) => LocalTime
}

const calendars = new Map<string, Calendar>()
/** Bounds the memory of a service that meets many zones, or decades of one. */
const KEPT_ZONES = 20
const KEPT_DAYS = 20_000

/** @throws RangeError for a time zone that is not in the IANA list. */
export function calendarOf(timeZone: string): Calendar {
  const known = calendars.get(timeZone)
  if (known) return known
  if (calendars.size >= KEPT_ZONES) calendars.clear()
  const calendar = makeCalendar(timeZone)
  calendars.set(timeZone, calendar)
  return calendar
}

function makeCalendar(timeZone: string): Calendar {
  const days = new Map<number, LocalDay>()
  const day = (number: number): LocalDay => {
    const known = days.get(number)
    if (known) return known
    if (days.size >= KEPT_DAYS) days.clear()
    const made = makeDay(number, timeZone)
    days.set(number, made)
    return made
  }
  const localTime = (at: Instant): LocalTime => {
    const guess = Math.floor(at / DAY_MS)
    const found = [guess, guess + 1, guess - 1].map(day).find((d) => d.start <= at && at < d.end)
    if (!found) throw new RangeError(`${at} lies in no day of ${timeZone}`)
    const { offsetMs } = found.stretches.findLast(({ from }) => from <= at) as { offsetMs: number }
    return { day: found, clockMs: at + offsetMs - found.number * DAY_MS }
  }
  // The rules are asked here, so that an unknown zone fails at once.
  day(0)
  return { day, localTime }
}

function makeDay(number: number, timeZone: string): LocalDay {
  const date = dateOf(number)
  const start = dayStart(date, timeZone)
  const end = dayStart(dateOf(number + 1), timeZone)
  const stretches = [{ from: start.at, offsetMs: start.offsetMs }]
  let change = nextOffsetChange(start.at, timeZone)
  while (change !== null && change.at < end.at) {
    stretches.push({ from: change.at, offsetMs: change.offsetMs })
    change = nextOffsetChange(change.at, timeZone)
  }
  const dayOfWeek = ((((number + 3) % 7) + 7) % 7) + 1
  return { date, number, dayOfWeek, start: start.at, end: end.at, stretches }
}

/**
 * The instants at which the clock on the wall says this on this day: none when the change of
 * clocks skips it, two when it repeats it.
 */
export function instantsAt(day: LocalDay, clockMs: number): Instant[] {
  const found: Instant[] = []
  day.stretches.forEach(({ from, offsetMs }, i) => {
    const at = day.number * DAY_MS + clockMs - offsetMs
    const until = day.stretches[i + 1]?.from ?? day.end
    if (from <= at && at < until) found.push(instant(at))
  })
  return found
}

function dateOf(number: number): string {
  return new Date(number * DAY_MS).toISOString().slice(0, 10)
}

import { fieldError } from './errors.ts'
import { MINOR_PER_EUR } from './money.ts'
import { dayStart, type Instant, localDate, localMinuteOfDay } from './time.ts'

/** A calendar month in a time zone; `end` is exclusive. */
export type Month = {
  /** YYYY-MM */
  readonly name: string
  readonly timeZone: string
  readonly start: Instant
  readonly end: Instant
}

/** Money is bigint in micro-EUR, never rounded; whole Wh and counts are numbers. */
export type Cell = string | number | bigint | null

export type Column = {
  /** Unique within a statement and stable: the head of a CSV column. */
  readonly key: string
  readonly title: string
  readonly kind: 'text' | 'instant' | 'number' | 'money'
  /** On paper printed under the row, over its whole width. */
  readonly isBelow?: boolean
}

export type StatementTable = {
  /** What one row is, in one word. */
  readonly record: string
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** What stands there where there is no row. */
  readonly nothing: string
}

/** A document for a person and, with the same figures, for a machine. */
export type Statement = {
  /** The same document has the same number: whose, what and which month. */
  readonly number: string
  readonly title: string
  readonly month: Month
  /** Paragraphs in plain words. */
  readonly words: readonly string[]
  readonly tables: readonly StatementTable[]
}

/** @throws DomainError malformed for anything but YYYY-MM */
export function parseMonth(text: string, timeZone: string): Month {
  const [, year, number] = /^(20\d{2})-(0[1-9]|1[0-2])$/.exec(text) ?? []
  if (year === undefined || number === undefined) {
    throw fieldError('malformed', 'query.month', 'a month such as 2024-01', text)
  }
  const next = number === '12' ? `${Number(year) + 1}-01` : nextOf(year, number)
  return {
    name: text,
    timeZone,
    start: dayStart(`${text}-01`, timeZone).at,
    end: dayStart(`${next}-01`, timeZone).at,
  }
}

/** The month of that name, or the one that runs. @throws DomainError malformed */
export function monthOf(name: string | null, timeZone: string, now: Instant): Month {
  return parseMonth(name ?? localDate(now, timeZone).slice(0, 7), timeZone)
}

function nextOf(year: string, number: string): string {
  return `${year}-${String(Number(number) + 1).padStart(2, '0')}`
}

export function isWithin({ start, end }: Month, at: Instant): boolean {
  return start <= at && at < end
}

/** Said where a month is not over, so that nobody takes its figures for the last. */
export function unfinished(month: Month, now: Instant): string[] {
  return now < month.end ? [`${month.name} is not over yet: these figures may still change.`] : []
}

/** `2024-01-17 18:00` by the clock on the wall. */
export function localStamp(at: Instant, timeZone: string): string {
  const minutes = localMinuteOfDay(at, timeZone)
  const hour = String(Math.floor(minutes / 60)).padStart(2, '0')
  return `${localDate(at, timeZone)} ${hour}:${String(minutes % 60).padStart(2, '0')}`
}

/** Exact euros, at least two decimals, with a sign and without a unit: -0.612345. */
export function plainEuros(amount: bigint): string {
  const size = amount < 0n ? -amount : amount
  const rest = (size % MINOR_PER_EUR)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `${amount < 0n ? '-' : ''}${size / MINOR_PER_EUR}.${rest}`
}

/** The clock on the wall, asked of Intl: slow, and nothing of it is shared with the product. */

/** An interval: when it begins, and what date and minute the clock on the wall shows then. */
export type Stamp = { readonly start: number; readonly date: string; readonly minute: number }

const formats = new Map<string, Intl.DateTimeFormat>()
const stamps = new Map<string, Map<number, Stamp>>()
const days = new Map<string, Stamp[]>()
const datesAfter = new Map<string, Map<number, string>>()
const minutes = new Map<Stamp[], Map<number, number[]>>()

/** Asked once and remembered: Intl takes its time. */
export function stampOf(start: number, timeZone: string): Stamp {
  const known = stamps.get(timeZone) ?? new Map<number, Stamp>()
  stamps.set(timeZone, known)
  const stamp = known.get(start) ?? askIntl(start, timeZone)
  known.set(start, stamp)
  return stamp
}

/** When a minute of the wall's clock begins on a day: once, twice or not at all. */
export function startsAt(minute: number, date: string, timeZone: string, seconds: number) {
  const day = dayOf(date, timeZone, seconds)
  let known = minutes.get(day)
  if (known === undefined) {
    known = new Map()
    for (const stamp of day) {
      known.set(stamp.minute, [...(known.get(stamp.minute) ?? []), stamp.start])
    }
    minutes.set(day, known)
  }
  return known.get(minute) ?? []
}

function askIntl(start: number, timeZone: string): Stamp {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    })
    formats.set(timeZone, format)
  }
  const parts = format.formatToParts(start)
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? ''
  return {
    start,
    date: `${part('year')}-${part('month')}-${part('day')}`,
    minute: Number(part('hour')) * 60 + Number(part('minute')),
  }
}

/** Every interval of a local day, in order: 46, 48 or 50 half-hours. */
export function dayOf(date: string, timeZone: string, seconds: number): Stamp[] {
  const key = `${date} ${timeZone} ${seconds}`
  const known = days.get(key)
  if (known !== undefined) return known
  const noon = Date.parse(`${date}T12:00:00Z`)
  const found: Stamp[] = []
  for (let at = noon - 36 * 3_600_000; at < noon + 36 * 3_600_000; at += seconds * 1000) {
    const stamp = stampOf(at, timeZone)
    if (stamp.date === date) found.push(stamp)
  }
  days.set(key, found)
  return found
}

export function dateAfter(date: string, count: number): string {
  if (count === 0) return date
  const known = datesAfter.get(date) ?? new Map<number, string>()
  datesAfter.set(date, known)
  const after = known.get(count) ?? countedFrom(date, count)
  known.set(count, after)
  return after
}

function countedFrom(date: string, count: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + count * 86_400_000).toISOString().slice(0, 10)
}

export function daysBetween(from: string, to: string): number {
  if (from === to) return 0
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000)
}

/** 0 = Sunday … 6 = Saturday; a holiday counts as a Sunday. */
export function weekday(date: string, holidays: ReadonlySet<string>): number {
  return holidays.has(date) ? 0 : new Date(`${date}T00:00:00Z`).getUTCDay()
}

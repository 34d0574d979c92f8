import { Temporal } from 'temporal-polyfill'
import type { Brand } from './units.ts'

/** A point in business time: whole milliseconds since 1970-01-01T00:00Z. */
export type Instant = Brand<number, 'Instant'>

export type TimeWindow = { readonly start: Instant; readonly end: Instant }

/** @throws RangeError for anything but whole milliseconds. */
export function instant(milliseconds: number): Instant {
  if (!Number.isSafeInteger(milliseconds)) {
    throw new RangeError(`an instant must be whole milliseconds, got ${milliseconds}`)
  }
  return milliseconds as Instant
}

/** Reads ISO 8601 with an offset or Z. @throws RangeError otherwise. */
export function parseInstant(text: string): Instant {
  return instant(Temporal.Instant.from(text).epochMilliseconds)
}

/** ISO 8601 in UTC, to the second where the milliseconds are 0. */
export function formatInstant(at: Instant): string {
  return Temporal.Instant.fromEpochMilliseconds(at).toString()
}

export function addSeconds(at: Instant, seconds: number): Instant {
  return instant(at + Math.round(seconds * 1000))
}

export function secondsBetween(from: Instant, to: Instant): number {
  return (to - from) / 1000
}

/** The starts of the settlement periods of a window. @throws RangeError if they do not fill it. */
export function settlementPeriodStarts(window: TimeWindow, periodSeconds: number): Instant[] {
  const step = periodSeconds * 1000
  if (window.end <= window.start || (window.end - window.start) % step !== 0) {
    throw new RangeError(
      `a window must hold whole settlement periods of ${periodSeconds} s, got ` +
        `${formatInstant(window.start)} to ${formatInstant(window.end)}`,
    )
  }
  const starts: Instant[] = []
  for (let at = window.start; at < window.end; at = instant(at + step)) starts.push(at)
  return starts
}

/** The last multiple of a step at or before an instant, counted from 1970-01-01T00:00Z. */
export function floorToStep(at: Instant, stepSeconds: number): Instant {
  const step = stepSeconds * 1000
  return instant(Math.floor(at / step) * step)
}

/** The first multiple of a step after an instant, counted likewise. */
export function nextStep(at: Instant, stepSeconds: number): Instant {
  return addSeconds(floorToStep(at, stepSeconds), stepSeconds)
}

/** The same local clock time on another local date; a skipped hour moves forward. */
export function sameLocalTime(at: Instant, daysBefore: number, timeZone: string): Instant {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone)
  return instant(local.subtract({ days: daysBefore }).epochMilliseconds)
}

/** 1 = Monday … 7 = Sunday, in local time. */
export function localDayOfWeek(at: Instant, timeZone: string): number {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).dayOfWeek
}

/** The local calendar date as YYYY-MM-DD. */
export function localDate(at: Instant, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(at)
    .toZonedDateTimeISO(timeZone)
    .toPlainDate()
    .toString()
}

/** Whole minutes since local midnight, by the clock on the wall. */
export function localMinuteOfDay(at: Instant, timeZone: string): number {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone)
  return local.hour * 60 + local.minute
}

/** The next instant after another one at which a wall clock shows this minute of the day. */
export function nextLocalMinute(after: Instant, minuteOfDay: number, timeZone: string): Instant {
  const local = Temporal.Instant.fromEpochMilliseconds(after).toZonedDateTimeISO(timeZone)
  const time = { hour: Math.floor(minuteOfDay / 60), minute: minuteOfDay % 60 }
  const today = local.withPlainTime(time)
  const next = today.epochMilliseconds > after ? today : local.add({ days: 1 }).withPlainTime(time)
  return instant(next.epochMilliseconds)
}

/** An instant, and how far local time is ahead of UTC from then on. */
export type OffsetFrom = { readonly at: Instant; readonly offsetMs: number }

/** The first instant of a local calendar date, YYYY-MM-DD. @throws RangeError for no such zone. */
export function dayStart(date: string, timeZone: string): OffsetFrom {
  const local = Temporal.PlainDate.from(date).toZonedDateTime(timeZone)
  return { at: instant(local.epochMilliseconds), offsetMs: local.offsetNanoseconds / 1e6 }
}

/** When the clocks of a zone change next after an instant; null: never again. */
export function nextOffsetChange(after: Instant, timeZone: string): OffsetFrom | null {
  const local = Temporal.Instant.fromEpochMilliseconds(after).toZonedDateTimeISO(timeZone)
  const next = local.getTimeZoneTransition('next')
  if (next === null) return null
  return { at: instant(next.epochMilliseconds), offsetMs: next.offsetNanoseconds / 1e6 }
}

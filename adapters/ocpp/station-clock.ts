/**
 * What a station's clock is off by, judged from its stamps against the time of their receipt. A
 * message can be late, never early: a stamp ahead of us is a wrong clock (local time labelled Z,
 * steve-community/steve#136), and so is one from before there were such stations (1970,
 * matth-x/MicroOcpp#354). One that lags by less may be a message that waited in a queue.
 */
import { instant, type Instant } from '#domain/time.ts'

export type StationClock = {
  /** What the clock shows beyond the time, ms; 0: right, or it cannot be told. */
  readonly offsetMs: number
  /** The stamp as a right clock would have made it; null: it cannot be judged, nor can it be right. */
  judge(stamp: Instant, now: Instant): Instant | null
  /** Is it time to have the station ask for the time? */
  isAskedFor(now: Instant): boolean
}

/** As far as clocks may differ without being wrong, business time. */
const RIGHT_MS = 300_000
/** A message that is younger than this shows that a clock is right again. */
const FRESH_MS = 120_000
/** Two messages, not two values of one. */
const APART_MS = 1000
const ASK_EVERY_MS = 60_000
const YEAR_MS = 366 * 86_400_000
/** The grain of time zones. */
const QUARTER_MS = 900_000
/** Nobody is further ahead in any time zone; beyond it a stamp is nonsense. */
const ZONE_MAX_MS = 14 * 3_600_000

export function createStationClock(): StationClock {
  let offsetMs = 0
  let askedAt: Instant | null = null
  /** What one message showed; another one has to show the same. */
  let seen: { readonly offsetMs: number; readonly at: Instant } | null = null

  function setRight(stamp: Instant, now: Instant): Instant | null {
    const aheadMs = stamp - now
    const isSame = offsetMs !== 0 && aheadMs > 0 === offsetMs > 0
    // What waited in a queue shows less than the clock is ahead by, or was lost by more.
    if (!isSame || aheadMs > offsetMs + FRESH_MS) {
      const found = zoneOf(aheadMs) ?? aheadMs
      const isAgain = seen !== null && Math.abs(seen.offsetMs - found) < FRESH_MS
      if (seen === null || !isAgain || now - seen.at < APART_MS) {
        if (!isAgain) seen = { offsetMs: found, at: now }
        return null
      }
      offsetMs = Math.max(seen.offsetMs, found)
      seen = null
    } else if (offsetMs < 0 && aheadMs > offsetMs) {
      offsetMs = aheadMs
    }
    return instant(stamp - offsetMs)
  }

  return {
    get offsetMs() {
      return offsetMs
    },
    judge(stamp, now) {
      const aheadMs = stamp - now
      if (aheadMs > ZONE_MAX_MS) return null
      if (aheadMs > RIGHT_MS || aheadMs < -YEAR_MS) return setRight(stamp, now)
      if (Math.abs(aheadMs) < FRESH_MS) offsetMs = 0
      return stamp
    },
    isAskedFor(now) {
      if (askedAt !== null && now - askedAt < ASK_EVERY_MS) return false
      askedAt = now
      return true
    },
  }
}

/** Local time labelled as UTC: whole quarters of an hour. */
function zoneOf(aheadMs: number): number | null {
  if (aheadMs < 0) return null
  const zoneMs = Math.round(aheadMs / QUARTER_MS) * QUARTER_MS
  return Math.abs(aheadMs - zoneMs) < FRESH_MS ? zoneMs : null
}

/** In words, for whoever has to set it; null: there is nothing to say. */
export function clockNote({ offsetMs }: StationClock): string | null {
  if (offsetMs === 0) return null
  if (offsetMs < 0) return 'its clock was never set: stamps are taken from the time of receipt'
  return `its clock is ${Math.round(offsetMs / 60_000)} min ahead: stamps are set right`
}

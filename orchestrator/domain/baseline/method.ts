import { hashOf } from '../canonical.ts'
import type { Hex } from '../ids.ts'

/**
 * A baseline method is data: the same engine computes them all. Whole numbers only (basis points,
 * seconds, days), so that its canonical JSON, its hash and two verifiers' figures are the same.
 */
export type BaselineMethod =
  | HistoryMethod
  | StateBasedMethod
  | SameDayMethod
  | LastReadingMethod
  | ZeroMethod
  | NominatedMethod
  | DeemedMethod
  | FirmLevelMethod
  | ControlGroupMethod

type Named = {
  readonly name: string
  readonly version: number
  /**
   * 'own': ours. 'published': public pages name these parameters. 'reading': our reading of a rule
   * that was not checked against its rule book; never to be called compliant with it.
   */
  readonly status: 'own' | 'published' | 'reading'
  /** Whether lines are settled one by one, or shares of a baseline of the whole fleet. */
  readonly unit: 'resource' | 'fleet'
  /** A baseline below 0 becomes 0, period by period, last of all. */
  readonly floorAtZero: boolean
  /** Once per period, on the exact quotient: half-even, or down to the lower whole Wh. */
  readonly rounding: 'half-even' | 'floor'
  /** The only period length it may be used with; null: any. */
  readonly resolutionSeconds: number | null
}

/** Mean of chosen earlier days in the same local periods, adjusted to the call's day or not. */
export type HistoryMethod = Named & {
  readonly family: 'history'
  readonly days: DayRules
  readonly adjustment: Adjustment | null
}

/**
 * The shape of like days, at the level of the unit's own meter right before the window:
 * B[s] = B0[s] * M[a] / B0[a], `a` = the last `levelSeconds` before the window; factor 1 where
 * B0[a] <= 0. Only where nobody can know of the window before it begins.
 */
export type StateBasedMethod = Named & {
  readonly family: 'state-based'
  readonly days: DayRules
  readonly levelSeconds: number
  /** Bounds of the factor's deviation from 1; null: none. */
  readonly cap: { readonly lowBp: number; readonly highBp: number } | null
}

/**
 * Meter before, meter after: the mean over every period of the stretches named, on the call's own
 * day, held flat. Seconds count away from the window: `before` from its start, `after` from its end.
 */
export type SameDayMethod = Named & {
  readonly family: 'same-day'
  readonly before: Stretch | null
  readonly after: Stretch | null
}

/** The power of the last reading before the window, held flat: a battery without a plan. */
export type LastReadingMethod = Named & { readonly family: 'last-reading' }

export type ZeroMethod = Named & { readonly family: 'zero' }

/** The schedule filed before the request, as it stands. */
export type NominatedMethod = Named & { readonly family: 'nominated' }

/** A fixed profile of W per device over the local day, times the number of devices. */
export type DeemedMethod = Named & { readonly family: 'deemed' }

/** The level that the load must not exceed: what is drawn above it is negative delivery. */
export type FirmLevelMethod = Named & { readonly family: 'firm-level' }

/** What comparable devices that were held out drew in the same period, per device, times ours. */
export type ControlGroupMethod = Named & {
  readonly family: 'control-group'
  /** Fewer held-out devices than this are no measure. */
  readonly controlMin: number
}

/** `fromSeconds` away down to `untilSeconds` away: 14400 and 3600 are three hours, one hour off. */
export type Stretch = { readonly fromSeconds: number; readonly untilSeconds: number }

/** Which earlier days count. A dropped day carries the first reason in the order of `DayReason`. */
export type DayRules = {
  /**
   * Which days are alike. wd-nwd: working days, others. wd-sat-sunhol: working days, Saturdays,
   * Sundays with holidays. same-weekday: by the day's name; a holiday counts as a Sunday in all
   * of these. every-day: all are.
   */
  readonly dayTypes: 'wd-nwd' | 'wd-sat-sunhol' | 'same-weekday' | 'every-day'
  readonly pool: DayPool
  /** The pool where the call's own day is not a working day; null: the same rule. */
  readonly nonWorkingPool: DayPool | null
  readonly exclude: {
    /** Days on which the unit was called. */
    readonly callDays: boolean
    /** Holidays never count, not even as Sundays. */
    readonly holidays: boolean
    /** The local day right before the call's. */
    readonly dayBeforeCall: boolean
    /** Days with an outage in one of the periods that are read. */
    readonly outages: boolean
    /**
     * Days whose mean over the window's periods is below a share of a reference. pool-mean: the
     * mean of those means over the newest `pool.size` days that pass all else; lookback-max: the
     * largest of them in the whole look-back. Taken once; no rule where the reference is <= 0.
     */
    readonly lowUsage: null | {
      readonly belowBp: number
      readonly of: 'pool-mean' | 'lookback-max'
    }
  }
  /**
   * An interval that exists but has no reading, in the window's or the adjustment's periods:
   * drop-day: the day does not count; mean-of-existing: the period takes the mean of what exists.
   * A period that a change of clocks skips or repeats is not missing: both copies enter the mean,
   * and a skipped one takes the mean of the other days.
   */
  readonly missing: 'drop-day' | 'mean-of-existing'
  /** Between days of equal rank the newer or the older one goes first. */
  readonly tie: 'newer' | 'older'
  /** Whole weights of the chosen days, newest first; null: all the same. */
  readonly weights: readonly number[] | null
  /**
   * With fewer days than `pool.minDays`: refuse, or let the newest call days fill the pool up to
   * `minDays` (those that pass all other rules).
   */
  readonly fallback: 'refuse' | 'call-days'
  /** So many like days in a row, newest first, left out as call days freeze it: refused beyond. */
  readonly callDaysInRowMax: number | null
  /** No day older than this many days counts; null: only the look-back bounds it. */
  readonly staleDays: number | null
}

export type DayPool = {
  /** Y: the newest like days that pass the rules; fewer are taken as they are. */
  readonly size: number
  readonly lookbackDays: number
  readonly select: Select
  /** Fewer usable days than this are no baseline. */
  readonly minDays: number
}

/**
 * all: every day of the pool. high, low: the X with the highest, lowest mean over the window's
 * periods. mid: without the (Y - X) / 2 highest and as many lowest, however full the pool is.
 * closest-temperature: the X whose daily maximum is closest to the call's day.
 */
export type Select =
  | { readonly by: 'all' }
  | { readonly by: 'high' | 'mid' | 'low' | 'closest-temperature'; readonly days: number }

/**
 * additive: B = B0 + clip(mean M[w] - mean B0[w]). multiplicative: B = B0 * clip(mean M[w] / mean
 * B0[w]), factor 1 where mean B0[w] <= 0. `w` are the whole periods of the stretch on the call's
 * day, in elapsed time; earlier days give the same local periods.
 */
export type Adjustment = {
  readonly kind: 'additive' | 'multiplicative'
  /** Seconds before the window's start, or before the notification (floored to a period). */
  readonly anchor: 'window-start' | 'notification'
  readonly stretch: Stretch
  /**
   * Bounds in basis points of the unadjusted baseline, -2000 and 2000 are 20 % either way: of a
   * factor, its deviation from 1; of a shift, a share of |reference|, the baseline of each period
   * or its mean over the window. null: none.
   */
  readonly cap: null | {
    readonly lowBp: number
    readonly highBp: number
    readonly reference: 'period' | 'window-mean'
  }
  /** up, down: an adjustment the other way is none. */
  readonly direction: 'both' | 'up' | 'down'
  /** A unit that can feed in is adjusted by addition: a ratio across zero says nothing. */
  readonly additiveWhenSigned: boolean
  /** A period of `w` without a reading on the call's day: refuse, or leave unadjusted. */
  readonly missing: 'refuse' | 'unadjusted'
}

/** What the call's terms name a method by. */
export function methodHash(method: BaselineMethod): Hex {
  return hashOf(method)
}

import type { Instant, TimeWindow } from '../time.ts'

/** Metered energy of the settled unit, signed, whole Wh per interval of one length. */
export type EnergySeries = {
  /** null: no reading tells it. */
  readonly whAt: (start: Instant) => number | null
  /** Why an interval is not known; null: it is. A series that does not say has no readings. */
  readonly faultAt?: (start: Instant) => SeriesFault | null
}

export type SeriesFault =
  | 'missing-interval'
  /** The register fell on a device that cannot feed in. */
  | 'meter-reset'
  /** More energy than the device's rating can give or take in the time. */
  | 'beyond-rating'

/** Calendar days are local dates, YYYY-MM-DD. */
export type BaselineInput = {
  readonly timeZone: string
  readonly resolutionSeconds: number
  /** The window's periods, one behind the other, in order. */
  readonly periodStarts: readonly Instant[]
  /** When anybody outside the service could first know of the window; null: only as it began. */
  readonly notifiedAt: Instant | null
  /** Earlier days and the call's own day, as far as the method reads it. */
  readonly history: EnergySeries
  /** The unit can feed in: a battery, PV, a whole site behind them. */
  readonly signed?: boolean
  readonly callDays?: ReadonlySet<string>
  readonly holidays?: ReadonlySet<string>
  readonly outages?: readonly TimeWindow[]
  /** Daily maximum in tenths of a degree Celsius; of the call's day too. */
  readonly maxTemperatures?: ReadonlyMap<string, number>
  readonly nominated?: EnergySeries
  /** W per device for equal slots that fill a local day of 24 hours; a period takes its slot. */
  readonly deemed?: { readonly profileW: readonly number[]; readonly count: number }
  readonly firmLevelW?: number
  /** What `controlCount` devices that were held out drew together; `count` devices are settled. */
  readonly control?: {
    readonly series: EnergySeries
    readonly controlCount: number
    readonly count: number
  }
  /** Power of the last reading before the window, W; null or absent: there is none. */
  readonly lastReadingW?: number | null
}

export type BaselinePeriod = {
  readonly start: Instant
  /** Exact energy in Wh, in lowest terms, denominator above 0; floored at 0 if the method says. */
  readonly numerator: bigint
  readonly denominator: bigint
  /** The same, rounded once as the method says. */
  readonly wh: number
}

/** In the order in which the rules are asked. */
export type DayReason =
  | 'holiday'
  | 'call-day'
  | 'day-before-call'
  | 'stale'
  | 'outage'
  | 'no-such-local-time'
  | SeriesFault
  /** The day's temperature is not known, and the method goes by it. */
  | 'no-temperature'
  | 'low-usage'

/** A like day of the look-back that does not count, and the first rule that says so. */
export type DroppedDay = { readonly date: string; readonly reason: DayReason }

/** factor: times B0. shift: Wh per period, added to B0 (before a cap per period). */
export type AppliedAdjustment = {
  readonly kind: 'shift' | 'factor'
  readonly numerator: bigint
  readonly denominator: bigint
  readonly isCapped: boolean
}

export type BaselineRefusal =
  /** Periods are empty, out of order, do not follow one another, or have an unknown length. */
  | 'impossible-window'
  /** The method's own data contradicts itself or the resolution. */
  | 'impossible-method'
  | 'too-few-days'
  /** Call days in a row have frozen it: a day without pay is due first. */
  | 'frozen-by-calls'
  /** It reads what somebody could bend who knows of the window: only for silent programmes. */
  | 'window-known-beforehand'
  /** A period of the adjustment, or before or after the window, has no reading. */
  | 'missing-interval'
  /** No chosen day has this local time. */
  | 'no-history-for-period'
  /** The method needs a schedule, profile, level, temperature or control group that is not there. */
  | 'missing-input'
  /** NaN, fractions, an instant outside 1970 to 2106. */
  | 'bad-value'

export type BaselineResult =
  | {
      readonly kind: 'baseline'
      readonly periods: readonly BaselinePeriod[]
      /** The chosen days, newest first. */
      readonly daysUsed: readonly string[]
      readonly dropped: readonly DroppedDay[]
      readonly adjustment: AppliedAdjustment | null
    }
  | {
      readonly kind: 'refused'
      readonly reason: BaselineRefusal
      readonly expected: string
      readonly got: string
      readonly dropped: readonly DroppedDay[]
    }

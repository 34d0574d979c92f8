import type { Adjustment, DayPool, DayRules, HistoryMethod } from './method.ts'

/** Like days by working day or not, call days left out: what all of these have in common. */
export const LIKE_DAYS: DayRules = {
  dayTypes: 'wd-nwd',
  pool: { size: 10, lookbackDays: 45, select: { by: 'all' }, minDays: 5 },
  nonWorkingPool: null,
  exclude: {
    callDays: true,
    holidays: false,
    dayBeforeCall: false,
    outages: true,
    lowUsage: null,
  },
  missing: 'drop-day',
  tie: 'newer',
  weights: null,
  fallback: 'refuse',
  callDaysInRowMax: 10,
  staleDays: 60,
}

const MEAN_10: HistoryMethod = {
  name: 'mean-10-of-10',
  version: 1,
  family: 'history',
  status: 'published',
  unit: 'resource',
  days: LIKE_DAYS,
  adjustment: null,
  floorAtZero: false,
  rounding: 'half-even',
  resolutionSeconds: null,
}

function withPool(name: string, pool: DayPool): HistoryMethod {
  return { ...MEAN_10, name, days: { ...LIKE_DAYS, pool } }
}

const MID_8 = withPool('mid-8-of-10', {
  size: 10,
  lookbackDays: 45,
  select: { by: 'mid', days: 8 },
  minDays: 5,
})

const HIGH_5 = withPool('high-5-of-10', {
  size: 10,
  lookbackDays: 45,
  select: { by: 'high', days: 5 },
  minDays: 5,
})

/** Needs half of its days: three of five. */
const HIGH_4 = withPool('high-4-of-5', {
  size: 5,
  lookbackDays: 45,
  select: { by: 'high', days: 4 },
  minDays: 3,
})

const SAME_DAY_40: Adjustment = {
  kind: 'multiplicative',
  anchor: 'window-start',
  stretch: { fromSeconds: 14_400, untilSeconds: 3_600 },
  cap: { lowBp: -4_000, highBp: 4_000, reference: 'window-mean' },
  direction: 'both',
  additiveWhenSigned: true,
  missing: 'refuse',
}

/**
 * Homes, CAISO-like: five of ten like days, shifted within 40 % by the same day. Whether the five
 * are the highest or the newest is told both ways; here they are the highest.
 */
const RESIDENTIAL_5: HistoryMethod = {
  ...HIGH_5,
  name: 'residential-5-of-10',
  status: 'reading',
  adjustment: SAME_DAY_40,
}

/** The four days whose daily maximum is closest, of 90; as our reading of CAISO's weather match. */
const WEATHER: HistoryMethod = {
  ...RESIDENTIAL_5,
  name: 'weather-match-4-of-90',
  days: {
    ...LIKE_DAYS,
    pool: {
      size: 90,
      lookbackDays: 90,
      select: { by: 'closest-temperature', days: 4 },
      minDays: 4,
    },
    staleDays: null,
  },
  adjustment: {
    ...SAME_DAY_40,
    cap: { lowBp: -2_000, highBp: 2_000, reference: 'window-mean' },
  },
}

/** A mean or a choice of like days as it is. */
export const HISTORY_METHODS: readonly HistoryMethod[] = [
  MEAN_10,
  MID_8,
  HIGH_5,
  HIGH_4,
  RESIDENTIAL_5,
  WEATHER,
]

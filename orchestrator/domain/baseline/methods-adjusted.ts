import type { Adjustment, DayRules, HistoryMethod } from './method.ts'
import { HISTORY_METHODS, LIKE_DAYS } from './methods-history.ts'

const HOUR = 3_600

/** Three hours that end one hour before the window, as they come. */
const THREE_HOURS: Adjustment = {
  kind: 'additive',
  anchor: 'window-start',
  stretch: { fromSeconds: 4 * HOUR, untilSeconds: HOUR },
  cap: null,
  direction: 'both',
  additiveWhenSigned: true,
  missing: 'refuse',
}
const ADD_20: Adjustment = {
  ...THREE_HOURS,
  cap: { lowBp: -2_000, highBp: 2_000, reference: 'window-mean' },
}
const MULTIPLY_20: Adjustment = { ...ADD_20, kind: 'multiplicative' }
const THREE_HOURS_NO_GAP: Adjustment = {
  ...THREE_HOURS,
  stretch: { fromSeconds: 3 * HOUR, untilSeconds: 0 },
}
const ONE_HOUR_NO_GAP: Adjustment = {
  ...THREE_HOURS,
  stretch: { fromSeconds: HOUR, untilSeconds: 0 },
}
/** For windows that can be known: what is read ends with the period of the notification. */
const UNTIL_NOTIFICATION: Adjustment = {
  ...ADD_20,
  anchor: 'notification',
  stretch: { fromSeconds: 3 * HOUR, untilSeconds: 0 },
}

function base(name: string): HistoryMethod {
  const found = HISTORY_METHODS.find((method) => method.name === name)
  if (!found) throw new Error(`there is no method ${name}`)
  return found
}

function adjusted(of: string, suffix: string, adjustment: Adjustment): HistoryMethod {
  return { ...base(of), name: `${of}-${suffix}`, adjustment }
}

/** Sixty days of look-back, all of which count; the shape is moved by addition to the same day. */
const BL01_DAYS: DayRules = {
  ...LIKE_DAYS,
  pool: { size: 60, lookbackDays: 60, select: { by: 'all' }, minDays: 5 },
}

/**
 * As our reading of Elexon's BL01: the mean of like days up to 60 days back, shifted by the three
 * hours before the gate. Its minimum of days and its substitutions were not checked.
 */
const BL01_LIKE: HistoryMethod = {
  ...base('mean-10-of-10'),
  name: 'bl01-like',
  status: 'reading',
  days: BL01_DAYS,
  adjustment: THREE_HOURS,
}

/** DFS in its first winter: ten working days or four others, with a shift by three hours. */
const DFS_2022_LIKE: HistoryMethod = {
  ...base('mean-10-of-10'),
  name: 'dfs-2022-like',
  status: 'published',
  days: {
    ...LIKE_DAYS,
    nonWorkingPool: { size: 4, lookbackDays: 45, select: { by: 'all' }, minDays: 2 },
  },
  adjustment: THREE_HOURS_NO_GAP,
}

/**
 * As our reading of the NYISO CBL: of the ten newest weekdays of 30 days, without the day before
 * the call, holidays and days below a quarter of the largest, the five highest; a ratio of two
 * hours that end two hours before, within 20 %.
 */
const NYISO_LIKE: HistoryMethod = {
  ...base('high-5-of-10'),
  name: 'nyiso-like',
  status: 'reading',
  days: {
    ...LIKE_DAYS,
    pool: { size: 10, lookbackDays: 30, select: { by: 'high', days: 5 }, minDays: 5 },
    exclude: {
      ...LIKE_DAYS.exclude,
      holidays: true,
      dayBeforeCall: true,
      lowUsage: { belowBp: 2_500, of: 'lookback-max' },
    },
  },
  adjustment: {
    ...MULTIPLY_20,
    stretch: { fromSeconds: 4 * HOUR, untilSeconds: 2 * HOUR },
  },
}

/**
 * As our reading of PJM's economic CBL: the highest four of five newest weekdays, without days
 * below a quarter of their mean, shifted by the three hours that end an hour before.
 */
const PJM_LIKE: HistoryMethod = {
  ...base('high-4-of-5'),
  name: 'pjm-economic-like',
  status: 'reading',
  days: {
    ...base('high-4-of-5').days,
    exclude: {
      ...LIKE_DAYS.exclude,
      holidays: true,
      lowUsage: { belowBp: 2_500, of: 'pool-mean' },
    },
  },
  adjustment: THREE_HOURS,
}

/** As our reading of CAISO's ten of ten with a same-day factor between 0.80 and 1.20. */
const CAISO_LIKE: HistoryMethod = {
  ...base('mean-10-of-10'),
  name: 'caiso-10-of-10-like',
  status: 'reading',
  adjustment: MULTIPLY_20,
}

/** Five of the same day of the week, shifted. */
const SAME_WEEKDAY: HistoryMethod = {
  ...base('mean-10-of-10'),
  name: 'same-weekday-5-add-3h',
  status: 'own',
  days: {
    ...LIKE_DAYS,
    dayTypes: 'same-weekday',
    pool: { size: 5, lookbackDays: 45, select: { by: 'all' }, minDays: 3 },
  },
  adjustment: THREE_HOURS,
}

/** Like days moved to the level of the call's own day. */
export const ADJUSTED_METHODS: readonly HistoryMethod[] = [
  BL01_LIKE,
  DFS_2022_LIKE,
  NYISO_LIKE,
  PJM_LIKE,
  CAISO_LIKE,
  adjusted('mean-10-of-10', 'add-3h', THREE_HOURS),
  adjusted('mean-10-of-10', 'add-20', ADD_20),
  adjusted('mean-10-of-10', 'mult-20', MULTIPLY_20),
  adjusted('mean-10-of-10', 'add-3h-no-gap', THREE_HOURS_NO_GAP),
  adjusted('mean-10-of-10', 'add-1h-no-gap', ONE_HOUR_NO_GAP),
  adjusted('mean-10-of-10', 'notified', UNTIL_NOTIFICATION),
  adjusted('mid-8-of-10', 'add-3h', THREE_HOURS),
  adjusted('high-4-of-5', 'add-3h', THREE_HOURS),
  adjusted('high-5-of-10', 'add-3h', THREE_HOURS),
  SAME_WEEKDAY,
]

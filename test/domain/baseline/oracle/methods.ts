import type { AdjustTable } from './adjust.ts'
import {
  controlGroup,
  deemed,
  firmLevel,
  lastReading,
  nominated,
  type Oracle,
  ofDays,
  sameDay,
  stateBased,
  zero,
} from './baseline.ts'
import type { DayTable, Pool } from './days.ts'

// Written from the words of the reference's tables, method by method, with none of the product's
// definitions at hand: a wrong figure in them is found as well as a wrong step in the engine.

/** Ten newest like days, working or not, of 45; call days left out; half of them must be there. */
function like(newest: number, take: Pool['take'], more: Partial<Pool> = {}): DayTable {
  const pool: Pool = { newest, lookBack: 45, atLeast: Math.ceil(newest / 2), take, ...more }
  return {
    alike: 'working',
    onWorkingDays: pool,
    onOtherDays: pool,
    withoutHolidays: false,
    withoutDayBefore: false,
    withoutLow: null,
  }
}

const TEN = like(10, 'all')
const MID_8 = like(10, { mid: 8 })
const HIGH_5 = like(10, { high: 5 })
const HIGH_4 = like(5, { high: 4 })

/** "3 h ending 1 h before the window", not capped. */
const ADD_3H: AdjustTable = {
  how: 'add',
  before: 'window',
  fromHours: 4,
  untilHours: 1,
  low: Number.NEGATIVE_INFINITY,
  high: Number.POSITIVE_INFINITY,
}
const ADD_20: AdjustTable = { ...ADD_3H, low: -0.2, high: 0.2 }
const TIMES_20: AdjustTable = { ...ADD_3H, how: 'times', low: 0.8, high: 1.2 }
const TIMES_40: AdjustTable = { ...ADD_3H, how: 'times', low: 0.6, high: 1.4 }
const NO_GAP_3H: AdjustTable = { ...ADD_3H, fromHours: 3, untilHours: 0 }
const NO_GAP_1H: AdjustTable = { ...ADD_3H, fromHours: 1, untilHours: 0 }

const FOUR_OTHER_DAYS: Pool = { newest: 4, lookBack: 45, atLeast: 2, take: 'all' }
const FLEET: DayTable = { ...TEN, withoutHolidays: true }

/** The built-in methods by name. */
export const ORACLES: Readonly<Record<string, Oracle>> = {
  'mean-10-of-10': ofDays(TEN, null),
  'mid-8-of-10': ofDays(MID_8, null),
  'high-5-of-10': ofDays(HIGH_5, null),
  'high-4-of-5': ofDays(HIGH_4, null),
  'residential-5-of-10': ofDays(HIGH_5, TIMES_40),
  'weather-match-4-of-90': ofDays(
    like(90, { closestTemperature: 4 }, { lookBack: 90, atLeast: 4 }),
    TIMES_20,
  ),
  'bl01-like': ofDays(like(60, 'all', { lookBack: 60, atLeast: 5 }), ADD_3H),
  'dfs-2022-like': ofDays({ ...TEN, onOtherDays: FOUR_OTHER_DAYS }, NO_GAP_3H),
  'nyiso-like': ofDays(
    {
      ...like(10, { high: 5 }, { lookBack: 30 }),
      withoutHolidays: true,
      withoutDayBefore: true,
      withoutLow: { share: 0.25, of: 'highest' },
    },
    { ...TIMES_20, fromHours: 4, untilHours: 2 },
  ),
  'pjm-economic-like': ofDays(
    { ...HIGH_4, withoutHolidays: true, withoutLow: { share: 0.25, of: 'mean' } },
    ADD_3H,
  ),
  'caiso-10-of-10-like': ofDays(TEN, TIMES_20),
  'mean-10-of-10-add-3h': ofDays(TEN, ADD_3H),
  'mean-10-of-10-add-20': ofDays(TEN, ADD_20),
  'mean-10-of-10-mult-20': ofDays(TEN, TIMES_20),
  'mean-10-of-10-add-3h-no-gap': ofDays(TEN, NO_GAP_3H),
  'mean-10-of-10-add-1h-no-gap': ofDays(TEN, NO_GAP_1H),
  'mean-10-of-10-notified': ofDays(TEN, {
    ...ADD_20,
    before: 'notice',
    fromHours: 3,
    untilHours: 0,
  }),
  'mid-8-of-10-add-3h': ofDays(MID_8, ADD_3H),
  'high-4-of-5-add-3h': ofDays(HIGH_4, ADD_3H),
  'high-5-of-10-add-3h': ofDays(HIGH_5, ADD_3H),
  'same-weekday-5-add-3h': ofDays({ ...like(5, 'all'), alike: 'weekday' }, ADD_3H),
  'state-based-ev': stateBased(FLEET, 1_800),
  'state-based-ev-capped': stateBased(FLEET, 1_800, 0.5, 1.5),
  'meter-before': sameDay([0.5, 0], null),
  'meter-before-after-3-2': sameDay([4, 1], [3, 1]),
  'reading-before': lastReading,
  zero,
  nominated,
  'deemed-profile': deemed,
  'firm-level': firmLevel,
  'control-group': controlGroup(10),
}

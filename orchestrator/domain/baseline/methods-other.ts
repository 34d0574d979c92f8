import type { BaselineMethod, DayRules } from './method.ts'
import { LIKE_DAYS } from './methods-history.ts'

const NAMED = {
  version: 1,
  unit: 'resource',
  floorAtZero: false,
  rounding: 'half-even',
  resolutionSeconds: null,
} as const

/** Working days without holidays: a holiday is no measure even of a Sunday's charging. */
const FLEET_DAYS: DayRules = {
  ...LIKE_DAYS,
  exclude: { ...LIKE_DAYS.exclude, holidays: true },
}

/** Half an hour that ends where the window begins sets the level of the fleet's ten-day shape. */
const STATE_BASED_EV: BaselineMethod = {
  ...NAMED,
  name: 'state-based-ev',
  family: 'state-based',
  status: 'own',
  unit: 'fleet',
  days: FLEET_DAYS,
  levelSeconds: 1_800,
  cap: null,
}

const STATE_BASED_CAPPED: BaselineMethod = {
  ...STATE_BASED_EV,
  name: 'state-based-ev-capped',
  cap: { lowBp: -5_000, highBp: 5_000 },
}

const METER_BEFORE: BaselineMethod = {
  ...NAMED,
  name: 'meter-before',
  family: 'same-day',
  status: 'own',
  before: { fromSeconds: 1_800, untilSeconds: 0 },
  after: null,
}

/** Three hours before and two after, an hour off either end. */
const METER_BEFORE_AFTER: BaselineMethod = {
  ...NAMED,
  name: 'meter-before-after-3-2',
  family: 'same-day',
  status: 'published',
  before: { fromSeconds: 14_400, untilSeconds: 3_600 },
  after: { fromSeconds: 10_800, untilSeconds: 3_600 },
}

/** What stands on no earlier day: the call's own day, a plan, a table, other devices. */
export const OTHER_METHODS: readonly BaselineMethod[] = [
  STATE_BASED_EV,
  STATE_BASED_CAPPED,
  METER_BEFORE,
  METER_BEFORE_AFTER,
  { ...NAMED, name: 'reading-before', family: 'last-reading', status: 'own' },
  { ...NAMED, name: 'zero', family: 'zero', status: 'published' },
  { ...NAMED, name: 'nominated', family: 'nominated', status: 'published' },
  { ...NAMED, name: 'deemed-profile', family: 'deemed', status: 'published' },
  { ...NAMED, name: 'firm-level', family: 'firm-level', status: 'published' },
  {
    ...NAMED,
    name: 'control-group',
    family: 'control-group',
    status: 'published',
    unit: 'fleet',
    controlMin: 10,
  },
]

import { z } from '@hono/zod-openapi'
import { CLASS_DEFAULTS } from '#domain/baseline/class-defaults.ts'
import { type BaselineMethod, methodHash } from '#domain/baseline/method.ts'
import { BUILT_IN_METHODS, builtInMethod } from '#domain/baseline/methods.ts'
import { fieldError } from '#domain/errors.ts'

/** A baseline method as JSON speaks of it: whole data, or a built-in by its name. */

const Stretch = z.strictObject({ fromSeconds: z.int(), untilSeconds: z.int() })
const Select = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('all') }),
  z.strictObject({ by: z.enum(['high', 'mid', 'low', 'closest-temperature']), days: z.int() }),
])
const Pool = z.strictObject({
  size: z.int(),
  lookbackDays: z.int(),
  select: Select,
  minDays: z.int(),
})
const Days = z.strictObject({
  dayTypes: z.enum(['wd-nwd', 'wd-sat-sunhol', 'same-weekday', 'every-day']),
  pool: Pool,
  nonWorkingPool: Pool.nullable(),
  exclude: z.strictObject({
    callDays: z.boolean(),
    holidays: z.boolean(),
    dayBeforeCall: z.boolean(),
    outages: z.boolean(),
    lowUsage: z
      .strictObject({ belowBp: z.int(), of: z.enum(['pool-mean', 'lookback-max']) })
      .nullable(),
  }),
  missing: z.enum(['drop-day', 'mean-of-existing']),
  tie: z.enum(['newer', 'older']),
  weights: z.array(z.int()).max(366).readonly().nullable(),
  fallback: z.enum(['refuse', 'call-days']),
  callDaysInRowMax: z.int().nullable(),
  staleDays: z.int().nullable(),
})
const Adjustment = z.strictObject({
  kind: z.enum(['additive', 'multiplicative']),
  anchor: z.enum(['window-start', 'notification']),
  stretch: Stretch,
  cap: z
    .strictObject({
      lowBp: z.int(),
      highBp: z.int(),
      reference: z.enum(['period', 'window-mean']),
    })
    .nullable(),
  direction: z.enum(['both', 'up', 'down']),
  additiveWhenSigned: z.boolean(),
  missing: z.enum(['refuse', 'unadjusted']),
})
const Named = {
  name: z.string().min(1).max(80),
  version: z.int(),
  status: z.enum(['own', 'published', 'reading']),
  unit: z.enum(['resource', 'fleet']),
  floorAtZero: z.boolean(),
  rounding: z.enum(['half-even', 'floor']),
  resolutionSeconds: z.int().nullable(),
}

const MethodBody = z.discriminatedUnion('family', [
  z.strictObject({
    ...Named,
    family: z.literal('history'),
    days: Days,
    adjustment: Adjustment.nullable(),
  }),
  z.strictObject({
    ...Named,
    family: z.literal('state-based'),
    days: Days,
    levelSeconds: z.int(),
    cap: z.strictObject({ lowBp: z.int(), highBp: z.int() }).nullable(),
  }),
  z.strictObject({
    ...Named,
    family: z.literal('same-day'),
    before: Stretch.nullable(),
    after: Stretch.nullable(),
  }),
  z.strictObject({ ...Named, family: z.literal('last-reading') }),
  z.strictObject({ ...Named, family: z.literal('zero') }),
  z.strictObject({ ...Named, family: z.literal('nominated') }),
  z.strictObject({ ...Named, family: z.literal('deemed') }),
  z.strictObject({ ...Named, family: z.literal('firm-level') }),
  z.strictObject({ ...Named, family: z.literal('control-group'), controlMin: z.int() }),
])
const BuiltIn = z.strictObject({ builtIn: z.string(), version: z.int().optional() })

/** A program names a built-in method, or writes one out under a name of its own. */
export const BaselineChoice = z.union([BuiltIn, MethodBody])
/** What was read can be sent again. */
export const BaselineView = MethodBody
export const BuiltInMethodView = z.object({
  hash: z.string().openapi({ description: "keccak-256 of the method's canonical JSON" }),
  /** Device classes that it suits, each with the reason. */
  suits: z.array(z.object({ deviceClass: z.string(), reason: z.string() })),
  method: BaselineView,
})

export function builtInMethodViews(): z.infer<typeof BuiltInMethodView>[] {
  return BUILT_IN_METHODS.map((method) => ({
    hash: methodHash(method),
    suits: CLASS_DEFAULTS.filter((entry) => entry.method === method.name).map(
      ({ deviceClass, reason }) => ({ deviceClass, reason }),
    ),
    method: { ...method },
  }))
}

/** @throws DomainError malformed for a name that is not built in */
export function readBaseline(
  field: string,
  choice: z.output<typeof BaselineChoice>,
): BaselineMethod {
  if (!('builtIn' in choice)) return choice
  const { builtIn, version } = choice
  const found = builtInMethod(builtIn, version)
  if (found !== null) return found
  const known = builtInMethod(builtIn)
  const expected = known
    ? `version ${known.version} of ${builtIn}, or none`
    : 'a name out of GET /v1/baseline-methods'
  const got = version === undefined ? builtIn : `${builtIn} ${version}`
  throw fieldError('malformed', `${field}.builtIn`, expected, got)
}

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { LEASE_HOLDERS } from '#domain/control-lease.ts'
import {
  askChargeNow,
  changeConsent,
  chargeNow,
  type LimitsNow,
  limitsOf,
  saveLimits,
  type WhoLimits,
} from '#lifecycle/change-limits.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { answers, At, at, atOrNull, MoneyText, ResourceIdText, takes } from '../schemas.ts'

const ReadyBy = z.strictObject({
  minuteOfDay: z.int().openapi({ description: 'Of the local day: 390 is half past six' }),
  energyWh: z.int().openapi({ description: 'What its car has had by then since it came' }),
})

const LimitsView = z.object({
  consent: z.object({
    givenAt: At,
    withdrawnAt: At.nullable(),
    withdrawnBy: z.enum(['owner', 'aggregator']).nullable(),
  }),
  leastSocBp: z.int().nullable().openapi({ description: 'null: the reserve it was enrolled with' }),
  readyBy: ReadyBy.nullable(),
  chargeNow: z.object({ since: At, until: At }).nullable(),
  lease: z
    .object({
      holder: z.enum(LEASE_HOLDERS),
      priority: z.int().openapi({ description: '1 is the strongest' }),
      since: At.nullable(),
      until: At.nullable(),
      detail: z.string(),
    })
    .openapi({ description: 'Who leads the device now' }),
})

const CostView = z.object({
  costMinor: MoneyText.openapi({ description: 'About what its owner loses by it now' }),
  lostWh: z.int(),
  sentence: z.string(),
})

const CostText = z
  .string()
  .regex(/^(0|[1-9]\d{0,17})$/, 'a whole number of micro-EUR such as "450000"')
  .openapi({
    example: '450000',
    description: 'What its owner was told: where it is more by now, it is refused',
  })
  .transform(BigInt)

const One = z.object({ id: ResourceIdText })

const getLimits = createRoute({
  method: 'get',
  path: '/v1/resources/{id}/limits',
  summary: 'What the owner of a resource allows, and who leads it now',
  ...forRoles('aggregator', 'owner'),
  request: { params: One },
  responses: { 200: answers(LimitsView, 'The limits') },
})

const putLimits = createRoute({
  method: 'put',
  path: '/v1/resources/{id}/limits',
  summary: 'Say what stays in a battery, and when a car is ready',
  description: 'An aggregator only tightens what the owner has said.',
  ...forRoles('aggregator', 'owner'),
  request: {
    params: One,
    ...takes(z.strictObject({ leastSocBp: z.int().nullable(), readyBy: ReadyBy.nullable() })),
  },
  responses: { 200: answers(LimitsView, 'The limits') },
})

const putConsent = createRoute({
  method: 'put',
  path: '/v1/resources/{id}/consent',
  summary: 'Withdraw the consent that a resource is told what to do, or give it again',
  description:
    'From the withdrawal on it is told nothing, also inside a window. Only its owner gives again ' +
    'what was withdrawn.',
  ...forRoles('aggregator', 'owner'),
  request: { params: One, ...takes(z.strictObject({ given: z.boolean() })) },
  responses: { 200: answers(LimitsView, 'The limits') },
})

const getChargeNow = createRoute({
  method: 'get',
  path: '/v1/resources/{id}/charge-now',
  summary: 'What taking it back would cost its owner now',
  ...forRoles('aggregator', 'owner'),
  request: { params: One },
  responses: { 200: answers(CostView, 'The cost') },
})

const postChargeNow = createRoute({
  method: 'post',
  path: '/v1/resources/{id}/charge-now',
  description: 'A charger has full power, a battery is left alone. Its part of a call ends.',
  summary: 'Take a resource back for some minutes, at a cost that was seen before; 0: no longer',
  ...forRoles('owner'),
  request: {
    params: One,
    ...takes(z.strictObject({ minutes: z.int(), costMinor: CostText })),
  },
  responses: { 200: answers(LimitsView, 'The limits') },
})

/** What owners allow of their devices. */
export function limitRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(getLimits, async (c) => {
      const { id } = c.req.valid('param')
      return c.json(limitsView(await limitsOf(ports, whoOf(c.get('key')), id)), 200)
    })
    .openapi(putLimits, async (c) => {
      const { id } = c.req.valid('param')
      const wanted = c.req.valid('json')
      return c.json(limitsView(await saveLimits(ports, whoOf(c.get('key')), id, wanted)), 200)
    })
    .openapi(putConsent, async (c) => {
      const { id } = c.req.valid('param')
      const { given } = c.req.valid('json')
      return c.json(limitsView(await changeConsent(ports, whoOf(c.get('key')), id, given)), 200)
    })
    .openapi(getChargeNow, async (c) => {
      const cost = await askChargeNow(ports, whoOf(c.get('key')), c.req.valid('param').id)
      const sentence =
        cost === null
          ? 'It costs nothing.'
          : `About ${cost.wh} Wh that your device was to give, or to keep ready, will not count.`
      const costMinor = (cost?.amount ?? 0n).toString()
      return c.json({ costMinor, lostWh: cost?.wh ?? 0, sentence }, 200)
    })
    .openapi(postChargeNow, async (c) => {
      const { id } = c.req.valid('param')
      const wanted = c.req.valid('json')
      return c.json(limitsView(await chargeNow(ports, whoOf(c.get('key')), id, wanted)), 200)
    })
}

function whoOf({ role, organisationId, ownerId }: ApiEnv['Variables']['key']): WhoLimits {
  return { organisationId, ownerId: role === 'owner' ? ownerId : null }
}

function limitsView({ limits, lease }: LimitsNow): z.infer<typeof LimitsView> {
  const { consent, leastSocBp, readyBy, chargeNow: full } = limits
  const { holder, priority, detail } = lease
  return {
    consent: {
      givenAt: at(consent.givenAt),
      withdrawnAt: atOrNull(consent.withdrawnAt),
      withdrawnBy: consent.withdrawnAt === null ? null : (consent.withdrawnBy ?? 'owner'),
    },
    leastSocBp,
    readyBy: readyBy === null ? null : { ...readyBy },
    chargeNow: full === null ? null : { since: at(full.since), until: at(full.until) },
    lease: { holder, priority, since: atOrNull(lease.since), until: atOrNull(lease.until), detail },
  }
}

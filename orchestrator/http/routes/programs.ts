import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Program } from '#domain/program.ts'
import type { VoltageTerms } from '#domain/voltage-response.ts'
import { basisPoints } from '#domain/units.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import {
  BaselineChoice,
  BaselineView,
  BuiltInMethodView,
  builtInMethodViews,
  readBaseline,
} from '../baseline-schemas.ts'
import type { ApiContext } from '../context.ts'
import { notFound } from '../problem.ts'
import {
  BuiltInView,
  builtInViews,
  PolicyChoice,
  PolicyView,
  policyView,
  readPolicy,
} from '../policy-schemas.ts'
import { answers, OrganisationIdText, PriceText, ProgramIdText, takes } from '../schemas.ts'

const Share = z.int().min(0).max(20_000)

const Frequency = z.strictObject({
  droop: z.strictObject({
    nominalMilliHz: z.int(),
    deadBandOverMilliHz: z.int(),
    deadBandUnderMilliHz: z.int(),
    droopOverBp: z.int(),
    droopUnderBp: z.int(),
    responseMs: z.int(),
  }),
  toleranceBp: z.int(),
  longestGapMs: z.int(),
})

const Voltage = z.strictObject({
  curves: z.array(
    z.strictObject({
      kind: z.enum(['volt-var', 'volt-watt']),
      points: z.array(z.strictObject({ voltageBp: z.int(), outputBp: z.int() })),
    }),
  ),
  responseMs: z.int(),
  toleranceBp: z.int(),
  longestGapMs: z.int(),
  spreadBp: z.int().openapi({
    description: 'So far apart may be the voltages of one point, basis points of nominal',
  }),
})

const ProgramBody = z.strictObject({
  id: ProgramIdText,
  version: z.int(),
  dsoId: OrganisationIdText,
  timeZone: z.string().max(64).openapi({ example: 'Europe/Berlin' }),
  settlementPeriodSeconds: z.int(),
  meteringIntervalSeconds: z.int(),
  controlCycleSeconds: z.int(),
  noticeSeconds: z.int(),
  graceSeconds: z.int(),
  disputeWindowSeconds: z.int(),
  epochSeconds: z.int(),
  epochWindowSeconds: z.int(),
  settleBySeconds: z.int(),
  priceCapMaxMinorPerKwh: PriceText,
  feeBp: Share,
  product: z.enum(['availability', 'frequency-response', 'voltage-support']).optional(),
  frequency: Frequency.optional(),
  voltage: Voltage.optional(),
  activationNoticeSeconds: z.int().optional(),
  ...PolicyChoice,
  controlGroupBp: Share.optional(),
  deliveryLevelBp: Share.optional(),
  restartSeconds: z.int().optional(),
  rotationBandBp: Share.optional().openapi({
    description: 'Prices so near to the cheapest count as equal: who was called least goes first',
  }),
  chargerBaseline: BaselineChoice,
  batteryBaseline: BaselineChoice,
  holidays: z.array(z.string().max(10)).max(400).readonly().optional(),
  deemedProfileW: z.array(z.int()).max(1440).readonly().optional(),
  notice: z.enum(['silent', 'known']).optional(),
  stepLimit: z
    .strictObject({ stepMaxW: z.int(), rampMaxWPerMinute: z.int() })
    .optional()
    .openapi({ description: 'How fast all devices of a congestion point together are moved' }),
  legalFloorsW: z
    .strictObject({ 'de-14a': z.int() })
    .optional()
    .openapi({ description: 'What devices of a legal class may always draw; de-14a: 4200 W' }),
  toleranceW: z.int(),
  toleranceBp: Share,
})

const { paymentCurve: _short, ...Shown } = ProgramBody.shape
const ProgramView = z.object({
  ...Shown,
  paymentPolicy: PolicyView,
  chargerBaseline: BaselineView,
  batteryBaseline: BaselineView,
  id: z.string(),
  dsoId: z.string(),
  priceCapMaxMinorPerKwh: z.string(),
})

const putProgram = createRoute({
  method: 'put',
  path: '/v1/programs',
  summary: "Put a DSO's contract rules in force; a version once saved stays as it is",
  ...forRoles('dso', 'operator'),
  request: takes(ProgramBody),
  responses: { 200: answers(ProgramView, 'The rules in force') },
})

const getPrograms = createRoute({
  method: 'get',
  path: '/v1/programs',
  summary: 'The rules in force: your own, or all for the operator',
  ...forRoles('dso', 'operator'),
  responses: { 200: answers(z.array(ProgramView), 'One per DSO') },
})

const getPolicies = createRoute({
  method: 'get',
  path: '/v1/payment-policies',
  summary: 'Payment policies that a program may name, each with its hash',
  ...forRoles('dso', 'aggregator', 'owner', 'operator'),
  responses: { 200: answers(z.array(BuiltInView), 'Built in, in no order of merit') },
})

const getMethods = createRoute({
  method: 'get',
  path: '/v1/baseline-methods',
  summary: 'Baseline methods that a program may name, each with its hash and what it suits',
  ...forRoles('dso', 'aggregator', 'owner', 'operator'),
  responses: { 200: answers(z.array(BuiltInMethodView), 'Built in, in no order of merit') },
})

/** The contract's rules. */
export function programRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(putProgram, async (c) => {
      const body = c.req.valid('json')
      const { role, organisationId } = c.get('key')
      if (role === 'dso' && body.dsoId !== organisationId) throw notFound()
      return c.json(programView(await saveProgram(ports, readProgram(body))), 200)
    })
    .openapi(getMethods, (c) => c.json(builtInMethodViews(), 200))
    .openapi(getPolicies, (c) => c.json(builtInViews(), 200))
    .openapi(getPrograms, async (c) => {
      const { role, organisationId } = c.get('key')
      const programs = await ports.store.transaction(async (tx) => {
        const dsos = await tx.organisations.list('dso')
        const shown = dsos.filter(({ id }) => role === 'operator' || id === organisationId)
        return Promise.all(shown.map(({ id }) => tx.organisations.program(id)))
      })
      return c.json(programs.filter((program) => program !== null).map(programView), 200)
    })
}

function readProgram(body: z.output<typeof ProgramBody>): Program {
  const { priceCapMaxMinorPerKwh: priceCapMax, feeBp, toleranceBp, ...named } = body
  const { paymentPolicy, paymentCurve, chargerBaseline, batteryBaseline, ...stated } = named
  const { holidays, deemedProfileW, notice, legalFloorsW, stepLimit, ...shares } = stated
  const { controlGroupBp, deliveryLevelBp, rotationBandBp, ...more } = shares
  const { product, activationNoticeSeconds, frequency, voltage, restartSeconds, ...rest } = more
  return {
    ...rest,
    // Absent stays absent: the same program has the same bytes.
    ...(holidays ? { holidays } : {}),
    ...(deemedProfileW ? { deemedProfileW } : {}),
    ...(notice ? { notice } : {}),
    ...(legalFloorsW ? { legalFloorsW } : {}),
    ...(product ? { product } : {}),
    ...(frequency ? { frequency } : {}),
    ...(voltage ? { voltage } : {}),
    ...(activationNoticeSeconds === undefined ? {} : { activationNoticeSeconds }),
    ...(stepLimit ? { stepLimit } : {}),
    ...(controlGroupBp ? { controlGroupBp: basisPoints(controlGroupBp) } : {}),
    ...(deliveryLevelBp === undefined ? {} : { deliveryLevelBp: basisPoints(deliveryLevelBp) }),
    ...(rotationBandBp === undefined ? {} : { rotationBandBp: basisPoints(rotationBandBp) }),
    ...(restartSeconds === undefined ? {} : { restartSeconds }),
    chargerBaseline: readBaseline('chargerBaseline', chargerBaseline),
    batteryBaseline: readBaseline('batteryBaseline', batteryBaseline),
    priceCapMax,
    paymentPolicy: readPolicy({ paymentPolicy, paymentCurve }),
    feeBp: basisPoints(feeBp),
    toleranceBp: basisPoints(toleranceBp),
  }
}

function voltageView({ curves, ...rest }: VoltageTerms): z.infer<typeof Voltage> {
  return { ...rest, curves: curves.map(({ kind, points }) => ({ kind, points: [...points] })) }
}

export function programView(program: Program): z.infer<typeof ProgramView> {
  const { priceCapMax, paymentPolicy, chargerBaseline, batteryBaseline, voltage, ...rest } = program
  return {
    ...rest,
    ...(voltage ? { voltage: voltageView(voltage) } : {}),
    priceCapMaxMinorPerKwh: priceCapMax.toString(),
    paymentPolicy: policyView(paymentPolicy),
    chargerBaseline: { ...chargerBaseline },
    batteryBaseline: { ...batteryBaseline },
  }
}

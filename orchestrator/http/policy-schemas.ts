import { z } from '@hono/zod-openapi'
import { fieldError } from '#domain/errors.ts'
import { builtInPolicy, curvePolicy, PAYMENT_POLICIES } from '#domain/payment-policies.ts'
import { type PaymentPolicy, policyHash } from '#domain/payment-policy.ts'
import { checkCurve } from '#domain/payment-policy-check.ts'
import { PriceText } from './schemas.ts'

/** A payment policy as JSON speaks of it: prices are decimal strings of minor units. */

const Share = z.int().min(0).max(20_000)
const Priced = { minorPerKwh: PriceText }
const Curve = z.array(z.strictObject({ deliveredBp: Share, payBp: Share })).max(50)
const Penalty = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('per-kwh-deficient'), ...Priced }),
  z.strictObject({
    kind: z.literal('per-kwh-above-firm-level'),
    ...Priced,
    firmLevelW: z.int(),
  }),
  z.strictObject({ kind: z.literal('share-of-payment'), shareBp: z.int() }),
])
const Availability = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('per-kwh-ordered'),
    ...Priced,
    scaledByDelivery: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('per-kw-month'),
    minorPerKw: PriceText,
    scaledByDelivery: z.boolean(),
    extraFromCall: z.int(),
    extraMinorPerKw: PriceText,
  }),
])

const PolicyBody = z.strictObject({
  name: z.string(),
  version: z.int(),
  status: z.enum(['published', 'reading']),
  source: z.string(),
  over: z.enum(['window', 'period']),
  price: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('offered') }),
    z.strictObject({ kind: z.literal('fixed'), ...Priced }),
  ]),
  curve: Curve,
  capBp: z.int(),
  floorBp: z.int(),
  penalty: Penalty,
  availability: Availability,
  deadBand: z.strictObject({ bp: z.int(), pays: z.enum(['all', 'rest', 'stretched']) }),
  carry: z.enum(['none', 'month']),
  provisionalShareBp: z.int(),
  trueUpSeconds: z.int(),
})
const BuiltIn = z.strictObject({ builtIn: z.string(), version: z.int().optional() })

/** A program names a built-in policy, writes one out, or gives a curve of its own: one of them. */
export const PolicyChoice = {
  paymentPolicy: z.union([BuiltIn, PolicyBody]).optional(),
  paymentCurve: Curve.optional(),
}

const MinorText = z.string().openapi({ example: '450000' })
const hashText = z.string().openapi({ description: "keccak-256 of the policy's canonical JSON" })
/** The same with prices as they are written, so that what was read can be sent again. */
export const PolicyView = z.object({
  ...PolicyBody.shape,
  price: z.object({ kind: z.enum(['offered', 'fixed']), minorPerKwh: MinorText.optional() }),
  penalty: z.object({
    kind: z.enum(['none', 'per-kwh-deficient', 'per-kwh-above-firm-level', 'share-of-payment']),
    minorPerKwh: MinorText.optional(),
    firmLevelW: z.int().optional(),
    shareBp: z.int().optional(),
  }),
  availability: z.object({
    kind: z.enum(['none', 'per-kwh-ordered', 'per-kw-month']),
    minorPerKwh: MinorText.optional(),
    minorPerKw: MinorText.optional(),
    scaledByDelivery: z.boolean().optional(),
    extraFromCall: z.int().optional(),
    extraMinorPerKw: MinorText.optional(),
  }),
})
export const BuiltInView = z.object({ hash: hashText, policy: PolicyView })

export function builtInViews(): z.infer<typeof BuiltInView>[] {
  return PAYMENT_POLICIES.map((policy) => ({
    hash: policyHash(policy),
    policy: policyView(policy),
  }))
}

type Choice = z.output<z.ZodObject<typeof PolicyChoice>>

/** @throws DomainError malformed unless exactly one policy is chosen, and for a name unknown. */
export function readPolicy({ paymentPolicy, paymentCurve }: Choice): PaymentPolicy {
  if ((paymentPolicy === undefined) === (paymentCurve === undefined)) {
    const expected = 'either paymentPolicy or paymentCurve'
    const got = paymentPolicy === undefined ? 'neither' : 'both'
    throw fieldError('malformed', 'paymentPolicy', expected, got)
  }
  if (paymentCurve !== undefined) return curvePolicy(checkCurve('paymentCurve', paymentCurve))
  if (paymentPolicy === undefined) throw new Error('no policy chosen')
  if (!('builtIn' in paymentPolicy)) return readBody(paymentPolicy)
  const { builtIn, version } = paymentPolicy
  const found = builtInPolicy(builtIn, version)
  if (found === null) {
    const names = PAYMENT_POLICIES.map((policy) => `${policy.name} ${policy.version}`).join(', ')
    const got = version === undefined ? builtIn : `${builtIn} ${version}`
    throw fieldError('malformed', 'paymentPolicy.builtIn', `one of ${names}`, got)
  }
  return found
}

function readBody(body: z.output<typeof PolicyBody>): PaymentPolicy {
  const { price, penalty, availability, ...rest } = body
  return {
    ...rest,
    price: price.kind === 'fixed' ? { kind: 'fixed', price: price.minorPerKwh } : price,
    penalty: readPenalty(penalty),
    availability: readAvailability(availability),
  }
}

function readPenalty(penalty: z.output<typeof Penalty>): PaymentPolicy['penalty'] {
  if (!('minorPerKwh' in penalty)) return penalty
  const { minorPerKwh: price, ...rest } = penalty
  return { ...rest, price }
}

function readAvailability(stood: z.output<typeof Availability>): PaymentPolicy['availability'] {
  switch (stood.kind) {
    case 'none':
      return stood
    case 'per-kwh-ordered': {
      const { minorPerKwh: price, ...rest } = stood
      return { ...rest, price }
    }
    case 'per-kw-month': {
      const { minorPerKw, extraMinorPerKw, ...rest } = stood
      return { ...rest, price: minorPerKw, extra: { price: extraMinorPerKw } }
    }
  }
}

export function policyView(policy: PaymentPolicy): z.infer<typeof PolicyView> {
  const { price, penalty, availability, curve, deadBand, ...rest } = policy
  return {
    ...rest,
    curve: curve.map((point) => ({ ...point })),
    deadBand: { ...deadBand },
    price: 'price' in price ? { kind: price.kind, minorPerKwh: `${price.price}` } : { ...price },
    penalty: penaltyView(penalty),
    availability: availabilityView(availability),
  }
}

function penaltyView(penalty: PaymentPolicy['penalty']): z.infer<typeof PolicyView>['penalty'] {
  if (!('price' in penalty)) return { ...penalty }
  const { price, ...rest } = penalty
  return { ...rest, minorPerKwh: `${price}` }
}

function availabilityView(
  stood: PaymentPolicy['availability'],
): z.infer<typeof PolicyView>['availability'] {
  if (stood.kind === 'none') return { ...stood }
  if (stood.kind === 'per-kwh-ordered') {
    const { price, ...rest } = stood
    return { ...rest, minorPerKwh: `${price}` }
  }
  const { price, extra, ...rest } = stood
  return { ...rest, minorPerKw: `${price}`, extraMinorPerKw: `${extra.price}` }
}

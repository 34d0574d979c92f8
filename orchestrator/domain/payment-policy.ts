import { hashOf } from './canonical.ts'
import type { Hex } from './ids.ts'
import { ceilDiv, floorDiv, type MicroEur, type MicroEurPerKwh, microEur } from './money.ts'

/** Piecewise linear and monotone: share delivered of the order -> share of the price paid. */
export type PaymentCurve = readonly { readonly deliveredBp: number; readonly payBp: number }[]

/** What is left of a delivery that lies outside the dead band. */
export type DeadBand = {
  /** The band's half width, in basis points of the baseline over what is settled together. */
  readonly bp: number
  /** 'all': a threshold; 'rest': the band is deducted; 'stretched': full order, full pay. */
  readonly pays: 'all' | 'rest' | 'stretched'
}

export type PolicyPenalty =
  | { readonly kind: 'none' }
  /** One-sided: each kWh short of the order; a load above its baseline is short of more. */
  | { readonly kind: 'per-kwh-deficient'; readonly price: MicroEurPerKwh }
  /** Each kWh that the portfolio draws above its firm service level. */
  | {
      readonly kind: 'per-kwh-above-firm-level'
      readonly price: MicroEurPerKwh
      readonly firmLevelW: number
    }
  /** This share of what was earned, times the share of the order that is short. */
  | { readonly kind: 'share-of-payment'; readonly shareBp: number }

export type Availability =
  | { readonly kind: 'none' }
  /** For each kWh that was ordered, whether or not it had to be delivered in full. */
  | {
      readonly kind: 'per-kwh-ordered'
      readonly price: MicroEurPerKwh
      readonly scaledByDelivery: boolean
    }
  /** A month's reservation; billed by the month and in no call's escrow. */
  | {
      readonly kind: 'per-kw-month'
      readonly price: MicroEurPerKwh
      readonly scaledByDelivery: boolean
      /** From this call of a month on, each kW earns `extra` more; 0: never. */
      readonly extraFromCall: number
      readonly extra: { readonly price: MicroEurPerKwh }
    }

/** How a delivery becomes money: data with a version and a hash, never code. */
export type PaymentPolicy = {
  readonly name: string
  readonly version: number
  /** 'published': as its publisher words it; 'reading': only as far as thresholds are known. */
  readonly status: 'published' | 'reading'
  readonly source: string
  /** What is netted and judged together: the whole window or each settlement period. */
  readonly over: 'window' | 'period'
  readonly price:
    | { readonly kind: 'offered' }
    | { readonly kind: 'fixed'; readonly price: MicroEurPerKwh }
  readonly curve: PaymentCurve
  /** The most that is paid for, as a share of the order. */
  readonly capBp: number
  /** Less than this share of the order delivered: nothing is paid. */
  readonly floorBp: number
  readonly penalty: PolicyPenalty
  readonly availability: Availability
  readonly deadBand: DeadBand
  /** 'month': what a portfolio lost against its baseline is made up before it earns again. */
  readonly carry: 'none' | 'month'
  /** Paid at the first settlement; the rest stays held until the true-up. */
  readonly provisionalShareBp: number
  /** How long what is left waits for late readings and corrections; 0: nothing is left. */
  readonly trueUpSeconds: number
}

/** What one portfolio did over what is settled together: a window or one settlement period. */
export type Stretch = {
  readonly seconds: number
  readonly orderedWh: number
  /** Signed and netted over the portfolio, positive in the call's direction. */
  readonly deliveredWh: number
  readonly baselineWh: number
  /** As metered, + is consumption; what is unknown counts as its baseline. */
  readonly meteredWh: number
}

export type Award = {
  readonly payableWh: number
  /** Of the price, in basis points. */
  readonly factorBp: number
  readonly deficientWh: number
}

export type PolicyResult = {
  readonly payableWh: number
  readonly deficientWh: number
  readonly utilisation: MicroEur
  readonly availability: MicroEur
  readonly penalty: MicroEur
  /** May be negative: who collects more than was earned is between the parties, not the escrow. */
  readonly net: MicroEur
}

export function policyHash(policy: PaymentPolicy): Hex {
  return hashOf(policy)
}

/** The share of the price paid at a share delivered, in basis points, straight between points. */
export function curveAt(curve: PaymentCurve, shareBp: number): number {
  if (shareBp <= 0) return 0
  let before = { deliveredBp: 0, payBp: 0 }
  for (const point of curve) {
    if (shareBp < point.deliveredBp) {
      const run = point.deliveredBp - before.deliveredBp
      const rise = point.payBp - before.payBp
      return before.payBp + Math.floor((rise * (shareBp - before.deliveredBp)) / run)
    }
    before = point
  }
  return before.payBp
}

/**
 * What counts of a netted delivery, Wh: nothing inside the band around the baseline, because a
 * baseline is no more exact than that. Never more than was delivered.
 */
export function outsideDeadBand(
  { bp, pays }: DeadBand,
  { deliveredWh, baselineWh, orderedWh }: Pick<Stretch, 'deliveredWh' | 'baselineWh' | 'orderedWh'>,
): number {
  const bandWh = Math.ceil((Math.abs(baselineWh) * bp) / 10_000)
  const beyondWh = deliveredWh - bandWh
  if (deliveredWh <= 0 || beyondWh < 0) return 0
  if (pays === 'all' || bandWh === 0) return deliveredWh
  if (pays === 'rest') return beyondWh
  if (deliveredWh >= orderedWh) return deliveredWh
  // From nothing at the band's edge straight to the whole order for the whole order.
  return bandWh >= orderedWh ? 0 : Math.floor((beyondWh * orderedWh) / (orderedWh - bandWh))
}

/** What all payees may count at most, and what is to be made up before anything is paid. */
export type AwardLimits = { readonly mostWh: number; readonly carriedWh: number }

/** Portfolio figures of one stretch under a policy. */
export function award(
  policy: PaymentPolicy,
  stretch: Stretch,
  { mostWh, carriedWh }: AwardLimits = { mostWh: Infinity, carriedWh: 0 },
): Award {
  const { orderedWh, deliveredWh } = stretch
  const capWh = Math.floor((orderedWh * policy.capBp) / 10_000)
  const countedWh = Math.max(0, outsideDeadBand(policy.deadBand, stretch) + carriedWh)
  const payableWh = Math.min(countedWh, capWh, mostWh)
  const shareBp = orderedWh <= 0 ? 0 : Math.floor((payableWh * 10_000) / orderedWh)
  const factorBp = shareBp < policy.floorBp ? 0 : curveAt(policy.curve, shareBp)
  return { payableWh, factorBp, deficientWh: Math.max(0, orderedWh - deliveredWh) }
}

/** What a policy charges for by the kWh in a stretch, before any limit by what was earned. */
export function penaltyCharge(
  { penalty }: PaymentPolicy,
  { deficientWh }: Award,
  { seconds, meteredWh }: Stretch,
): { readonly wh: number; readonly price: MicroEurPerKwh }[] {
  if (penalty.kind === 'per-kwh-deficient') return [{ wh: deficientWh, price: penalty.price }]
  if (penalty.kind === 'per-kwh-above-firm-level') {
    const firmWh = Math.floor((penalty.firmLevelW * seconds) / 3600)
    return [{ wh: Math.max(0, meteredWh - firmWh), price: penalty.price }]
  }
  return []
}

/** The same in parts of a micro-EUR, `parts` to one, so that nothing is rounded before the end. */
export function penaltyParts(
  policy: PaymentPolicy,
  award: Award,
  stretch: Stretch,
  parts: bigint,
): bigint {
  return penaltyCharge(policy, award, stretch).reduce(
    (sum, { wh, price }) => sum + (BigInt(wh) * price * parts) / 1000n,
    0n,
  )
}

/** A fraction of what a stretch earned. */
export type Kept = { readonly part: bigint; readonly whole: bigint }

/**
 * What a penalty by share leaves of a stretch's own earnings. It is never taken from another
 * period's, else who delivers less in a dear period would gain in a cheap one.
 */
export function keptShare(
  { penalty }: PaymentPolicy,
  { deficientWh }: Award,
  { orderedWh }: Stretch,
): Kept {
  if (penalty.kind !== 'share-of-payment' || orderedWh <= 0) return { part: 1n, whole: 1n }
  const whole = BigInt(orderedWh) * 10_000n
  const shortWh = BigInt(Math.min(deficientWh, orderedWh))
  return { part: whole - shortWh * BigInt(penalty.shareBp), whole }
}

/** The price per kWh that a policy pays to one who offered at a price. */
export function policyPrice({ price }: PaymentPolicy, offered: MicroEurPerKwh): MicroEurPerKwh {
  return price.kind === 'fixed' ? price.price : offered
}

/**
 * A portfolio under a policy as if it were one payee at one price, without an escrow's limit: how a
 * rule book's own examples are computed.
 */
export function payByPolicy(
  policy: PaymentPolicy,
  stretches: readonly Stretch[],
  offered: MicroEurPerKwh,
): PolicyResult {
  const price = policyPrice(policy, offered)
  let [payableWh, deficientWh, utilisation, availability, penalty] = [0, 0, 0n, 0n, 0n]
  for (const stretch of stretches) {
    const found = award(policy, stretch)
    const used = BigInt(found.payableWh) * price * BigInt(found.factorBp)
    const stood = availabilityNumerator(policy, stretch.orderedWh, found.factorBp)
    payableWh += found.payableWh
    deficientWh += found.deficientWh
    utilisation += used
    availability += stood
    const { part, whole } = keptShare(policy, found, stretch)
    const gone = used + stood - ((used + stood) * part) / whole
    penalty += gone + penaltyParts(policy, found, stretch, PER_KWH_BP)
  }
  return {
    payableWh,
    deficientWh,
    utilisation: microEur(floorDiv(utilisation, PER_KWH_BP)),
    availability: microEur(floorDiv(availability, PER_KWH_BP)),
    penalty: microEur(floorDiv(penalty, PER_KWH_BP)),
    net: microEur(floorDiv(utilisation + availability - penalty, PER_KWH_BP)),
  }
}

/** Wh × micro-EUR per kWh × basis points, over this, are micro-EUR. */
export const PER_KWH_BP = 1000n * 10_000n

/** Availability of one order, still to be divided by PER_KWH_BP. */
export function availabilityNumerator(
  { availability }: PaymentPolicy,
  orderedWh: number,
  factorBp: number,
): bigint {
  if (availability.kind !== 'per-kwh-ordered') return 0n
  const scale = availability.scaledByDelivery ? factorBp : 10_000
  return BigInt(orderedWh) * availability.price * BigInt(scale)
}

/** A month's reservation for contracted W, at a performance and after so many calls. */
export function monthlyAvailability(
  { availability }: PaymentPolicy,
  contractedW: number,
  performanceBp: number,
  callsInMonth: number,
): MicroEur {
  if (availability.kind !== 'per-kw-month') return microEur(0n)
  const { extraFromCall, extra, price, scaledByDelivery } = availability
  const isBusy = extraFromCall > 0 && callsInMonth >= extraFromCall
  const perKw = price + (isBusy ? extra.price : 0n)
  const scale = scaledByDelivery ? performanceBp : 10_000
  return microEur(floorDiv(BigInt(contractedW) * perKw * BigInt(scale), PER_KWH_BP))
}

/**
 * What a portfolio has still to make up after a month's windows so far, at most 0 Wh: signed
 * results add up, and only what rises above the highest sum so far earns again.
 */
export function carriedDeficit(signedWh: Iterable<number>): number {
  let [sum, highest] = [0, 0]
  for (const wh of signedWh) {
    sum += wh
    highest = Math.max(highest, sum)
  }
  return sum - highest
}

/** What must be locked for an order under a policy, without the fee; rounded up. */
export function mostPayable(
  policy: PaymentPolicy,
  orderedWh: number,
  priceCap: MicroEurPerKwh,
): MicroEur {
  const used = BigInt(orderedWh) * priceCap * BigInt(policy.capBp)
  const stood = availabilityNumerator(policy, orderedWh, 10_000)
  return microEur(ceilDiv(used + stood, PER_KWH_BP))
}

import { greatestCommon } from './baseline/fraction.ts'
import type { PenaltyRule } from './flexibility-request.ts'
import type { MicroEurPerKwh } from './money.ts'
import { WHOLE_EFFECT_BP } from './network-effect.ts'
import { type Award, type PaymentPolicy, penaltyCharge, type Stretch } from './payment-policy.ts'

/**
 * How a call ordered now takes a penalty per kWh, by version. 2: from who fell short, in proportion
 * to it and no more than each has earned. Terms without a version are of the first rule, by which it
 * comes off what all have earned.
 */
export const PENALTY_RULE = 2

/** Whether a call takes anything by the kWh. */
export function takesPerKwh(policy: PaymentPolicy, penalty: PenaltyRule): boolean {
  return penalty.kind !== 'none' || 'price' in policy.penalty
}

/** Wh that are charged, the price of each kWh, and whether it is for what the order lacks. */
type Charge = { readonly wh: number; readonly price: MicroEurPerKwh; readonly isShortage: boolean }

/** What is taken for one settled stretch, and who fell short in it. */
export type Charged = {
  readonly charges: readonly Charge[]
  /** Of each payee at the congestion point, 10,000 to a Wh. */
  readonly short: readonly number[]
}

/** Of one stretch: what the request and the policy charge for it. */
export function chargesFor(
  policy: PaymentPolicy,
  penalty: PenaltyRule,
  award: Award,
  stretch: Stretch,
): Charged['charges'] {
  const ofRequest = penalty.kind === 'none' ? [] : [{ wh: award.deficientWh, price: penalty.price }]
  const isShortage = policy.penalty.kind === 'per-kwh-deficient'
  const all: Charge[] = [
    ...ofRequest.map((charge) => ({ ...charge, isShortage: true })),
    ...penaltyCharge(policy, award, stretch).map((charge) => ({ ...charge, isShortage })),
  ]
  return all.filter(({ wh, price }) => wh > 0 && price > 0n)
}

/** What each of those who fell short owes, and what falls on all, as no order lacks it. */
export type Owed = { readonly each: readonly bigint[]; readonly all: bigint }

/**
 * Shares out what is charged. What the order lacks and no payee fell short of, as of a device that was
 * let go of and had no stand-in, is charged to nobody. In parts of a micro-EUR, `common` times 10,000,000 to one. Exact where
 * `common` is a multiple of every stretch's divisor.
 */
export function owedBy(charged: readonly Charged[], common: bigint): Owed {
  const each: bigint[] = []
  let all = 0n
  for (const { charges, short } of charged) {
    const whole = sumOf(short)
    for (const { wh, price, isShortage } of charges) {
      const asked = BigInt(wh) * BigInt(WHOLE_EFFECT_BP)
      const caused = asked < whole ? asked : whole
      if (!isShortage) all += price * (asked - caused) * common
      if (whole === 0n) continue
      const perWh = (price * caused * common) / whole
      for (const [i, mine] of short.entries()) each[i] = (each[i] ?? 0n) + perWh * BigInt(mine)
    }
  }
  return { each, all }
}

/** By what the split of a stretch's charges is divided: what is charged is whole Wh. */
export function divisorOf({ charges, short }: Charged): bigint {
  const whole = sumOf(short)
  if (charges.length === 0 || whole === 0n) return 1n
  return whole / greatestCommon(whole, BigInt(WHOLE_EFFECT_BP))
}

function sumOf(short: readonly number[]): bigint {
  return BigInt(short.reduce((sum, mine) => sum + mine, 0))
}

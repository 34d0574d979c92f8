import type { Allocation, Candidate } from './allocation.ts'
import type { Delivery } from './delivery.ts'
import type { PenaltyRule } from './flexibility-request.ts'
import type { OrganisationId, OwnerId, ResourceId } from './ids.ts'
import {
  ceilDiv,
  floorDiv,
  type MicroEur,
  type MicroEurPerKwh,
  microEur,
  sumMoney,
} from './money.ts'
import type { PaymentCurve } from './program.ts'

export type LineReason =
  | 'paid'
  | 'not-obeying'
  /** The driver asked for full power; what had been delivered until then may be paid. */
  | 'overridden'
  | 'nothing-delivered'
  | 'no-readings'

/** What one resource earned in one call and why. Energies in whole Wh. */
export type SettlementLine = {
  readonly resourceId: ResourceId
  readonly ownerId: OwnerId
  readonly aggregatorId: OrganisationId
  readonly orderedWh: number
  /** Signed and uncapped. */
  readonly deliveredWh: number
  /** Between 0 and orderedWh, before the portfolio's scaling. */
  readonly eligibleWh: number
  /** Paid now; owner's and aggregator's part sum to it. */
  readonly gross: MicroEur
  /** Earned by the figures but not paid yet: disputed, under a finding, or not yet final. */
  readonly held: MicroEur
  readonly ownerAmount: MicroEur
  readonly aggregatorAmount: MicroEur
  readonly reason: LineReason
}

/** The exact split: payout + fee + held + refund = escrow. */
export type CallSettlement = {
  readonly lines: readonly SettlementLine[]
  readonly orderedWh: number
  readonly deliveredWh: number
  readonly payableWh: number
  readonly deficientWh: number
  readonly penalty: MicroEur
  readonly payout: MicroEur
  readonly fee: MicroEur
  /** Stays in escrow for a later round: the lines' held parts and the fee on them, rounded up. */
  readonly held: MicroEur
  readonly refund: MicroEur
}

export type SettlementInput = {
  readonly allocations: readonly Allocation[]
  readonly candidates: readonly Candidate[]
  readonly deliveries: readonly Delivery[]
  /** What the DSO was promised over the delivered part of the window. */
  readonly orderedWh: number
  readonly penalty: PenaltyRule
  readonly paymentCurve: PaymentCurve
  readonly feeBp: number
  readonly escrow: bigint
}

/** Rounding of the one division per payee; verifiers use the same one or refuse. */
export type Rounding = (numerator: bigint, denominator: bigint) => bigint

/**
 * Splits an escrow. Deviations keep their sign until the portfolio is summed: what some took back
 * lowers what all are paid, in proportion. A resource that did not obey is unpaid, its deviation
 * still nets; one that its driver took back is paid for the settlement periods that had ended by
 * then. Sum first, divide once, floor per payee; dust goes to the refund.
 */
export function settle(input: SettlementInput, round: Rounding = floorDiv): CallSettlement {
  const rows = input.allocations.map((allocation) => eligible(allocation, input))
  const positiveWh = rows.reduce((sum, row) => sum + row.eligibleWh, 0)
  const deliveredWh = rows.reduce((sum, row) => sum + row.deliveredWh, 0)
  const payableWh = Math.min(positiveWh, Math.max(0, deliveredWh), input.orderedWh)
  const deficientWh = Math.max(0, input.orderedWh - deliveredWh)
  const factorBp = curveAt(input.paymentCurve, payableWh, input.orderedWh)
  const gross = rows.map((row) =>
    positiveWh === 0
      ? 0n
      : round(
          BigInt(row.eligibleWh) * BigInt(payableWh) * row.candidate.price * BigInt(factorBp),
          BigInt(positiveWh) * 1000n * 10_000n,
        ),
  )
  const wanted = penaltyFor(input.penalty, deficientWh)
  const earned = sumMoney(gross)
  const penalty = microEur(wanted < earned ? wanted : earned)
  const lines = rows.map((row, i) => {
    const whole = gross[i] ?? 0n
    const mine = earned === 0n ? 0n : round(whole * (earned - penalty), earned)
    const ownerAmount = round(mine * BigInt(10_000 - row.candidate.aggregatorShareBp), 10_000n)
    return {
      ...row.line,
      gross: microEur(mine),
      held: microEur(0n),
      ownerAmount: microEur(ownerAmount),
      aggregatorAmount: microEur(mine - ownerAmount),
    }
  })
  const payout = sumMoney(lines.map((line) => line.gross))
  const fee = microEur(round(payout * BigInt(input.feeBp), 10_000n))
  const heldLines = sumMoney(lines.map((line) => line.held))
  const held = microEur(heldLines + ceilDiv(heldLines * BigInt(input.feeBp), 10_000n))
  const refund = microEur(input.escrow - payout - fee - held)
  return {
    lines,
    orderedWh: input.orderedWh,
    deliveredWh,
    payableWh,
    deficientWh,
    penalty,
    payout,
    fee,
    held,
    refund,
  }
}

function eligible(allocation: Allocation, input: SettlementInput) {
  const candidate = input.candidates.find((c) => c.resourceId === allocation.resourceId)
  if (!candidate) throw new Error(`no candidate ${allocation.resourceId} in the terms`)
  const mine = input.deliveries.filter((d) => d.resourceId === allocation.resourceId)
  const orderedWh = mine.reduce((sum, d) => sum + d.orderedWh, 0)
  const deliveredWh = mine.reduce((sum, d) => sum + d.deliveredWh, 0)
  const counted = mine.filter((delivery) => counts(allocation, delivery))
  const unknown = counted.some((d) => d.measuredWh === null)
  const overridden = allocation.releaseReason === 'overridden'
  const countedWh = counted.reduce((sum, d) => sum + d.deliveredWh, 0)
  const mostWh = counted.reduce((sum, d) => sum + d.orderedWh, 0)
  const eligibleWh = unknown ? 0 : Math.min(Math.max(0, countedWh), mostWh)
  const reason: LineReason = overridden
    ? 'overridden'
    : allocation.releasedAt !== null
      ? 'not-obeying'
      : unknown
        ? 'no-readings'
        : eligibleWh === 0
          ? 'nothing-delivered'
          : 'paid'
  const { resourceId } = allocation
  const { ownerId, aggregatorId } = candidate
  const line = { resourceId, ownerId, aggregatorId, orderedWh, deliveredWh, eligibleWh, reason }
  return { candidate, line, eligibleWh, deliveredWh }
}

function counts({ releasedAt, releaseReason }: Allocation, delivery: Delivery): boolean {
  if (releasedAt === null) return true
  return releaseReason === 'overridden' && delivery.end <= releasedAt
}

function penaltyFor(rule: PenaltyRule, deficientWh: number): bigint {
  return rule.kind === 'none' ? 0n : floorDiv(BigInt(deficientWh) * rule.price, 1000n)
}

/** The share of the price paid at a share delivered, in basis points, straight between points. */
export function curveAt(curve: PaymentCurve, payableWh: number, orderedWh: number): number {
  if (orderedWh <= 0 || payableWh <= 0) return 0
  const share = Number(floorDiv(BigInt(payableWh) * 10_000n, BigInt(orderedWh)))
  let before = { deliveredBp: 0, payBp: 0 }
  for (const point of curve) {
    if (share < point.deliveredBp) {
      const run = point.deliveredBp - before.deliveredBp
      const rise = point.payBp - before.payBp
      return before.payBp + Math.floor((rise * (share - before.deliveredBp)) / run)
    }
    before = point
  }
  return before.payBp
}

/** What the DSO locks: the whole order at the price cap, and the fee on it, rounded up. */
export function escrowNeeded(orderedWh: number, priceCap: MicroEurPerKwh, feeBp: number): MicroEur {
  const energy = ceilDiv(BigInt(orderedWh) * priceCap, 1000n)
  return microEur(energy + ceilDiv(energy * BigInt(feeBp), 10_000n))
}

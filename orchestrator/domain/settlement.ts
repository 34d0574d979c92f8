import type { Allocation, Candidate } from './allocation.ts'
import type { ControlBias } from './control-group.ts'
import type { Delivery } from './delivery.ts'
import { type Finding, holdsOf } from './fair-play/finding.ts'
import type { PenaltyRule } from './flexibility-request.ts'
import type { OrganisationId, OwnerId, ResourceId } from './ids.ts'
import {
  ceilDiv,
  floorDiv,
  leastOf,
  type MicroEur,
  type MicroEurPerKwh,
  microEur,
  sumMoney,
} from './money.ts'
import { mostPayable, type PaymentPolicy } from './payment-policy.ts'
import { countedRows, deliveredAtPoint, earn, type Row } from './settlement-shares.ts'
import type { Standby } from './standby.ts'
import type { Instant } from './time.ts'

export type LineReason =
  | 'paid'
  | 'not-obeying'
  /** The driver asked for full power; what had been delivered until then may be paid. */
  | 'overridden'
  /** What its owner allows ended its part; what had been delivered until then may be paid. */
  | 'owner-limit'
  | 'nothing-delivered'
  /** It was never called upon, or answered the frequency by itself: paid for having stood by. */
  | 'stood-by'
  | 'no-readings'
  /** It delivered; all together delivered too little of the order for any payment. */
  | 'portfolio-short'
  /** It delivered less than its order, and the penalty for the rest took what it had earned. */
  | 'penalised'
  /** What it earned by the figures stays in escrow until somebody has looked; heldFor says why. */
  | 'held'
  /** It was held, and the arbiter decided that it is not paid. */
  | 'not-upheld'

/** What one resource earned in one call and why. Energies in whole Wh. */
export type SettlementLine = {
  readonly resourceId: ResourceId
  readonly ownerId: OwnerId
  readonly aggregatorId: OrganisationId
  readonly orderedWh: number
  /** Signed and uncapped. */
  readonly deliveredWh: number
  /** What counts for it, at most the policy's cap of its order; before the portfolio's scaling. */
  readonly eligibleWh: number
  /** Paid now; owner's and aggregator's part sum to it. */
  readonly gross: MicroEur
  /** Earned by the figures but not paid yet: disputed, under a finding, or not yet final. */
  readonly held: MicroEur
  readonly ownerAmount: MicroEur
  readonly aggregatorAmount: MicroEur
  readonly reason: LineReason
  /** Why all of it is held, by code; absent where the line is free. */
  readonly heldFor?: readonly string[]
  /** What was seen at this resource, with the figures; absent where nothing was. */
  readonly findings?: readonly Omit<Finding, 'resourceId'>[]
}

/** The exact split: payout + fee + held + refund = escrow. */
export type CallSettlement = {
  /** Counted at each device's own meter. */
  readonly lines: readonly SettlementLine[]
  /** What was ordered and delivered of the whole, at the congestion point. */
  readonly orderedWh: number
  readonly deliveredWh: number
  readonly payableWh: number
  readonly deficientWh: number
  /** What was taken from the payment, never more than it. */
  readonly penalty: MicroEur
  readonly payout: MicroEur
  readonly fee: MicroEur
  /** Stays in escrow for a later round: the lines' held parts and the fee on them, rounded up. */
  readonly held: MicroEur
  readonly refund: MicroEur
  /** What this call's control group says of its baselines; absent where it had none. */
  readonly control?: ControlBias
}

export type SettlementInput = {
  readonly allocations: readonly Allocation[]
  readonly candidates: readonly Candidate[]
  readonly deliveries: readonly Delivery[]
  /** What the DSO was promised in the delivered part of each settlement period. */
  readonly orderedPeriods: readonly OrderedPeriod[]
  /** What stood by, where availability is paid for itself; absent: for what was ordered. */
  readonly standby?: readonly Standby[]
  /** Terms of the first stand-by rule: what was not called upon shared what others fell short of. */
  readonly scalesAll?: true
  /** Terms of the first penalty rule: what some fell short of came off what all had earned. */
  readonly poolsPenalty?: true
  readonly policy: PaymentPolicy
  /** No kWh is paid more, whatever a policy says. */
  readonly priceCap: MicroEurPerKwh
  /** What this request puts on a shortfall, on top of the policy's own. */
  readonly penalty: PenaltyRule
  /** What the portfolio has still to make up from earlier calls of the month, at most 0 Wh. */
  readonly carriedWh: number
  /** Figures are final: nothing is held back as provisional any more. */
  readonly isFinal: boolean
  /** What was seen; each of severity 'hold' holds its line. */
  readonly findings: readonly Finding[]
  /** Lines that wait for another reason, with the codes why. */
  readonly holds: ReadonlyMap<ResourceId, readonly string[]>
  readonly feeBp: number
  readonly escrow: bigint
}

export type OrderedPeriod = {
  readonly start: Instant
  readonly seconds: number
  readonly orderedWh: number
}

/** Rounding of the one division per payee; verifiers use the same one or refuse. */
export type Rounding = (numerator: bigint, denominator: bigint) => bigint

/**
 * Splits an escrow by the program's payment policy. Deviations keep their sign until the portfolio
 * is summed: what some took back lowers what all are paid, in proportion. A resource that did not
 * obey is unpaid, its deviation still nets; one that its driver took back is paid for the
 * settlement periods that had ended by then. A penalty per kWh is taken from who fell short. Limits
 * apply in this order: what the device can physically do, its order, the portfolio's cap (pro rata),
 * the price cap, the escrow. Sum first, divide once, floor per payee; dust goes to the refund.
 */
export function settle(input: SettlementInput, round: Rounding = floorDiv): CallSettlement {
  const rows = countedRows(input)
  const earned = earn(rows, input)
  const most = floorDiv(input.escrow * 10_000n, BigInt(10_000 + input.feeBp)) * earned.parts
  const pot = leastOf(earned.total, most)
  const holds = holdsOf(input.findings)
  const seen = Map.groupBy(input.findings, ({ resourceId }) => resourceId)
  const lines = rows.map((row, i) => {
    const share = earned.shares[i] ?? 0n
    const mine = earned.total === 0n ? 0n : round(share * pot, earned.total * earned.parts)
    const { resourceId } = row.line
    const codes = [...(holds.get(resourceId) ?? []), ...(input.holds.get(resourceId) ?? [])].sort()
    const isPenalised = earned.penalised[i] === true
    const found = { codes, seen: seen.get(resourceId) ?? [], isPenalised }
    return lineOf(row, mine, found, input, round)
  })
  const payout = sumMoney(lines.map((line) => line.gross))
  const fee = microEur(round(payout * BigInt(input.feeBp), 10_000n))
  const heldLines = sumMoney(lines.map((line) => line.held))
  const held = microEur(heldLines + ceilDiv(heldLines * BigInt(input.feeBp), 10_000n))
  return {
    lines,
    orderedWh: input.orderedPeriods.reduce((sum, { orderedWh }) => sum + orderedWh, 0),
    deliveredWh: deliveredAtPoint(rows),
    payableWh: earned.payableWh,
    deficientWh: earned.deficientWh,
    penalty: microEur(floorDiv(earned.penalty, earned.parts)),
    payout,
    fee,
    held,
    refund: microEur(input.escrow - payout - fee - held),
  }
}

type Found = {
  readonly codes: readonly string[]
  readonly seen: readonly Finding[]
  readonly isPenalised: boolean
}

function lineOf(
  row: Row,
  mine: bigint,
  { codes, seen, isPenalised }: Found,
  { isFinal, policy }: SettlementInput,
  round: Rounding,
): SettlementLine {
  const isHeld = codes.length > 0 && mine > 0n
  const shareBp = isHeld ? 0 : isFinal ? 10_000 : policy.provisionalShareBp
  const gross = floorDiv(mine * BigInt(shareBp), 10_000n)
  const ownerAmount = round(gross * BigInt(10_000 - row.candidate.aggregatorShareBp), 10_000n)
  const isShort = row.line.reason === 'paid' && mine === 0n && row.candidate.price > 0n
  const shortReason = isPenalised ? 'penalised' : 'portfolio-short'
  const findings = seen.map(({ resourceId: _mine, ...finding }) => finding)
  return {
    ...row.line,
    ...(isShort ? ({ reason: shortReason } as const) : {}),
    ...(isHeld ? { reason: 'held' as const, heldFor: codes } : {}),
    ...(findings.length > 0 ? { findings } : {}),
    gross: microEur(gross),
    held: microEur(mine - gross),
    ownerAmount: microEur(ownerAmount),
    aggregatorAmount: microEur(gross - ownerAmount),
  }
}

/** What the DSO locks: the most that a policy can pay at the price cap, and the fee on it. */
export function escrowNeeded(
  orderedWh: number,
  priceCap: MicroEurPerKwh,
  feeBp: number,
  policy: PaymentPolicy,
): MicroEur {
  const energy = mostPayable(policy, orderedWh, priceCap)
  return microEur(energy + ceilDiv(energy * BigInt(feeBp), 10_000n))
}

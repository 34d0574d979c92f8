import { orderedEnergy } from '#domain/delivery.ts'
import type { EvidenceBundle } from '#domain/evidence.ts'
import { settlementInput } from '#domain/measurement.ts'
import type { MicroEurPerKwh } from '#domain/money.ts'
import { carriedDeficit, monthlyAvailability, type PaymentPolicy } from '#domain/payment-policy.ts'
import { type CallSettlement, escrowNeeded, settle } from '#domain/settlement.ts'
import { addSeconds, localDate } from '#domain/time.ts'

/** What calls would have cost under one policy, in micro-EUR; as many calls as bundles. */
export type Replay = {
  readonly policy: PaymentPolicy
  /** What the DSO would have locked. */
  readonly locked: bigint
  /** Earned by the figures; `held` of it waits for the true-up or for a finding. */
  readonly earned: bigint
  readonly held: bigint
  readonly fee: bigint
  readonly penalty: bigint
  /** Months' reservations, which no call's escrow holds. */
  readonly reservation: bigint
  readonly payableWh: number
  /** Who would have earned what, by resource. */
  readonly lines: ReadonlyMap<string, bigint>
}

/** The bundle of a call, and what its calls before it in the month delivered. */
type Played = { readonly bundle: EvidenceBundle; readonly settlement: CallSettlement }

/** Settles measured calls again under a policy, in the order of their windows. */
export function replay(policy: PaymentPolicy, bundles: readonly EvidenceBundle[]): Replay {
  const months = new Map<string, number[]>()
  const inOrder = bundles.toSorted((a, b) => startOf(a) - startOf(b))
  const played = inOrder.map((bundle): Played => {
    const month = monthOf(bundle)
    const before = months.get(month) ?? []
    const settlement = settleAgain(policy, bundle, before)
    months.set(month, [...before, settlement.deliveredWh])
    return { bundle, settlement }
  })
  const lines = new Map<string, bigint>()
  for (const { settlement } of played) {
    for (const { resourceId, gross, held } of settlement.lines) {
      lines.set(resourceId, (lines.get(resourceId) ?? 0n) + gross + held)
    }
  }
  const sum = (of: (one: Played) => bigint) => played.reduce((total, one) => total + of(one), 0n)
  const heldLines = ({ settlement }: Played) =>
    settlement.lines.reduce((total, { held }) => total + held, 0n)
  return {
    policy,
    locked: sum(({ bundle }) => escrowUnder(policy, bundle)),
    earned: sum((one) => one.settlement.payout + heldLines(one)),
    held: sum(heldLines),
    fee: sum((one) => one.settlement.fee + one.settlement.held - heldLines(one)),
    penalty: sum(({ settlement }) => settlement.penalty),
    reservation: reservations(policy, played),
    payableWh: played.reduce((total, { settlement }) => total + settlement.payableWh, 0),
    lines,
  }
}

/** What its own program's policy pays, against what the bundle says: 0 micro-EUR. */
export function differenceFromBundle(bundle: EvidenceBundle): bigint {
  const { paymentPolicy } = bundle.terms.program
  const again = settleAgain(paymentPolicy, bundle, [])
  const total = ({ payout, fee, held }: CallSettlement) => payout + fee + held
  const difference = total(again) - total(bundle.settlement)
  return difference < 0n ? -difference : difference
}

function settleAgain(
  policy: PaymentPolicy,
  bundle: EvidenceBundle,
  signedWh: readonly number[],
): CallSettlement {
  // Another policy is played by today's rule, whatever this call's terms say of their own.
  const { poolsPenalty, ...input } = settlementInput(bundle, bundle.deliveries)
  const isOwn = policy === bundle.terms.program.paymentPolicy
  return settle({
    ...input,
    ...(isOwn && poolsPenalty ? { poolsPenalty } : {}),
    policy,
    priceCap: capUnder(policy, bundle.terms.request.priceCap),
    carriedWh: policy.carry === 'month' ? carriedDeficit(signedWh) : 0,
    isFinal: false, // so that what waits for the true-up is seen
    escrow: escrowUnder(policy, bundle),
  })
}

/** A policy with a price of its own was asked at it: the request's cap is none to it. */
function capUnder({ price }: PaymentPolicy, cap: MicroEurPerKwh): MicroEurPerKwh {
  return price.kind === 'fixed' && price.price > cap ? price.price : cap
}

/** The call's own escrow under its own policy, else what would have been locked for the order. */
function escrowUnder(policy: PaymentPolicy, bundle: EvidenceBundle): bigint {
  const { program, request, orderedW } = bundle.terms
  if (policy === program.paymentPolicy) return bundle.escrow.terms.amount
  const orderedWh = request.periods.reduce((sum, { start }, index) => {
    const end = addSeconds(start, program.settlementPeriodSeconds)
    return sum + orderedEnergy({ start, end, powerW: orderedW[index] ?? 0, setpointW: 0 })
  }, 0)
  return escrowNeeded(orderedWh, capUnder(policy, request.priceCap), program.feeBp, policy)
}

/** The reservation of each month for its largest order, at the month's delivery. */
function reservations(policy: PaymentPolicy, played: readonly Played[]): bigint {
  const months = Map.groupBy(played, ({ bundle }) => monthOf(bundle))
  let total = 0n
  for (const calls of months.values()) {
    const contractedW = Math.max(0, ...calls.flatMap(({ bundle }) => bundle.terms.orderedW))
    const ordered = calls.reduce((sum, { settlement }) => sum + settlement.orderedWh, 0)
    const delivered = calls.reduce((sum, { settlement }) => sum + settlement.deliveredWh, 0)
    const share = ordered <= 0 ? 0 : Math.floor((delivered * 10_000) / ordered)
    const performanceBp = Math.min(10_000, Math.max(0, share))
    total += monthlyAvailability(policy, contractedW, performanceBp, calls.length)
  }
  return total
}

function monthOf({ terms }: EvidenceBundle): string {
  return localDate(terms.request.window.start, terms.program.timeZone).slice(0, 7)
}

function startOf({ terms }: EvidenceBundle): number {
  return terms.request.window.start
}

import type { Candidate } from './allocation.ts'
import type { EvidenceHead } from './evidence.ts'
import type { CallId, Hex, ResourceId } from './ids.ts'
import { ceilDiv, floorDiv, type MicroEur, microEur, sumMoney } from './money.ts'
import type { CallSettlement, Rounding, SettlementLine } from './settlement.ts'
import type { Instant } from './time.ts'

/** What a line was paid until now, and what of it is on hold. */
export type HeldLine = {
  readonly resourceId: ResourceId
  readonly paid: MicroEur
  readonly held: MicroEur
}

/** The arbiter's word on one line: how much of what is held is paid. */
export type DecidedLine = { readonly resourceId: ResourceId; readonly pay: MicroEur }

/** In a bundle of a later round: what it settles, of whose escrow. */
export type RestTerms = {
  /** The pool's id of what was held. */
  readonly requestId: Hex
  /** The request, or the earlier rest, that held it. */
  readonly heldBy: Hex
  readonly round: number
  readonly amount: MicroEur
  /** The version of the bundle that held these lines. */
  readonly fromVersion: number
  readonly lines: readonly HeldLine[]
  /** null: verifiers measure again; else what the arbiter decided, for every line. */
  readonly decisions: readonly DecidedLine[] | null
  /** The earlier settlement was challenged, so all that it paid is held too; absent else. */
  readonly challenged?: true
}

/** Money of a call that waits for a later round, from finality to its end. */
export type HeldRest = {
  /** The pool's id of it. */
  readonly id: Hex
  readonly heldBy: Hex
  readonly callId: CallId
  readonly round: number
  readonly amount: MicroEur
  readonly fromVersion: number
  readonly lines: readonly HeldLine[]
  readonly heldAt: Instant
  /** The last second at which a settlement of it can be proposed. */
  readonly settleBy: Instant
  /** 'settled' waits for a payout epoch if it pays anything; 'paid' and 'refunded' are ends. */
  readonly state: 'held' | 'measured' | 'proposed' | 'settled' | 'paid' | 'refunded'
  readonly decisions: readonly DecidedLine[] | null
  readonly evidence: EvidenceHead | null
  readonly settlement: CallSettlement | null
  readonly settledAt: Instant | null
  /** What held it was challenged at the pool; absent where it was not. */
  readonly challenged?: true
  /** When it was measured again and nothing could be settled: everything is under a finding. */
  readonly triedAt: Instant | null
}

/** Which lines of a settlement hold money. */
export function heldLines(settlement: CallSettlement, before: readonly HeldLine[]): HeldLine[] {
  return settlement.lines
    .filter((line) => line.held > 0n)
    .map(({ resourceId, gross, held }) => {
      const paid = before.find((line) => line.resourceId === resourceId)?.paid ?? 0n
      return { resourceId, paid: microEur(paid + gross), held }
    })
}

/**
 * Whether the pool holds so much for these lines. Rounding may have left it a millionth more, and
 * the fee of a settlement that was challenged was rounded down: then it holds a millionth less.
 */
export function isRestAmount(
  amount: bigint,
  lines: readonly { held: MicroEur }[],
  feeBp: number,
): boolean {
  const more = amount - restAmount(lines, feeBp)
  return more >= -1n && more <= 1n
}

/** What the pool holds at least for these lines: their sum and the fee on it, rounded up. */
export function restAmount(lines: readonly { held: MicroEur }[], feeBp: number): MicroEur {
  const sum = sumMoney(lines.map((line) => line.held))
  return microEur(sum + ceilDiv(sum * BigInt(feeBp), 10_000n))
}

/**
 * Settles what was held. `whole` is the call measured again by its figures, without the disputes:
 * a line is paid what it earned and has not had, at most what is held for it; one that is still
 * under a finding stays held; where the arbiter has decided, that counts and nothing else.
 */
export function settleRest(
  rest: RestTerms,
  whole: CallSettlement,
  candidates: readonly Candidate[],
  feeBp: number,
  round: Rounding = floorDiv,
): CallSettlement {
  const lines = rest.lines.flatMap((held): SettlementLine[] => {
    const measured = whole.lines.find((line) => line.resourceId === held.resourceId)
    const candidate = candidates.find((each) => each.resourceId === held.resourceId)
    if (!measured || !candidate) return []
    const decided = rest.decisions?.find((each) => each.resourceId === held.resourceId)
    const isHeld = decided === undefined && measured.heldFor !== undefined
    const due = decided ? decided.pay : isHeld ? 0n : measured.gross - held.paid
    const pay = due < 0n ? 0n : due > held.held ? held.held : due
    const ownerAmount = round(pay * BigInt(10_000 - candidate.aggregatorShareBp), 10_000n)
    const { heldFor, ...figures } = measured
    return [
      {
        ...figures,
        gross: microEur(pay),
        held: isHeld ? held.held : microEur(0n),
        ownerAmount: microEur(ownerAmount),
        aggregatorAmount: microEur(pay - ownerAmount),
        reason: isHeld ? 'held' : pay > 0n ? 'paid' : decided ? 'not-upheld' : figures.reason,
        ...(isHeld && heldFor !== undefined ? { heldFor } : {}),
      },
    ]
  })
  const payout = sumMoney(lines.map((line) => line.gross))
  const fee = microEur(round(payout * BigInt(feeBp), 10_000n))
  const most = rest.amount - payout - fee
  const wanted = restAmount(lines, feeBp)
  const held = microEur(wanted < most ? wanted : most)
  const refund = microEur(most - held)
  return { ...whole, penalty: microEur(0n), lines, payout, fee, held, refund }
}

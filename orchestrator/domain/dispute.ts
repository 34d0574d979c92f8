import type { Candidate } from './allocation.ts'
import type { CallId, OrganisationId, OwnerId, ResourceId } from './ids.ts'
import { ceilDiv, floorDiv, type MicroEur, microEur, sumMoney } from './money.ts'
import type { CallSettlement } from './settlement.ts'
import { addSeconds, type Instant } from './time.ts'

/** What a party says is wrong with a line. */
export type DisputeReason =
  | 'readings'
  | 'baseline'
  | 'delivery'
  /** Another device, or one that is paid for elsewhere. */
  | 'identity'
  | 'other'
export const DISPUTE_REASONS = [
  'readings',
  'baseline',
  'delivery',
  'identity',
  'other',
] as const satisfies readonly DisputeReason[]

export type DisputingParty = {
  readonly role: 'dso' | 'aggregator' | 'owner'
  /** The organisation, or for an owner its aggregator. */
  readonly organisationId: OrganisationId
  readonly ownerId: OwnerId | null
}

/** One party's objection to one line of a call; a line has one dispute at most. */
export type Dispute = {
  readonly callId: CallId
  readonly resourceId: ResourceId
  readonly raisedBy: DisputingParty
  readonly reason: DisputeReason
  readonly text: string
  readonly raisedAt: Instant
  /**
   * 'open': the line is being held; 'held': final, the line's money waits; 'decided': it is known
   * what is paid; 'too-late': the settlement was final before verifiers had signed the held one.
   */
  readonly state: 'open' | 'held' | 'decided' | 'too-late'
  readonly decidedAt: Instant | null
  readonly decidedBy: 'verifiers' | 'arbiter' | 'deadline' | null
  /** What of the held money is paid; null until it is known. */
  readonly paid: MicroEur | null
  readonly note: string | null
}

/** A disputed line as the evidence carries it: who objects, not with which words. */
export type DisputedLine = { readonly resourceId: ResourceId; readonly code: DisputeCode }
export type DisputeCode = `disputed-by-${DisputingParty['role']}`

/** Disputed lines in the order of their resources, so that the bundle's bytes are always the same. */
export function disputedLines(disputes: readonly Dispute[]): DisputedLine[] {
  return disputes
    .map(
      ({ resourceId, raisedBy }): DisputedLine => ({
        resourceId,
        code: `disputed-by-${raisedBy.role}`,
      }),
    )
    .sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1))
}

/**
 * The last quarter of the dispute window is the verifiers': what is raised after this instant
 * could not be signed and mined before the settlement is final.
 */
export function disputableUntil(windowEnd: Instant, disputeWindowSeconds: number): Instant {
  return addSeconds(windowEnd, -Math.ceil(disputeWindowSeconds / 4))
}

/**
 * Who objects to being paid too little claims more than the line says: the most it can have earned
 * by its order is held from the refund as well, as far as the escrow reaches. The fee on all lines
 * together is rounded up once, so that the refund never grows by a millionth from round to round:
 * the pool lets a later round hold more, and nothing else.
 */
export function holdClaims(
  settlement: CallSettlement,
  disputed: readonly DisputedLine[],
  input: {
    readonly candidates: readonly Candidate[]
    readonly feeBp: number
    readonly escrow: bigint
  },
): CallSettlement {
  const claims = new Map(
    disputed.filter(({ code }) => code !== 'disputed-by-dso').map((d) => [d.resourceId, d.code]),
  )
  if (disputed.length === 0) return settlement
  const { payout, fee } = settlement
  const feeBp = BigInt(input.feeBp)
  const most = floorDiv(input.escrow * 10_000n, 10_000n + feeBp)
  let room = most - payout - sumMoney(settlement.lines.map((line) => line.held))
  const lines = settlement.lines.map((line) => {
    const code = claims.get(line.resourceId)
    const price = input.candidates.find((c) => c.resourceId === line.resourceId)?.price ?? 0n
    const whole = floorDiv(BigInt(line.orderedWh) * price, 1000n)
    const claimed = whole - line.gross - line.held
    if (code === undefined || claimed <= 0n || room <= 0n) return line
    const more = claimed < room ? claimed : room
    room -= more
    const held = microEur(line.held + more)
    return { ...line, held, reason: 'held' as const, heldFor: line.heldFor ?? [code] }
  })
  const all = payout + sumMoney(lines.map((line) => line.held))
  const held = microEur(all + ceilDiv(all * feeBp, 10_000n) - payout - fee)
  return { ...settlement, lines, held, refund: microEur(input.escrow - payout - fee - held) }
}

import type { ChainEvent } from '#domain/chain.ts'
import { challengedSettlement } from '#domain/challenge.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { LedgerEntry } from '#domain/ledger.ts'
import type { CallSettlement } from '#domain/settlement.ts'
import type { StoreTransaction } from '#store-ports.ts'

type Split = Pick<CallSettlement, 'payout' | 'fee' | 'held' | 'refund'>

/**
 * What became final of a settlement that was signed: the same, or what a challenge at the pool left
 * of it. @throws Error if the pool split other sums
 */
export async function finalSplit(
  tx: StoreTransaction,
  final: Extract<ChainEvent, { kind: 'RequestFinalized' }>,
  signed: CallSettlement,
): Promise<{ settlement: CallSettlement; challenged: boolean }> {
  const { requestId } = final
  const challenges = await tx.chain.events({ kind: 'SettlementChallenged', requestId })
  const challenged = challenges.length > 0
  const settlement = challenged ? challengedSettlement(signed) : signed
  if (isSameSplit(final, settlement)) return { settlement, challenged }
  throw new Error(`the pool split another sum of ${requestId} than was measured`)
}

/** Whether the pool split the same sums. */
function isSameSplit(
  final: { payout: bigint; fee: bigint; held: bigint; refund: bigint },
  { payout, fee, held, refund }: Split,
): boolean {
  return (
    final.payout === payout && final.fee === fee && final.held === held && final.refund === refund
  )
}

/** Where the money went, in words. */
export function splitWords({ payout, fee, held, refund }: Split): string {
  const kept = held === 0n ? '' : `, on hold ${held}`
  return `paid out ${payout}, fee ${fee}${kept}, back to the DSO ${refund} micro-EUR`
}

/** The postings of a split, from an escrow or from what was held; what is held stays the call's. */
export function splitEntries(
  call: FlexibilityCall,
  { lines, payout, fee, held, refund }: CallSettlement,
  from: string,
  at: LedgerEntry['at'],
): LedgerEntry[] {
  const sums = new Map<string, bigint>()
  const add = (account: string, amount: bigint) =>
    sums.set(account, (sums.get(account) ?? 0n) + amount)
  for (const line of lines) {
    add(`owner:${line.ownerId}`, line.ownerAmount)
    add(`aggregator:${line.aggregatorId}`, line.aggregatorAmount)
  }
  add('fee', fee)
  add(`dso:${call.dsoId}`, refund)
  if (held > 0n) add(`held:${call.id}`, held)
  add(from, -(payout + fee + held + refund))
  return [...sums].map(([account, amount]) => ({ account, amount, at }))
}

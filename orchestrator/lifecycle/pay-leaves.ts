import type { ChainIntent } from '#domain/chain.ts'
import type { Address } from '#domain/ids.ts'
import type { PayoutEpoch } from '#domain/payout.ts'
import { buildPayoutTree, CHUNK_LEAVES_MIN, type PayoutTree } from '#domain/payout-tree.ts'
import { type OwedLeaf, owedLeaves, TRIES_MAX } from '#domain/put-off.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** Aligned leaves paid in one transaction (contracts: 256 fit the gas limit with room). */
const CHUNK_LEAVES = 256

/**
 * Pays every chunk in which a leaf is owed something, also from epochs before, and hands the DSOs'
 * and the fee's credits out. A leaf that was tried in vain too often costs no transaction of its own.
 */
export async function payLeaves(tx: StoreTransaction, epoch: PayoutEpoch): Promise<void> {
  const owed = await owedNow(tx, epoch)
  for (const { first, intent } of chunksOf(epoch, owed.filter(isWorthATry))) {
    await tx.chain.intend(`pay:${epoch.epoch}:${first}`, intent)
  }
  const identity = await tx.chain.identity()
  const accounts = new Set<Address>(identity ? [identity.feeReceiver] : [])
  for (const [i, callId] of epoch.callIds.entries()) {
    const call = await tx.calls.find(callId)
    if (call?.escrow?.requestId !== epoch.requestIds[i]) continue // a rest's refund is out already
    if (call?.escrow && (call.settlement?.refund ?? 0n) > 0n) accounts.add(call.escrow.terms.payer)
  }
  for (const account of accounts) {
    const key = `withdraw:${epoch.epoch}:${account.toLowerCase()}`
    await tx.chain.intend(key, { kind: 'withdrawCredit', account })
  }
}

/** What the leaves of an epoch have not had yet, by what the pool itself says. */
export async function owedNow(
  tx: StoreTransaction,
  { accounts }: Pick<PayoutEpoch, 'accounts'>,
): Promise<OwedLeaf[]> {
  const paid = await tx.chain.events({ kind: 'Paid' })
  const putOff = await tx.chain.events({ kind: 'PayoutDeferred' })
  return owedLeaves(accounts, [...paid, ...putOff])
}

export function isWorthATry({ tries }: OwedLeaf): boolean {
  return tries < TRIES_MAX
}

type PayChunk = Extract<ChainIntent, { kind: 'payChunk' }>

/** The chunks that hold these leaves, each once and in order. */
export function chunksOf(
  { epoch, accounts }: Pick<PayoutEpoch, 'epoch' | 'accounts'>,
  leaves: readonly OwedLeaf[],
): { first: number; intent: PayChunk; leaves: OwedLeaf[] }[] {
  if (leaves.length === 0) return []
  const tree = buildPayoutTree(accounts)
  const size = chunkSize(tree)
  const byChunk = Map.groupBy(leaves, ({ index }) => Math.floor(index / size) * size)
  return [...byChunk].map(([first, held]) => {
    const { rows, proof } = tree.chunk(first, size)
    return { first, intent: { kind: 'payChunk', epoch, first, rows, proof }, leaves: held }
  })
}

function chunkSize({ depth }: PayoutTree): number {
  return Math.min(CHUNK_LEAVES, Math.max(CHUNK_LEAVES_MIN, 2 ** depth))
}

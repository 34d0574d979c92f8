import { getAddress } from 'viem'
import { bytesOf, keccak } from '#domain/canonical.ts'
import type { ChainIntent } from '#domain/chain.ts'
import type { Address, Hex } from '#domain/ids.ts'
import {
  ALLOCATED,
  type PoolTransfer,
  availableOf,
  creditOf,
  poolStateOf,
  walletOf,
} from '#domain/pool-books.ts'
import {
  CHUNK_LEAVES_MIN,
  type PayoutLeaf,
  ZERO_ACCOUNT,
  payoutLeafHash,
  payoutRoot,
} from '#domain/payout-tree.ts'
import { type Pool, type PoolEvent, posted } from './pool.ts'
import { demand } from './refusal.ts'

type PayChunk = Extract<ChainIntent, { kind: 'payChunk' }>

const ROW_BYTES = 28

/**
 * Pays every row of an aligned chunk what it has earned and not been paid, once the chunk is proved
 * against the live root. A row without a payee is put off and stays owed, as on chain.
 */
export async function payChunk(pool: Pool, chunk: PayChunk): Promise<PoolEvent[]> {
  const { books, setup } = pool
  const leaves = leavesOf(chunk)
  const epochs = await books.epochs()
  const state = poolStateOf(await books.accounts(), epochs)
  demandProved(chunk, leaves, epochs.liveRoot, state.totalAllocated)
  const paid = await books.claimed(chunk.first, leaves.length)
  const events: PoolEvent[] = []
  const transfers: PoolTransfer[] = []
  const claims: { index: number; amount: bigint }[] = []
  let claimed = state.totalClaimed
  const epoch = epochs.currentEpoch
  for (const { index, account, cumulative } of leaves) {
    const amount = cumulative - (paid.get(index) ?? 0n)
    if (amount <= 0n) continue
    if (account === ZERO_ACCOUNT) {
      events.push({ kind: 'PayoutDeferred', index, account, amount })
      continue
    }
    claimed += amount
    claims.push({ index, amount: cumulative })
    const id = `pay:${epoch}:${index}`
    transfers.push(...posted(pool, id, ALLOCATED, walletOf(account), amount))
    events.push(
      { kind: 'Transfer', from: setup.pool, to: account, amount },
      { kind: 'Paid', index, account, amount, epoch },
    )
  }
  const allocated = state.totalAllocated
  demand(claimed <= allocated, 'ExceedsAllocation', { claimed, allocated })

  await books.saveClaimed(claims)
  await books.book(transfers)
  return events
}

/** Hands out what the pool owes a payer or the receiver of fees: it is that party's own then. */
export async function withdrawCredit(pool: Pool, account: Address): Promise<PoolEvent[]> {
  const credit = creditOf(account)
  const amount = availableOf(await pool.books.account(credit))
  const owner = getAddress(account)
  demand(amount > 0n, 'NoCredit', { account: owner })
  const id = `withdraw:${credit}:${pool.block}`
  await pool.books.book(posted(pool, id, credit, walletOf(account), amount))
  return [
    { kind: 'CreditWithdrawn', account: owner, amount },
    { kind: 'Transfer', from: pool.setup.pool, to: owner, amount },
  ]
}

/** @throws Refusal 'MalformedChunk' unless it is 2^k rows, at least 4, aligned to its own size */
function leavesOf({ first, rows }: PayChunk): PayoutLeaf[] {
  const bytes = (rows.length - 2) / 2
  const size = Math.floor(bytes / ROW_BYTES)
  const isPower = size > 0 && Number.isInteger(Math.log2(size))
  const isWhole = bytes % ROW_BYTES === 0 && isPower && size >= CHUNK_LEAVES_MIN
  demand(isWhole && first % size === 0, 'MalformedChunk', { first, length: bytes })
  return Array.from({ length: size }, (_, i) => {
    const row = rows.slice(2 + 2 * ROW_BYTES * i, 2 + 2 * ROW_BYTES * (i + 1))
    const account = getAddress(`0x${row.slice(0, 40)}`)
    return { index: first + i, account, cumulative: BigInt(`0x${row.slice(40)}`) }
  })
}

type SumNode = { readonly hash: Hex; readonly sum: bigint }

/** Climbs from the chunk to the top. @throws Refusal unless it ends in the live root */
function demandProved(
  { first, proof }: PayChunk,
  leaves: readonly PayoutLeaf[],
  root: Hex,
  total: bigint,
): void {
  let level = leaves.map((leaf): SumNode => ({ hash: payoutLeafHash(leaf), sum: leaf.cumulative }))
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, i) =>
      above(level[2 * i] as SumNode, level[2 * i + 1] as SumNode),
    )
  }
  let node = level[0] as SumNode
  let position = first / leaves.length
  for (const { h, s } of proof) {
    const sibling = { hash: h, sum: s }
    node = position % 2 === 0 ? above(node, sibling) : above(sibling, node)
    position = Math.floor(position / 2)
  }
  demand(position === 0, 'PositionOutOfTree', { remainder: position })
  demand(node.sum === total, 'TotalMismatch', { computed: node.sum, expected: total })
  const computed = payoutRoot(node.hash, node.sum)
  demand(computed === root, 'RootMismatch', { computed, expected: root })
}

function above(left: SumNode, right: SumNode): SumNode {
  const half = (sum: bigint): Hex => `0x${sum.toString(16).padStart(32, '0')}`
  const parts = [left.hash, right.hash, half(left.sum), half(right.sum)]
  return { hash: keccak(...parts.map(bytesOf)), sum: left.sum + right.sum }
}

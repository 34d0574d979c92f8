import type { ChainEvent } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import { entryHash } from '#domain/journal.ts'
import type { PoolSetup } from '#domain/pool-books.ts'
import type { StoreTransaction } from '#store-ports.ts'
import type { PoolEvent } from './pool.ts'

/** Where the next entry of the journal stands, and the hash that it follows. */
export type Place = { readonly block: number; readonly before: Hex }

/** The journal is a chain of its own, whose end vouches for all that is before it. */
export async function nextPlace(tx: StoreTransaction, setup: PoolSetup): Promise<Place> {
  const head = await tx.chain.cursor()
  return { block: (head?.block ?? 0) + 1, before: head?.hash ?? setup.genesisHash }
}

/** Writes one entry: what happened, and after what. */
export async function writeEntry(
  tx: StoreTransaction,
  { block, before }: Place,
  { transactionHash, events }: { transactionHash: Hex; events: readonly PoolEvent[] },
): Promise<void> {
  const blockHash = entryHash({ before, block, transactionHash, events })
  const at = { transactionHash, block, blockHash }
  const recorded = events.map((event, logIndex): ChainEvent => ({ ...event, ...at, logIndex }))
  await tx.chain.record(recorded, { block, hash: blockHash })
}

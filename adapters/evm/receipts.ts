import { type Log as ChainLog, type TransactionReceipt, isAddressEqual } from 'viem'
import { getTransactionReceipt } from 'viem/actions'
import { DomainError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import { blockHash } from './identity.ts'
import type { ChainClient } from './rpc.ts'

export type MinedLog = ChainLog<bigint, number, false>

/** So many questions are under way at once. */
const AT_ONCE = 10

/** null for a transaction that no block holds. */
export function receiptOf(client: ChainClient, hash: Hex): Promise<TransactionReceipt | null> {
  return nullIfMissing(getTransactionReceipt(client, { hash }))
}

/** viem throws where JSON-RPC says null. */
export async function nullIfMissing<T>(lookup: Promise<T>): Promise<T | null> {
  try {
    return await lookup
  } catch (error) {
    const missing = ['TransactionReceiptNotFoundError', 'TransactionNotFoundError']
    if (error instanceof Error && missing.includes(error.name)) return null
    throw error
  }
}

/**
 * Asks a second time, in other words, for what a range of logs said: every transaction's receipt
 * has the same ones, and its block is part of the chain. Nodes behind one address differ, and some
 * leave out or keep what they should not.
 * @throws DomainError 'unavailable' if the node contradicts itself; then nothing may be recorded
 */
export async function requireSameInReceipts(
  client: ChainClient,
  logs: readonly MinedLog[],
  isOurs: (log: MinedLog) => boolean,
): Promise<void> {
  const byTransaction = Map.groupBy(logs, ({ transactionHash }) => transactionHash)
  await inTurn([...byTransaction], async ([hash, found]) => {
    const receipt = await receiptOf(client, hash)
    const own = ((receipt?.logs ?? []) as MinedLog[]).filter(isOurs)
    const [byRange, byReceipt] = [found, own].map((list) => list.map(textOf).sort().join())
    if (byRange === byReceipt) return
    const counts = `${found.length} logs by range and ${own.length} by its receipt`
    throw contradicts(`transaction ${hash} has ${counts}`)
  })
  const blocks = new Map(logs.map((log) => [Number(log.blockNumber), log.blockHash]))
  await inTurn([...blocks], async ([block, hash]) => {
    if ((await blockHash(client, block)) !== hash) {
      throw contradicts(`logs are of a block ${block} that the chain has not`)
    }
  })
}

/** Whose logs are read: all of the pool's and of the lists it reads, some of the token's. */
export type Watched = { readonly pool: Hex; readonly lists: readonly Hex[]; readonly token: Hex }

/** True for the logs of pool and lists, and for the token's where the pool is one side. */
export function isAbout(
  { address, topics }: MinedLog,
  { pool, lists, token }: Watched,
  transferTopic: Hex,
): boolean {
  if ([pool, ...lists].some((own) => isAddressEqual(address, own))) return true
  if (!isAddressEqual(address, token) || topics[0] !== transferTopic) return false
  const side = `0x${pool.slice(2).toLowerCase().padStart(64, '0')}`
  return topics[1]?.toLowerCase() === side || topics[2]?.toLowerCase() === side
}

function textOf({ address, topics, data, logIndex, blockHash: block }: MinedLog): string {
  return [logIndex, address, block, ...topics, data].join(' ').toLowerCase()
}

function contradicts(what: string): DomainError {
  return new DomainError('unavailable', `the node contradicts itself: ${what}`)
}

async function inTurn<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  for (let first = 0; first < all.length; first += AT_ONCE) {
    await Promise.all(all.slice(first, first + AT_ONCE).map(work))
  }
}

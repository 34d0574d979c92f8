import { isAddressEqual } from 'viem'
import { getBlock, getChainId, getCode, readContract } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { ChainIdentity } from '#ports.ts'
import { type ChainClient, causes } from './rpc.ts'

/** A block by number and hash. */
export type Position = { readonly block: number; readonly hash: Hex }

const addressKeys = ['pool', 'token', 'registry', 'feeReceiver'] as const
const identityKeys = ['chainId', 'genesisHash', ...addressKeys] as const

/**
 * Compares the chain that answers with the one that the database belongs to, before anything is
 * asked of it. @throws Error with one sentence that names the difference
 */
export async function requireIdentity(
  client: ChainClient,
  identity: ChainIdentity,
  remembered: ChainIdentity | null,
): Promise<void> {
  for (const key of identityKeys) {
    const before = remembered?.[key] ?? identity[key]
    if (String(before).toLowerCase() === String(identity[key]).toLowerCase()) continue
    throw new Error(`this database belongs to ${key} ${before}, but ${identity[key]} was given`)
  }
  await requireChainId(client, identity)
  if ((await genesisHash(client)) !== identity.genesisHash) {
    throw forgotten('begins with another block')
  }
  if (((await getCode(client, { address: identity.pool })) ?? '0x') === '0x') {
    throw forgotten(`has no contract at the pool's address ${identity.pool}`)
  }
  for (const [key, read] of [
    ['token', 'token'],
    ['registry', 'verifierRegistry'],
    ['feeReceiver', 'feeReceiver'],
  ] as const) {
    const found = await readAddress(client, identity.pool, read)
    if (isAddressEqual(found, identity[key])) continue
    throw new Error(`expected a pool whose ${key} is ${identity[key]}, but it is ${found}`)
  }
}

/** @throws Error if it is another chain that answers, as behind an address that was changed */
export async function requireChainId(
  client: ChainClient,
  identity: Pick<ChainIdentity, 'chainId'>,
): Promise<void> {
  const chainId = await getChainId(client)
  if (chainId === identity.chainId) return
  throw new Error(`expected the chain with id ${identity.chainId}, but id ${chainId} answers`)
}

/**
 * At start a local chain must still have every event that the database has. Blocks without any
 * (the last seconds before its process was killed) may be gone: then the cursor to go on from is
 * returned, else null. @throws Error in one sentence if events are gone
 */
export async function requireHistory(
  client: ChainClient,
  cursor: Position,
  recordedEvents: () => Promise<readonly { readonly block: number; readonly blockHash: Hex }[]>,
): Promise<Position | null> {
  if ((await blockHash(client, cursor.block)) === cursor.hash) return null
  let last: Position = { block: 0, hash: await genesisHash(client) }
  for (const { block, blockHash: hash } of await recordedEvents()) {
    if (block >= last.block) last = { block, hash }
  }
  if (last.block === 0) return last // nothing was written down; that it begins alike was seen
  const found = await blockHash(client, last.block)
  if (found === null) throw forgotten(`has no block ${last.block} any more`)
  if (found !== last.hash) throw forgotten(`has another block ${last.block}`)
  return last
}

/** The hash of a block; null if the chain has none of that number. */
export async function blockHash(client: ChainClient, block: number): Promise<Hex | null> {
  try {
    return (await getBlock(client, { blockNumber: BigInt(block) })).hash
  } catch (error) {
    if (isNoBlock(error)) return null
    throw error
  }
}

/** The one sentence for a chain that lost what the database knows of it. */
export function forgotten(what: string): Error {
  return new Error(
    `the chain forgot what the database remembers (it ${what}): ` +
      'bring that chain back, or begin anew with a fresh database and a fresh pool',
  )
}

/**
 * Where the chain begins, as its first block after the genesis tells: anvil makes a genesis block of
 * its own at each start and keeps them all in its state, so that block 0 is one or another of them.
 */
export async function genesisHash(client: ChainClient): Promise<Hex> {
  try {
    return (await getBlock(client, { blockNumber: 1n })).parentHash
  } catch (error) {
    if (!isNoBlock(error)) throw error
    return (await getBlock(client, { blockNumber: 0n })).hash
  }
}

function isNoBlock(error: unknown): boolean {
  return causes(error).some((cause) => (cause as Error).name === 'BlockNotFoundError')
}

function readAddress(
  client: ChainClient,
  pool: Address,
  functionName: 'token' | 'verifierRegistry' | 'feeReceiver',
): Promise<Address> {
  return readContract(client, { address: pool, abi: flexPoolAbi, functionName })
}

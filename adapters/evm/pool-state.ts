import { domainSeparator, zeroAddress, zeroHash } from 'viem'
import { getBlock, readContract } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import { testEuroAbi } from '#contracts/generated/TestEuro.ts'
import { verifierRegistryAbi } from '#contracts/generated/VerifierRegistry.ts'
import type { Address } from '#domain/ids.ts'
import type { TokenDomain } from '#domain/pool-messages.ts'
import type { SettlingSet } from '#domain/settling-set.ts'
import type { ChainIdentity, PoolState, RailParties } from '#ports.ts'
import { type ChainClient, causes } from './rpc.ts'

/** The pool's own counters and its balance, all at one block. */
export async function readPoolState(
  client: ChainClient,
  { pool, token }: Pick<ChainIdentity, 'pool' | 'token'>,
  block: number | null,
): Promise<PoolState> {
  const blockNumber = block === null ? (await getBlock(client)).number : BigInt(block)
  const at = { address: pool, abi: flexPoolAbi, blockNumber } as const
  const balance = { address: token, abi: testEuroAbi, functionName: 'balanceOf' } as const
  const [
    balanceNow,
    locked,
    allocatable,
    totalAllocated,
    totalClaimed,
    credits,
    bonds,
    root,
    epoch,
  ] = await Promise.all([
    readContract(client, { ...balance, args: [pool], blockNumber }),
    readContract(client, { ...at, functionName: 'locked' }),
    readContract(client, { ...at, functionName: 'allocatable' }),
    readContract(client, { ...at, functionName: 'totalAllocated' }),
    readContract(client, { ...at, functionName: 'totalClaimed' }),
    readContract(client, { ...at, functionName: 'totalCredit' }),
    readContract(client, { ...at, functionName: 'totalBonds' }),
    readContract(client, { ...at, functionName: 'liveRoot' }),
    readContract(client, { ...at, functionName: 'currentEpoch' }),
  ])
  const books = { locked, allocatable, totalAllocated, totalClaimed, credits, bonds }
  return { tokenBalance: balanceNow, ...books, liveRoot: root, currentEpoch: Number(epoch) }
}

/** Who verifies, and how long the windows are: what the pool was deployed with. */
export async function readParties(
  client: ChainClient,
  identity: ChainIdentity,
  relayer: Address,
): Promise<RailParties> {
  const registry = { address: identity.registry, abi: verifierRegistryAbi } as const
  const pool = { address: identity.pool, abi: flexPoolAbi } as const
  const verifierSetId = await readContract(client, { ...registry, functionName: 'currentSetId' })
  const [verifiers, quorum, disputeWindow, epochWindow, heldWindow, grace, arbiter] =
    await Promise.all([
      readContract(client, { ...registry, functionName: 'signersOf', args: [verifierSetId] }),
      readContract(client, { ...registry, functionName: 'quorum', args: [verifierSetId] }),
      readContract(client, { ...pool, functionName: 'disputeWindow' }),
      readContract(client, { ...pool, functionName: 'epochWindow' }),
      readContract(client, { ...pool, functionName: 'heldWindow' }),
      readContract(client, { ...pool, functionName: 'refundGrace' }),
      readContract(client, { ...pool, functionName: 'arbiter' }),
    ])
  const windows = {
    disputeWindowSeconds: disputeWindow,
    epochWindowSeconds: epochWindow,
    heldWindowSeconds: heldWindow,
    refundGraceSeconds: grace,
  }
  const olderSets = await readOlderSets(client, identity, verifierSetId)
  const who = { relayer, verifierSetId, verifiers, quorum, olderSets }
  return { ...identity, ...who, ...windows, arbiter: arbiter === zeroAddress ? null : arbiter }
}

/** The sets before the newest: what was opened with one of them is still theirs to settle. */
function readOlderSets(
  client: ChainClient,
  { registry }: Pick<ChainIdentity, 'registry'>,
  newest: number,
): Promise<SettlingSet[]> {
  const at = { address: registry, abi: verifierRegistryAbi } as const
  const ids = Array.from({ length: Math.max(0, newest - 1) }, (_, i) => i + 1)
  const read = async (verifierSetId: number): Promise<SettlingSet> => {
    const args = [verifierSetId] as const
    const verifiers = await readContract(client, { ...at, functionName: 'signersOf', args })
    const quorum = await readContract(client, { ...at, functionName: 'quorum', args })
    return { verifierSetId, verifiers, quorum }
  }
  return Promise.all(ids.map(read))
}

/** Where accounts of the pool's payout tree name other addresses. */
export function readRecipients(
  client: ChainClient,
  { pool }: Pick<ChainIdentity, 'pool'>,
): Promise<Address> {
  return readContract(client, { address: pool, abi: flexPoolAbi, functionName: 'recipients' })
}

const domainAbi = [
  {
    type: 'function',
    name: 'version',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ type: 'string' }],
  },
  {
    type: 'function',
    name: 'DOMAIN_SEPARATOR',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ type: 'bytes32' }],
  },
] as const

/**
 * The token's EIP-712 domain: by ERC-5267 where the token has it (OpenZeppelin), else name() and
 * version() (EURC, USDC). Checked against DOMAIN_SEPARATOR(), because a payer's signature over a
 * guessed domain would be worth nothing. @throws Error if they differ
 */
export async function readTokenDomain(
  client: ChainClient,
  { chainId, token }: Pick<ChainIdentity, 'chainId' | 'token'>,
): Promise<TokenDomain> {
  const at = { address: token, abi: testEuroAbi } as const
  const named = await orNull(readContract(client, { ...at, functionName: 'eip712Domain' }))
  const name = named?.[1] ?? (await readContract(client, { ...at, functionName: 'name' }))
  const read = { address: token, abi: domainAbi } as const
  const version =
    named?.[2] ?? (await orNull(readContract(client, { ...read, functionName: 'version' }))) ?? '1'
  const domain = { name, version, chainId, verifyingContract: token }
  const own = await orNull(readContract(client, { ...read, functionName: 'DOMAIN_SEPARATOR' }))
  const separator = own ?? zeroHash
  if (separator !== domainSeparator({ domain })) {
    throw new Error(
      `the token ${token} signs under another domain than name '${name}', version '${version}'`,
    )
  }
  return domain
}

/** null where the token has no such function. */
export async function orNull<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read
  } catch (error) {
    const refused = /^(ContractFunctionZeroDataError|ContractFunctionRevertedError|AbiDecoding)/
    if (causes(error).some((cause) => refused.test((cause as Error).name))) return null
    throw error
  }
}

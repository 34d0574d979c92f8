import { concat, encodeFunctionData, isAddressEqual, maxUint256, parseAbi, zeroHash } from 'viem'
import { readContract } from 'viem/actions'
import type { Address } from '#domain/ids.ts'
import type { Permit } from '#domain/escrow.ts'
import { permitTypedData, type TokenDomain } from '#domain/pool-messages.ts'
import type { ChainIdentity } from '#ports.ts'
import { orNull, readTokenDomain } from './pool-state.ts'
import { type ChainClient, causes, unwrapped } from './rpc.ts'
import { DomainError } from '#domain/errors.ts'
import { recoverSigner } from './typed-data.ts'

/**
 * How a payer's signature brings money into the pool: by an authorisation of the token (ERC-3009),
 * or by an allowance, which a permit (ERC-2612) can give in the same transaction.
 */
export type Funding =
  | { readonly way: 'authorisation' | 'permit'; readonly token: TokenDomain }
  | { readonly way: 'allowance' }

export type FundingWay = Funding['way']

type Parties = Pick<ChainIdentity, 'chainId' | 'token' | 'pool'>

const authorisationAbi = parseAbi([
  'function receiveWithAuthorization(address, address, uint256, uint256, uint256, bytes32, bytes)',
])
const tokenAbi = parseAbi([
  'function authorizationState(address, bytes32) view returns (bool)',
  'function nonces(address) view returns (uint256)',
  'function allowance(address, address) view returns (uint256)',
  'function balanceOf(address) view returns (uint256)',
])

/** What the token can, asked of the token itself. @throws Error if its EIP-712 domain is another */
export async function readFunding(client: ChainClient, parties: Parties): Promise<Funding> {
  if (await takesAuthorisations(client, parties)) {
    return { way: 'authorisation', token: await readTokenDomain(client, parties) }
  }
  const nonce = await nonceOf(client, parties.token, parties.pool)
  if (nonce === null) return { way: 'allowance' }
  return { way: 'permit', token: await readTokenDomain(client, parties) }
}

/**
 * Calls what the pool would call, with a signature of nobody: a token that has the function says
 * why it refuses, one that knows only the form with v, r and s reverts without a word.
 */
async function takesAuthorisations(client: ChainClient, { token, pool }: Parties) {
  const nobody: Address = `0x${'01'.repeat(20)}`
  const state = { address: token, abi: tokenAbi, functionName: 'authorizationState' } as const
  const known = orNull(readContract(client, { ...state, args: [nobody, zeroHash] }))
  if ((await known) === null) return false
  const data = encodeFunctionData({
    abi: authorisationAbi,
    args: [nobody, pool, 0n, 0n, maxUint256, zeroHash, concat([zeroHash, zeroHash, '0x1b'])],
  })
  try {
    await client.request({
      method: 'eth_call',
      params: [{ from: pool, to: token, data }, 'latest'],
    })
    return true
  } catch (error) {
    if (unwrapped(error) instanceof DomainError) throw unwrapped(error)
    return !causes(error).some((cause) => dataOf(cause) === '0x')
  }
}

function dataOf(cause: unknown): string {
  const { data } = cause as { data?: unknown }
  if (typeof data === 'object' && data !== null) return dataOf(data)
  return typeof data === 'string' ? data : ''
}

/** The owner's next permit; null where the token has none. */
function nonceOf(client: ChainClient, token: Address, owner: Address) {
  const at = { address: token, abi: tokenAbi, functionName: 'nonces' } as const
  return orNull(readContract(client, { ...at, args: [owner] }))
}

/**
 * Whether the pool could pull this much from the payer now: by what it was allowed, or by a permit
 * that the token will take. One that somebody else used first is an allowance already.
 */
export async function mayPull(
  client: ChainClient,
  funding: Funding,
  { token, pool }: Parties,
  { payer, amount, permit }: { payer: Address; amount: bigint; permit: Permit | null },
): Promise<boolean> {
  const at = { address: token, abi: tokenAbi, functionName: 'allowance' } as const
  if ((await readContract(client, { ...at, args: [payer, pool] })) >= amount) return true
  if (permit === null || funding.way !== 'permit' || permit.value < amount) return false
  const nonce = await nonceOf(client, token, payer)
  if (nonce === null) return false
  const data = permitTypedData(funding.token, { owner: payer, spender: pool, ...permit, nonce })
  const signer = await recoverSigner(data, permit.signature)
  return signer !== null && isAddressEqual(signer, payer)
}

/** Whether the payer has this much now. */
export async function hasBalance(
  client: ChainClient,
  { token }: Pick<Parties, 'token'>,
  { payer, amount }: { payer: Address; amount: bigint },
): Promise<boolean> {
  const at = { address: token, abi: tokenAbi, functionName: 'balanceOf' } as const
  return (await readContract(client, { ...at, args: [payer] })) >= amount
}

/** What the payer can sign so that no allowance is needed beforehand; null where that is no way. */
export async function permitOf(
  client: ChainClient,
  funding: Funding,
  { token, pool }: Parties,
  { payer, amount, deadline }: { payer: Address; amount: bigint; deadline: number },
) {
  if (funding.way !== 'permit') return null
  const nonce = await nonceOf(client, token, payer)
  if (nonce === null) return null
  const terms = { owner: payer, spender: pool, value: amount, nonce, deadline }
  return permitTypedData(funding.token, terms)
}

import { hashTypedData, isAddressEqual, recoverAddress, size, slice } from 'viem'
import type { Address, Hex } from '#domain/ids.ts'
import type { PoolSetup, VerifierSet } from '#domain/pool-books.ts'
import type { TokenDomain, TypedData } from '#domain/pool-messages.ts'
import { demand } from './refusal.ts'

/** Under which name payers sign orders to a ledger; no token calls itself so. */
export const LEDGER_MONEY = { name: 'Gridcall ledger', version: '1' } as const

/** The EIP-712 domain of payment orders: this ledger's, so that they are worth nothing elsewhere. */
export function moneyDomain({ chainId, token }: Pick<PoolSetup, 'chainId' | 'token'>): TokenDomain {
  return { ...LEDGER_MONEY, chainId, verifyingContract: token }
}

/** Half the order of secp256k1: of two signatures that say the same, one counts (as on chain). */
const S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** Who signed; null for what the contracts would not take either. */
export async function signerOf(data: TypedData, signature: Hex): Promise<Address | null> {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature) || size(signature) !== 65) return null
  const isCanonical = BigInt(slice(signature, 32, 64)) <= S_MAX
  if (!isCanonical || !/1[bcBC]$/.test(signature)) return null
  try {
    return await recoverAddress({ hash: hashTypedData(data), signature })
  } catch {
    return null // r or s is no number of the curve: nobody's signature
  }
}

export async function isSignedBy(
  signer: Address,
  data: TypedData,
  signature: Hex,
): Promise<boolean> {
  const found = await signerOf(data, signature)
  return found !== null && isAddressEqual(found, signer)
}

/**
 * At least the quorum signed, in ascending order of addresses, and nobody else. `higher`: one
 * more than the quorum, where there are so many. @throws Refusal
 */
export async function demandQuorum(
  { setId, verifiers, quorum }: VerifierSet,
  data: TypedData,
  signatures: readonly Hex[],
  higher: boolean,
): Promise<void> {
  const needed = higher && quorum < verifiers.length ? quorum + 1 : quorum
  demand(signatures.length >= needed, 'QuorumNotReached', { given: signatures.length, needed })
  let previous: Address = `0x${'0'.repeat(40)}`
  for (const [position, signature] of signatures.entries()) {
    const signer = await signerOf(data, signature)
    demand(signer !== null, 'MalformedSignature', { position })
    demand(BigInt(signer) > BigInt(previous), 'SignersNotAscending', { previous, signer })
    const isMember = verifiers.some((verifier) => isAddressEqual(verifier, signer))
    demand(isMember, 'NotAVerifier', { setId, signer })
    previous = signer
  }
}

import { hashTypedData, recoverAddress, size, slice, type TypedDataDefinition } from 'viem'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { EpochStatement, SettlementStatement } from '#domain/evidence.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { type PoolDomain, epochStruct, requestIdOf, settlementStruct, unixSeconds } from './wire.ts'

/** The EIP-712 domain of the euro token. */
export type TokenDomain = {
  readonly name: string
  readonly version: string
  readonly chainId: number
  readonly verifyingContract: Address
}

export type Validity = { readonly validAfter: number; readonly validBefore: number }

const field = (name: string, type: string) => ({ name, type })

/** Field order is part of what is signed: it must stay that of the contract's structs. */
const types = {
  Settlement: [
    field('requestId', 'bytes32'),
    field('round', 'uint8'),
    field('evidenceRoot', 'bytes32'),
    field('bundleHash', 'bytes32'),
    field('linesRoot', 'bytes32'),
    field('payoutTotal', 'uint128'),
    field('feeTotal', 'uint128'),
    field('heldTotal', 'uint128'),
    field('deliveredWh', 'int64'),
  ],
  Epoch: [
    field('epoch', 'uint64'),
    field('prevRoot', 'bytes32'),
    field('topHash', 'bytes32'),
    field('newTotal', 'uint128'),
    field('requestIdsHash', 'bytes32'),
    field('dataHash', 'bytes32'),
  ],
  Cancel: [field('requestId', 'bytes32')],
  ReceiveWithAuthorization: [
    field('from', 'address'),
    field('to', 'address'),
    field('value', 'uint256'),
    field('validAfter', 'uint256'),
    field('validBefore', 'uint256'),
    field('nonce', 'bytes32'),
  ],
}

/** Wallets want the domain's own type among the types. */
const domainType = [
  field('name', 'string'),
  field('version', 'string'),
  field('chainId', 'uint256'),
  field('verifyingContract', 'address'),
]

function typedData(
  primaryType: keyof typeof types,
  domain: TokenDomain,
  message: Record<string, unknown>,
): TypedDataDefinition {
  const used: Record<string, unknown> = { EIP712Domain: domainType }
  used[primaryType] = types[primaryType]
  return { domain, types: used, primaryType, message } as TypedDataDefinition
}

function poolDomain({ chainId, pool }: PoolDomain): TokenDomain {
  return { name: 'Gridcall FlexPool', version: '1', chainId, verifyingContract: pool }
}

/** What a verifier signs for one call. */
export function settlementTypedData(pool: PoolDomain, statement: SettlementStatement) {
  return typedData('Settlement', poolDomain(pool), settlementStruct(statement))
}

/** What a verifier signs for one payout epoch. */
export function epochTypedData(pool: PoolDomain, statement: EpochStatement) {
  return typedData('Epoch', poolDomain(pool), epochStruct(statement))
}

/** What the payer signs to take a request back before its window. */
export function cancellationTypedData(pool: PoolDomain, requestId: Hex) {
  return typedData('Cancel', poolDomain(pool), { requestId })
}

/**
 * What the payer signs to fund a request (ERC-3009). The nonce is the first 24 bytes of the
 * request id and 8 zero bytes: unique where a token's nonces are free, and number 0 of a key of
 * its own where they are counted (OpenZeppelin). So this money can open this request and no other.
 */
export function authorisationTypedData(
  token: TokenDomain,
  pool: PoolDomain,
  terms: EscrowTerms,
  { validAfter, validBefore }: Validity,
) {
  return typedData('ReceiveWithAuthorization', token, {
    from: terms.payer,
    to: pool.pool,
    value: terms.amount as bigint,
    validAfter: BigInt(validAfter),
    validBefore: BigInt(validBefore),
    nonce: authorisationNonce(requestIdOf(pool, terms)),
  })
}

/** The ERC-3009 nonce of a request. */
export function authorisationNonce(requestId: Hex): Hex {
  return `${slice(requestId, 0, 24)}${'00'.repeat(8)}`
}

/** From the beginning of time until delivery starts: later the pool would not open it anyway. */
export function usualValidity(terms: EscrowTerms): Validity {
  return { validAfter: 0, validBefore: unixSeconds(terms.deliverStart) }
}

/** Half the order of secp256k1: the pool refuses the second, mirrored form of a signature. */
const S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/**
 * Who signed; null unless it is a signature that the contracts take as well: 65 bytes, v 27 or
 * 28, s in the lower half (OpenZeppelin's ECDSA).
 */
export async function recoverSigner(
  data: TypedDataDefinition,
  signature: Hex,
): Promise<Address | null> {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature) || size(signature) !== 65) return null
  const v = Number(slice(signature, 64, 65))
  if ((v !== 27 && v !== 28) || BigInt(slice(signature, 32, 64)) > S_MAX) return null
  try {
    return await recoverAddress({ hash: hashTypedData(data), signature })
  } catch {
    return null // r or s is no number of the curve: nobody's signature
  }
}

/** Typed data as JSON can carry it: whole numbers as decimal text. */
export function asPlainJson(data: TypedDataDefinition): unknown {
  return JSON.parse(
    JSON.stringify(data, (_key, value) => (typeof value === 'bigint' ? value.toString() : value)),
  )
}

/**
 * What parties sign to a pool, and what binds it: field for field the contracts' structs, in EIP-712
 * typed data. A pool is a contract on a chain or a ledger without one; both take the same messages.
 */
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { bytesOf, keccak } from './canonical.ts'
import type { EscrowTerms } from './escrow.ts'
import type { EpochStatement, SettlementStatement } from './evidence.ts'
import type { Address, Hex } from './ids.ts'
import type { Instant } from './time.ts'

/** Which pool on which chain: what every signature and every request id is bound to. */
export type PoolDomain = { readonly chainId: number; readonly pool: Address }

/** The EIP-712 domain of the euro token. */
export type TokenDomain = {
  readonly name: string
  readonly version: string
  readonly chainId: number
  readonly verifyingContract: Address
}

export type Validity = { readonly validAfter: number; readonly validBefore: number }

type Field = { readonly name: string; readonly type: string }

/** EIP-712 typed data, with whole numbers as bigint. */
export type TypedData = {
  readonly domain: TokenDomain
  readonly types: Readonly<Record<string, readonly Field[]>>
  readonly primaryType: string
  readonly message: Readonly<Record<string, unknown>>
}

/** Pools count whole seconds. @throws RangeError for an instant between two seconds. */
export function unixSeconds(at: Instant): number {
  if (at % 1000 !== 0) {
    throw new RangeError(`the chain knows whole seconds only, got ${at} ms since 1970`)
  }
  return at / 1000
}

/** The contract's RequestTerms. */
export function termsStruct(terms: EscrowTerms) {
  return {
    payer: terms.payer,
    amount: terms.amount as bigint,
    deliverStart: unixSeconds(terms.deliverStart),
    deliverEnd: unixSeconds(terms.deliverEnd),
    settleBy: unixSeconds(terms.settleBy),
    verifierSetId: terms.verifierSetId,
    termsHash: terms.termsHash,
    salt: terms.salt,
  }
}

/** The contract's Settlement. */
export function settlementStruct(statement: SettlementStatement) {
  return { ...statement, deliveredWh: BigInt(statement.deliveredWh) }
}

/** The contract's Epoch. */
export function epochStruct(statement: EpochStatement) {
  return { ...statement, epoch: BigInt(statement.epoch) }
}

const REQUEST_TAG: Hex = `0x${bytesToHex(utf8ToBytes('FlexRequest.v1')).padEnd(64, '0')}`

/** What the pool calls a request with these terms: the hash of chain, pool and all terms. */
export function requestIdOf({ chainId, pool }: PoolDomain, terms: EscrowTerms): Hex {
  const t = termsStruct(terms)
  const times = [t.deliverStart, t.deliverEnd, t.settleBy]
  const words = [chainId, pool, t.payer, t.amount, ...times, t.verifierSetId]
  return keccak(...[REQUEST_TAG, ...words.map(word), t.termsHash, t.salt].map(bytesOf))
}

/** An ABI word: 32 bytes, big-endian. */
function word(value: number | bigint | Address): Hex {
  return `0x${BigInt(value).toString(16).padStart(64, '0')}`
}

const field = (name: string, type: string): Field => ({ name, type })

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
  Open: [field('requestId', 'bytes32')],
  Cancel: [field('requestId', 'bytes32')],
  Permit: [
    field('owner', 'address'),
    field('spender', 'address'),
    field('value', 'uint256'),
    field('nonce', 'uint256'),
    field('deadline', 'uint256'),
  ],
  Challenge: [
    field('requestId', 'bytes32'),
    field('challenger', 'address'),
    field('bond', 'uint128'),
  ],
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
): TypedData {
  const used = { EIP712Domain: domainType, [primaryType]: types[primaryType] }
  return { domain, types: used, primaryType, message }
}

function poolDomain({ chainId, pool }: PoolDomain): TokenDomain {
  return { name: 'Gridcall FlexPool', version: '1', chainId, verifyingContract: pool }
}

/** What a verifier signs for one call. */
export function settlementTypedData(pool: PoolDomain, statement: SettlementStatement): TypedData {
  return typedData('Settlement', poolDomain(pool), settlementStruct(statement))
}

/** What a verifier signs for one payout epoch. */
export function epochTypedData(pool: PoolDomain, statement: EpochStatement): TypedData {
  return typedData('Epoch', poolDomain(pool), epochStruct(statement))
}

/** What the payer signs to fund a request from its allowance, where the token takes no orders. */
export function openingTypedData(pool: PoolDomain, requestId: Hex): TypedData {
  return typedData('Open', poolDomain(pool), { requestId })
}

/** What the payer signs to give a pool an allowance (ERC-2612). */
export function permitTypedData(
  token: TokenDomain,
  permit: {
    readonly owner: Address
    readonly spender: Address
    readonly value: bigint
    readonly nonce: bigint
    readonly deadline: number
  },
): TypedData {
  const { owner, spender, value, nonce, deadline } = permit
  const message = { owner, spender, value, nonce, deadline: BigInt(deadline) }
  return typedData('Permit', token, message)
}

/** What the payer signs to take a request back before its window. */
export function cancellationTypedData(pool: PoolDomain, requestId: Hex): TypedData {
  return typedData('Cancel', poolDomain(pool), { requestId })
}

/** What a challenger signs to a ledger, which has no transactions; on a chain it sends one. */
export function challengeTypedData(
  money: TokenDomain,
  doubt: { readonly requestId: Hex; readonly challenger: Address; readonly bond: bigint },
): TypedData {
  return typedData('Challenge', money, doubt)
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
): TypedData {
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
  return `${requestId.slice(0, 2 + 48) as Hex}${'00'.repeat(8)}`
}

/** From the beginning of time until delivery starts: later the pool would not open it anyway. */
export function usualValidity(terms: EscrowTerms): Validity {
  return { validAfter: 0, validBefore: unixSeconds(terms.deliverStart) }
}

/** Typed data as JSON can carry it: whole numbers as decimal text. */
export function asPlainJson(data: TypedData): unknown {
  return JSON.parse(
    JSON.stringify(data, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
  )
}

/** Bytes of one row of a chunk: the account and the cumulative amount. */
const ROW_DIGITS = 56

/** The rows of a chunk that pay somebody. */
export function chunkRows(chunk: {
  readonly first: number
  readonly rows: Hex
}): { index: number; account: Address; cumulative: bigint }[] {
  const digits = chunk.rows.slice(2)
  const rows = []
  for (let at = 0; at < digits.length; at += ROW_DIGITS) {
    const account: Address = `0x${digits.slice(at, at + 40)}`
    const cumulative = BigInt(`0x${digits.slice(at + 40, at + ROW_DIGITS)}`)
    const index = chunk.first + at / ROW_DIGITS
    if (cumulative > 0n) rows.push({ index, account, cumulative })
  }
  return rows
}

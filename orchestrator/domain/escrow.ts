import { bytesOf, keccak } from './canonical.ts'
import type { Address, Hex } from './ids.ts'
import type { MicroEur } from './money.ts'
import type { Instant } from './time.ts'

/** Pools count in 64 bits: all money in one together, and all that it ever pays, in micro-EUR. */
export const POOL_MONEY_MAX = 2n ** 64n - 1n

/** What the DSO's signature binds: field for field the contract's RequestTerms. */
export type EscrowTerms = {
  readonly payer: Address
  readonly amount: MicroEur
  readonly deliverStart: Instant
  readonly deliverEnd: Instant
  readonly settleBy: Instant
  readonly verifierSetId: number
  readonly termsHash: Hex
  readonly salt: Hex
}

export type Escrow = {
  readonly terms: EscrowTerms
  /** The contract's request id, bound to chain and pool. */
  readonly requestId: Hex
  /** The DSO's signature that funds it; null until it accepts. */
  readonly authorisation: Authorisation | null
  /** The DSO's signature that cancels before the window; null unless it gave one. */
  readonly cancellation: Hex | null
}

/**
 * The DSO's word that its money may open this request: over an order to the token (ERC-3009), or,
 * where the token takes none, over the request alone, and then an allowance pays.
 */
export type Authorisation = {
  readonly validAfter: number
  readonly validBefore: number
  readonly signature: Hex
  /** Gives the allowance in the same transaction; absent where it stands or is not needed. */
  readonly permit?: Permit
}

/** The payer's ERC-2612 permit for the pool. */
export type Permit = {
  readonly value: bigint
  /** Unix seconds. */
  readonly deadline: number
  readonly signature: Hex
}

/**
 * Under which id the pool keeps what a request held for its next round: the contract's roundIdOf,
 * keccak256(abi.encode(id, round)).
 */
export function roundIdOf(requestId: Hex, round: number): Hex {
  return keccak(bytesOf(requestId), bytesOf(`0x${round.toString(16).padStart(64, '0')}`))
}

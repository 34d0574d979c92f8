import type { SettlementStatement } from './evidence.ts'
import type { Address, Hex } from './ids.ts'

/**
 * What others than the service do at a pool. On a chain they send it themselves; a ledger without
 * one takes it in from whoever brings it, and looks at what proves or signs it.
 */
export type PoolAct =
  /** Holds all that a proposal pays, for a stake of the challenger. */
  | {
      readonly kind: 'challenge'
      readonly requestId: Hex
      readonly challenger: Address
      readonly signature: Hex
    }
  /** The same without a stake: a quorum signed two settlements for one round. */
  | {
      readonly kind: 'challengeEquivocation'
      readonly one: SettlementStatement
      readonly signaturesOne: readonly Hex[]
      readonly other: SettlementStatement
      readonly signaturesOther: readonly Hex[]
    }
  /** Marks a verifier who signed two settlements for one round: no new set may have it. */
  | {
      readonly kind: 'proveEquivocation'
      readonly setId: number
      readonly one: SettlementStatement
      readonly signatureOne: Hex
      readonly other: SettlementStatement
      readonly signatureOther: Hex
    }
  /** A final payout that no epoch counted for a year goes back to its payer. */
  | { readonly kind: 'returnUnallocated'; readonly requestId: Hex }
  /** What the pool owes an account becomes its own, whoever asks: a bond that came back, a refund. */
  | { readonly kind: 'withdrawCredit'; readonly account: Address }
  /** The newest set settles what is opened from now on; what is open keeps its own. */
  | {
      readonly kind: 'addVerifierSet'
      /** In ascending order. */
      readonly verifiers: readonly Address[]
      readonly quorum: number
    }
  /** Stops what is new until then, in Unix seconds; what is owed goes on. */
  | { readonly kind: 'pause'; readonly until: number }
  /** Allows the next pause. */
  | { readonly kind: 'rearmPause' }

export type ActOf<K extends PoolAct['kind']> = Extract<PoolAct, { kind: K }>

import type { Authorisation, EscrowTerms } from './escrow.ts'
import type { EpochStatement, SettlementStatement } from './evidence.ts'
import type { Address, Hex } from './ids.ts'
import type { SettlingSets } from './settling-set.ts'

/** What we ask of the pool. Each carries a natural key, so that sending twice does nothing. */
export type ChainIntent =
  | {
      readonly kind: 'openRequest'
      readonly terms: EscrowTerms
      readonly authorisation: Authorisation
    }
  | { readonly kind: 'cancel'; readonly requestId: Hex; readonly signature: Hex }
  | {
      readonly kind: 'proposeSettlement'
      readonly statement: SettlementStatement
      /** In ascending order of the signers' addresses. */
      readonly signatures: readonly Hex[]
    }
  | { readonly kind: 'finalize'; readonly requestId: Hex }
  | { readonly kind: 'refundExpired'; readonly requestId: Hex }
  | {
      readonly kind: 'postEpoch'
      readonly statement: EpochStatement
      readonly requestIds: readonly Hex[]
      readonly signatures: readonly Hex[]
    }
  | { readonly kind: 'activateEpoch'; readonly epoch: number }
  | {
      readonly kind: 'payChunk'
      readonly epoch: number
      readonly first: number
      readonly rows: Hex
      readonly proof: readonly { readonly h: Hex; readonly s: bigint }[]
    }
  | { readonly kind: 'withdrawCredit'; readonly account: Address }

export type IntentRow = {
  readonly businessKey: string
  readonly intent: ChainIntent
  readonly state: 'pending' | 'sent' | 'mined' | 'reverted'
  readonly hash: Hex | null
  readonly nonce: number | null
  readonly raw: Hex | null
  readonly reason: string | null
}

/** @throws Error if a transaction stands there that the one to be stored does not replace */
export function requireUnsigned(businessKey: string, stored: Hex | null, before: Hex | null): void {
  if (stored === before) return
  throw new Error(`${businessKey}: another process has signed a transaction meanwhile`)
}

type EventAt = {
  readonly transactionHash: Hex
  readonly logIndex: number
  readonly block: number
  readonly blockHash: Hex
}

/** What the pool said, read from its logs. Amounts in micro-EUR. */
export type ChainEvent = EventAt &
  (
    | {
        readonly kind: 'RequestOpened'
        readonly requestId: Hex
        readonly amount: bigint
        /** Anybody can open a request: by this we know ours. */
        readonly payer?: Address
      }
    | { readonly kind: 'RequestCancelled'; readonly requestId: Hex; readonly amount: bigint }
    | {
        readonly kind: 'SettlementProposed'
        readonly requestId: Hex
        readonly round: number
        readonly evidenceRoot: Hex
        readonly payoutTotal: bigint
        readonly feeTotal: bigint
        readonly heldTotal: bigint
        /** Unix seconds. */
        readonly windowEnd: number
      }
    | {
        readonly kind: 'RequestFinalized'
        readonly requestId: Hex
        readonly payout: bigint
        readonly fee: bigint
        readonly held: bigint
        readonly refund: bigint
      }
    /** What a request held is a record of its own until `settleBy`, in Unix seconds. */
    | {
        readonly kind: 'RestHeld'
        readonly requestId: Hex
        readonly restId: Hex
        readonly round: number
        readonly amount: bigint
        readonly settleBy: number
      }
    | { readonly kind: 'RequestRefunded'; readonly requestId: Hex; readonly amount: bigint }
    /** A final payout that no epoch counted for a year became the payer's credit. */
    | { readonly kind: 'PayoutReturned'; readonly requestId: Hex; readonly amount: bigint }
    /** Somebody holds all that a proposal pays: `amount`, payout and fee. Its bond is 0 if proved. */
    | {
        readonly kind: 'SettlementChallenged'
        readonly requestId: Hex
        readonly challenger: Address
        readonly amount: bigint
        readonly bond: bigint
      }
    /** The bond became credit: of the challenger, or of the fee receiver. */
    | {
        readonly kind: 'BondReturned' | 'BondForfeited'
        readonly requestId: Hex
        readonly challenger: Address
        readonly bond: bigint
      }
    | {
        readonly kind: 'EpochPosted'
        readonly epoch: number
        readonly root: Hex
        readonly newTotal: bigint
        readonly activeFrom: number
      }
    | {
        readonly kind: 'EpochActivated'
        readonly epoch: number
        readonly root: Hex
        readonly total: bigint
      }
    | { readonly kind: 'EpochRejected'; readonly epoch: number }
    | {
        readonly kind: 'Paid'
        readonly index: number
        readonly account: Address
        readonly amount: bigint
        readonly epoch: number
      }
    | {
        readonly kind: 'PayoutDeferred'
        readonly index: number
        readonly account: Address
        readonly amount: bigint
      }
    /** From then on, in Unix seconds, the account is to be paid to another address. */
    | {
        readonly kind: 'RecipientAnnounced'
        readonly account: Address
        readonly to: Address
        readonly from: number
      }
    | { readonly kind: 'RecipientCancelled'; readonly account: Address; readonly to: Address }
    /** A verifier signed two settlements of one request for one round. */
    | {
        readonly kind: 'VerifierEquivocated'
        readonly setId: number
        readonly signer: Address
        readonly requestId: Hex
        readonly round: number
      }
    /** Of a ledger without a chain: who settles what is opened from now on, and its pauses. */
    | {
        readonly kind: 'VerifierSetAdded'
        readonly setId: number
        readonly verifiers: readonly Address[]
        readonly quorum: number
      }
    | { readonly kind: 'Paused'; readonly until: number; readonly limit: number }
    | { readonly kind: 'PauseRearmed' }
    | { readonly kind: 'CreditWithdrawn'; readonly account: Address; readonly amount: bigint }
    /** The token's own log, where the pool is one side. */
    | {
        readonly kind: 'Transfer'
        readonly from: Address
        readonly to: Address
        readonly amount: bigint
      }
  )

/** Which pool on which chain. */
export type ChainIdentity = {
  readonly chainId: number
  readonly genesisHash: Hex
  readonly pool: Address
  readonly token: Address
  readonly registry: Address
  readonly feeReceiver: Address
}

/** The verifiers are those of the newest set. */
export type RailParties = ChainIdentity &
  SettlingSets & {
    readonly relayer: Address
    readonly disputeWindowSeconds: number
    readonly epochWindowSeconds: number
    /** How long after finality a held rest can still be settled. */
    readonly heldWindowSeconds: number
    /** How long after its deadline a request or rest can be refunded. */
    readonly refundGraceSeconds: number
    /** Whose word settles a held rest in place of verifiers'; null: nobody's. */
    readonly arbiter: Address | null
  }

export type PoolState = {
  readonly tokenBalance: bigint
  readonly locked: bigint
  readonly allocatable: bigint
  readonly totalAllocated: bigint
  readonly totalClaimed: bigint
  readonly credits: bigint
  /** What challengers staked and is not decided yet. */
  readonly bonds: bigint
  readonly liveRoot: Hex
  readonly currentEpoch: number
}

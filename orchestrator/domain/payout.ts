import type { Address, CallId, Hex, OrganisationId, OwnerId } from './ids.ts'
import type { MicroEur } from './money.ts'
import type { Instant } from './time.ts'

export type Payee =
  | { readonly kind: 'owner'; readonly ownerId: OwnerId }
  | { readonly kind: 'aggregator'; readonly aggregatorId: OrganisationId }

/** Money that one payee earned in one call. */
export type PayoutShare = {
  readonly payee: Payee
  readonly callId: CallId
  readonly amount: MicroEur
  /** null: through the payout agent's leaf. */
  readonly wallet: Address | null
}

/** A place in the pool's payout tree: an index, once given, keeps its account. */
export type PayoutAccount = {
  readonly index: number
  readonly account: Address
  readonly cumulative: MicroEur
}

export type PayoutEpoch = {
  readonly epoch: number
  readonly callIds: readonly CallId[]
  readonly requestIds: readonly Hex[]
  readonly prevRoot: Hex
  readonly topHash: Hex
  readonly root: Hex
  readonly newTotal: MicroEur
  readonly accounts: readonly PayoutAccount[]
  readonly shares: readonly PayoutShare[]
  readonly state: 'proposed' | 'posted' | 'active' | 'paid'
  readonly createdAt: Instant
}

/** What an owner reads: one line per call, whose sums over an agent's owners are the leaf. */
export type PayoutReceipt = {
  readonly epoch: number
  readonly ownerId: OwnerId
  readonly lines: readonly { readonly callId: CallId; readonly amount: MicroEur }[]
  readonly amount: MicroEur
  /** Whole cents paid by SEPA now, the rest carried on the owner's account. */
  readonly paidCents: bigint
  readonly carried: MicroEur
  readonly route: 'agent' | 'wallet'
}

/**
 * The books of a pool that stands on no chain: double entry in two phases. A transfer is posted at
 * once, or it is pending until its money is posted or voided. Amounts in micro-EUR.
 */
import type { PoolState, RailParties } from './chain.ts'
import type { SettlementStatement } from './evidence.ts'
import type { Address, Hex } from './ids.ts'

/** What a pool's ledger was established with; it stays for good. */
export type PoolSetup = Omit<RailParties, 'relayer'> & {
  /** What whoever challenges a settlement stakes, in micro-EUR; absent: nobody can. */
  readonly challengeBond?: bigint
}

/** EIP-712 knows no chain 0: nothing that is signed for a ledger is worth anything on a chain. */
export const LEDGER_CHAIN_ID = 0

/** A request, or a rest that one held: the contract's record of it. Times in Unix seconds. */
export type PoolRequest = {
  readonly payer: Address
  readonly amount: bigint
  readonly deliverStart: number
  readonly deliverEnd: number
  readonly settleBy: number
  readonly verifierSetId: number
  readonly state: 'funded' | 'proposed' | 'final' | 'partly-final' | 'cancelled' | 'refunded'
  readonly round: number
  readonly windowEnd: number
  readonly payout: bigint
  readonly fee: bigint
  readonly held: bigint
  /** Whether an epoch counts its payout. */
  readonly accounted: boolean
  /** The transfer that holds its money. */
  readonly escrow: string
  /** Every settlement that was proposed, the last one being the one that counts. */
  readonly proposals: readonly SettlementStatement[]
  /** Whose stake waits on this, and how much of what it doubts is not confirmed yet. */
  readonly challenge?: {
    readonly challenger: Address
    readonly asked: bigint
    readonly bond: bigint
  }
}

/** Who settles what was opened while the set was the newest. Sets are added, never changed. */
export type VerifierSet = {
  readonly setId: number
  /** In ascending order. */
  readonly verifiers: readonly Address[]
  readonly quorum: number
}

/** What stops a pool, and whom no new set may have. Times in Unix seconds. */
export type PoolGuard = {
  readonly pausedUntil: number
  /** How far a pause may reach that is made or changed before the next is allowed. */
  readonly pauseLimit: number
  readonly pauseUsed: boolean
  /** Verifiers who signed two settlements of one request for one round. */
  readonly equivocated: readonly Address[]
}

export const NO_GUARD: PoolGuard = {
  pausedUntil: 0,
  pauseLimit: 0,
  pauseUsed: false,
  equivocated: [],
}

export type PoolEpochs = {
  readonly liveRoot: Hex
  readonly currentEpoch: number
  readonly pending: {
    readonly epoch: number
    readonly root: Hex
    readonly newTotal: bigint
    readonly activeFrom: number
  } | null
}

export const NO_EPOCHS: PoolEpochs = {
  liveRoot: `0x${'0'.repeat(64)}`,
  currentEpoch: 0,
  pending: null,
}

export type PoolTransfer = {
  /** The natural key: a transfer is booked once. */
  readonly id: string
  /** 'post' and 'void' end a pending transfer, each at most once; together they make its amount. */
  readonly kind: 'posted' | 'pending' | 'post' | 'void'
  /** Which pending transfer is ended; null for a transfer of its own. */
  readonly pendingId: string | null
  readonly debit: string
  readonly credit: string
  readonly amount: bigint
  /** Unix seconds. */
  readonly at: number
}

export type PoolAccount = {
  readonly account: string
  readonly debitsPending: bigint
  readonly debitsPosted: bigint
  readonly creditsPending: bigint
  readonly creditsPosted: bigint
}

/** The bank's escrow account, seen from outside: the only one that may be overdrawn. */
export const BANK = 'bank'
/** Credits that are pending here are locked in escrows. */
export const ESCROW = 'escrow'
/** Final payouts that no active epoch counts yet. */
export const ALLOCATABLE = 'allocatable'
/** Payouts of active epochs; what is posted out of it was paid. */
export const ALLOCATED = 'allocated'

/** Stakes of challengers that are not decided yet. */
export const BONDS = 'bonds'

/** Money at the bank that is a party's own: a payer's deposit, what an agent has to pay on. */
export function walletOf(address: Address): string {
  return `wallet:${address.toLowerCase()}`
}

/** What the pool owes a payer or the receiver of fees until it is withdrawn. */
export function creditOf(address: Address): string {
  return `credit:${address.toLowerCase()}`
}

export function emptyAccount(account: string): PoolAccount {
  return {
    account,
    debitsPending: 0n,
    debitsPosted: 0n,
    creditsPending: 0n,
    creditsPosted: 0n,
  }
}

/** What a transfer adds to its two accounts. */
export function balanceChanges(transfer: PoolTransfer): [PoolAccount, PoolAccount] {
  const { kind, amount } = transfer
  const pending = kind === 'pending' ? amount : kind === 'posted' ? 0n : -amount
  const posted = kind === 'posted' || kind === 'post' ? amount : 0n
  return [
    { ...emptyAccount(transfer.debit), debitsPending: pending, debitsPosted: posted },
    { ...emptyAccount(transfer.credit), creditsPending: pending, creditsPosted: posted },
  ]
}

/** What transfers add to each account that they touch. */
export function totalChanges(transfers: readonly PoolTransfer[]): PoolAccount[] {
  const changes = new Map<string, PoolAccount>()
  for (const change of transfers.flatMap(balanceChanges)) {
    const { account } = change
    changes.set(account, addAccount(changes.get(account) ?? emptyAccount(account), change))
  }
  return [...changes.values()].sort((a, b) => (a.account < b.account ? -1 : 1))
}

export function addAccount(before: PoolAccount, change: PoolAccount): PoolAccount {
  return {
    account: before.account,
    debitsPending: before.debitsPending + change.debitsPending,
    debitsPosted: before.debitsPosted + change.debitsPosted,
    creditsPending: before.creditsPending + change.creditsPending,
    creditsPosted: before.creditsPosted + change.creditsPosted,
  }
}

/** Whether an account may stand so: nobody spends what was not posted to him. */
export function isSound(account: PoolAccount): boolean {
  const { debitsPending, debitsPosted, creditsPending, creditsPosted } = account
  if (debitsPending < 0n || creditsPending < 0n) return false
  if (account.account === BANK) return creditsPosted <= debitsPosted
  return debitsPending + debitsPosted <= creditsPosted
}

/** What an account has left to spend. */
export function availableOf(account: PoolAccount): bigint {
  return account.creditsPosted - account.debitsPosted - account.debitsPending
}

/**
 * The counters of the pool, as the contract would say them. `tokenBalance` is what the bank holds
 * less what is the parties' own, so it is summed over other accounts than the rest.
 */
export function poolStateOf(accounts: readonly PoolAccount[], epochs: PoolEpochs): PoolState {
  const find = (name: string) =>
    accounts.find(({ account }) => account === name) ?? emptyAccount(name)
  const sum = (prefix: string) =>
    accounts
      .filter(({ account }) => account.startsWith(prefix))
      .reduce((total, account) => total + availableOf(account), 0n)
  const bank = find(BANK)
  const allocated = find(ALLOCATED)
  return {
    tokenBalance: bank.debitsPosted - bank.creditsPosted - sum('wallet:'),
    locked: find(ESCROW).creditsPending,
    allocatable: availableOf(find(ALLOCATABLE)),
    totalAllocated: allocated.creditsPosted,
    totalClaimed: allocated.debitsPosted,
    credits: sum('credit:'),
    bonds: availableOf(find(BONDS)),
    liveRoot: epochs.liveRoot,
    currentEpoch: epochs.currentEpoch,
  }
}

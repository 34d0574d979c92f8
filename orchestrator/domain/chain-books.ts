import type { ChainEvent, ChainIdentity, PoolState } from './chain.ts'
import type { Address, Hex } from './ids.ts'
import type { PayoutEpoch } from './payout.ts'
import type { PoolAccount, PoolTransfer } from './pool-books.ts'
import { paidByIndex } from './put-off.ts'

/** What the database knows of one payout epoch, without anybody's shares. */
export type BookedEpoch = Pick<PayoutEpoch, 'epoch' | 'root' | 'newTotal' | 'accounts' | 'state'>

/** Everything that has to agree, at one block: the pool, its logs, the token and our ledger. */
export type ChainBooks = {
  readonly identity: ChainIdentity
  /** Up to here events are recorded; the pool's counters are those of this block. */
  readonly cursor: { readonly block: number; readonly hash: Hex }
  readonly events: readonly ChainEvent[]
  readonly pool: PoolState
  readonly balances: readonly { readonly account: string; readonly balance: bigint }[]
  /** Requests and held rests of this database. */
  readonly requestIds: readonly Hex[]
  /** Addresses of the DSOs. */
  readonly payers: readonly Address[]
  readonly epochs: readonly BookedEpoch[]
  /** The double entry of a ledger without a chain; absent on one. */
  readonly transfers?: readonly PoolTransfer[]
  readonly accounts?: readonly PoolAccount[]
}

/** A request or a held rest, as its events tell it. */
export type EscrowByEvents = {
  readonly id: Hex
  readonly amount: bigint
  /** null: still locked. */
  readonly end: 'final' | 'back' | null
  /** Funded by nobody of this database: locked like any other, and none of our business. */
  readonly isStrange: boolean
}

/** What the logs alone add up to. */
export type BalancesByEvents = {
  readonly locked: bigint
  readonly allocatable: bigint
  readonly allocated: bigint
  readonly claimed: bigint
  readonly credits: bigint
  /** Stakes of challengers that are not decided yet. */
  readonly bonds: bigint
  readonly tokenBalance: bigint
  /** Tokens that somebody sent to the pool without asking anything of it. */
  readonly gifts: bigint
  readonly liveEpoch: number
  readonly liveRoot: Hex | null
  readonly escrows: ReadonlyMap<Hex, EscrowByEvents>
  /** By index of the payout tree. */
  readonly paid: ReadonlyMap<number, bigint>
}

type Event<K extends ChainEvent['kind']> = Extract<ChainEvent, { kind: K }>

/** Events of one kind. */
export function eventsOf<K extends ChainEvent['kind']>(
  events: readonly ChainEvent[],
  kind: K,
): Event<K>[] {
  return events.filter((event): event is Event<K> => event.kind === kind)
}

/** In the order of the chain, whatever the order in which they were read. */
export function inChainOrder(events: readonly ChainEvent[]): ChainEvent[] {
  return events.toSorted((a, b) => a.block - b.block || a.logIndex - b.logIndex)
}

/** The last post of each epoch, in the order of their numbers, without those that were rejected. */
export function standingPosts(events: readonly ChainEvent[]): Event<'EpochPosted'>[] {
  const standing = new Map<number, Event<'EpochPosted'>>()
  for (const event of inChainOrder(events)) {
    if (event.kind === 'EpochPosted') standing.set(event.epoch, event)
    if (event.kind === 'EpochRejected') standing.delete(event.epoch)
  }
  return [...standing.values()].toSorted((a, b) => a.epoch - b.epoch)
}

/** Adds up every balance of the pool from its own logs and the token's, and from nothing else. */
export function balancesByEvents(
  books: Pick<ChainBooks, 'events' | 'identity' | 'requestIds' | 'payers'>,
): BalancesByEvents {
  const events = inChainOrder(books.events)
  const escrows = escrowsOf(events, books)
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, one) => total + one, 0n)
  const of = <K extends ChainEvent['kind']>(kind: K, amount: (event: Event<K>) => bigint) =>
    sum(eventsOf(events, kind).map(amount))
  const back =
    of('RequestCancelled', ({ amount }) => amount) + of('RequestRefunded', ({ amount }) => amount)
  const returned = of('PayoutReturned', ({ amount }) => amount)
  const withdrawn = of('CreditWithdrawn', ({ amount }) => amount)
  const split = of('RequestFinalized', ({ fee, refund }) => fee + refund)
  const staked = of('SettlementChallenged', ({ bond }) => bond)
  const decided = of('BondReturned', ({ bond }) => bond) + of('BondForfeited', ({ bond }) => bond)
  const live = eventsOf(events, 'EpochActivated').at(-1)
  const allocated = live?.total ?? 0n
  const { into, out } = flows(events, books.identity.pool)
  const locked = [...escrows.values()].filter(({ end }) => end === null)
  return {
    locked: sum(locked.map(({ amount }) => amount)),
    allocatable: of('RequestFinalized', ({ payout }) => payout) - returned - allocated,
    allocated,
    claimed: of('Paid', ({ amount }) => amount),
    credits: back + returned + split + decided - withdrawn,
    bonds: staked - decided,
    tokenBalance: into - out,
    gifts: into - of('RequestOpened', ({ amount }) => amount) - staked,
    liveEpoch: live?.epoch ?? 0,
    liveRoot: live?.root ?? null,
    escrows,
    paid: paidByIndex(events),
  }
}

function escrowsOf(
  events: readonly ChainEvent[],
  { requestIds, payers }: Pick<ChainBooks, 'requestIds' | 'payers'>,
): Map<Hex, EscrowByEvents> {
  const known = new Set(requestIds)
  const own = new Set(payers.map((payer) => payer.toLowerCase()))
  const escrows = new Map<Hex, EscrowByEvents>()
  const end = (id: Hex, how: 'final' | 'back') => {
    const escrow = escrows.get(id)
    if (escrow) escrows.set(id, { ...escrow, end: how })
  }
  for (const event of events) {
    if (event.kind === 'RequestOpened') {
      const { requestId: id, amount, payer } = event
      const isStrange = !known.has(id) && payer !== undefined && !own.has(payer.toLowerCase())
      escrows.set(id, { id, amount, end: null, isStrange })
    }
    if (event.kind === 'RequestFinalized') end(event.requestId, 'final')
    if (event.kind === 'RestHeld') {
      const { restId: id, amount, requestId } = event
      const isStrange = escrows.get(requestId)?.isStrange ?? false
      escrows.set(id, { id, amount, end: null, isStrange })
    }
    if (event.kind === 'RequestCancelled' || event.kind === 'RequestRefunded') {
      end(event.requestId, 'back')
    }
  }
  return escrows
}

/** What the token says went into the pool and out of it. */
export function flows(
  events: readonly ChainEvent[],
  pool: Address,
): { readonly into: bigint; readonly out: bigint } {
  let [into, out] = [0n, 0n]
  for (const { from, to, amount } of eventsOf(events, 'Transfer')) {
    if (to.toLowerCase() === pool.toLowerCase()) into += amount
    if (from.toLowerCase() === pool.toLowerCase()) out += amount
  }
  return { into, out }
}

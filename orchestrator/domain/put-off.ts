/**
 * A leaf of the payout tree that the pool could not pay stays owed: its own account refused the
 * money (a frozen or reverting wallet), or the day's limit left no room for it.
 */
import type { ChainEvent } from './chain.ts'
import type { Address } from './ids.ts'
import type { PayoutAccount, PayoutEpoch } from './payout.ts'

export type OwedLeaf = {
  readonly index: number
  readonly account: Address
  /** Micro-EUR that wait in the pool. */
  readonly owed: bigint
  /** How often the pool tried in vain to pay just this. */
  readonly tries: number
}

/** After so many tries in vain a leaf waits until it grows, or until its account claims it. */
export const TRIES_MAX = 8

/** The ledger account of what waits in the pool for a leaf that could not be paid. */
export function putOffAccount(index: number): string {
  return `put-off:${index}`
}

/** Where the ledger has what a leaf was paid: the agent's is the first. */
export function paidAccount({ index, account }: Pick<PayoutAccount, 'index' | 'account'>): string {
  return index === 0 ? 'agent' : `wallet:${account.toLowerCase()}`
}

/** What each leaf was paid in all, by index. */
export function paidByIndex(events: readonly ChainEvent[]): Map<number, bigint> {
  const paid = new Map<number, bigint>()
  for (const event of events) {
    if (event.kind !== 'Paid') continue
    paid.set(event.index, (paid.get(event.index) ?? 0n) + event.amount)
  }
  return paid
}

/** The leaves that have not had all of their money, by what the pool itself says. */
export function owedLeaves(
  accounts: readonly PayoutAccount[],
  events: readonly ChainEvent[],
): OwedLeaf[] {
  const paid = paidByIndex(events)
  const lastPaid = new Map<number, ChainEvent>()
  for (const event of events) {
    if (event.kind !== 'Paid') continue
    const last = lastPaid.get(event.index)
    if (last === undefined || isFrom(event, last)) lastPaid.set(event.index, event)
  }
  const inVain = events.filter((event) => event.kind === 'PayoutDeferred')
  return accounts.flatMap(({ index, account, cumulative }) => {
    const owed = cumulative - (paid.get(index) ?? 0n)
    if (owed <= 0n) return []
    // A payment ends the count: the same amount can be owed once more, and was not tried for yet.
    const since = lastPaid.get(index)
    const tries = inVain.filter((event) => {
      const isThis = event.index === index && event.amount === owed
      return isThis && (since === undefined || isFrom(event, since))
    }).length
    return [{ index, account, owed, tries }]
  })
}

/** Whether it stands at the same place as the other event, or later. */
function isFrom(event: ChainEvent, other: ChainEvent): boolean {
  if (event.block !== other.block) return event.block > other.block
  return event.logIndex >= other.logIndex
}

/** Which leaves the pool tried to pay in vain since an epoch is live. */
export function putOffIn(epoch: number, events: readonly ChainEvent[]): Set<number> {
  const activated = events.find((event) => event.kind === 'EpochActivated' && event.epoch === epoch)
  const indices = new Set<number>()
  for (const event of events) {
    if (event.kind !== 'PayoutDeferred' || activated === undefined) continue
    if (isFrom(event, activated)) indices.add(event.index)
  }
  return indices
}

/** Of what a wallet earned in one epoch, the part that still waits in the pool. */
export function putOffOf(
  { accounts }: Pick<PayoutEpoch, 'accounts'>,
  wallet: Address,
  amount: bigint,
  paid: ReadonlyMap<number, bigint>,
): bigint {
  const leaf = accounts.find(({ account }) => account.toLowerCase() === wallet.toLowerCase())
  if (leaf === undefined) return 0n
  const waits = leaf.cumulative - (paid.get(leaf.index) ?? 0n)
  if (waits <= 0n) return 0n
  return waits < amount ? waits : amount
}

type Paid = Extract<ChainEvent, { kind: 'Paid' }>

/**
 * Which of a leaf's payments the ledger still has as put off, with how much of each that is and all
 * that the leaf had had by then. `booked`: the leaf in the last epoch that is booked; what was paid
 * beyond it is booked with its own epoch.
 */
export function latePayments(
  paid: readonly Paid[],
  booked: bigint,
  putOff: bigint,
): { readonly payment: Paid; readonly late: bigint; readonly total: bigint }[] {
  const known = booked - putOff
  let total = 0n
  return paid.flatMap((payment) => {
    const from = total > known ? total : known
    total += payment.amount
    const until = total < booked ? total : booked
    return until > from ? [{ payment, late: until - from, total }] : []
  })
}

/** The posting of a payment that came after its epoch was booked; `total`: what the leaf had then. */
export function latePaymentKey(epoch: number, index: number, total: bigint): string {
  return `late:${epoch}:${index}:${total}`
}

import type { ChainEvent } from '#domain/chain.ts'
import type { LedgerEntry } from '#domain/ledger.ts'
import type { PayoutEpoch } from '#domain/payout.ts'
import {
  latePaymentKey,
  latePayments,
  paidAccount,
  putOffAccount,
  putOffIn,
} from '#domain/put-off.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { orderLatePayments } from './order-payments.ts'
import { chunksOf, isWorthATry, owedNow } from './pay-leaves.ts'
import { tellOwners } from './tell-owners.ts'

type Paid = Extract<ChainEvent, { kind: 'Paid' }>

/**
 * What was put off and has been paid since, by us or claimed by its account, is booked as paid in
 * the epoch that was live then; once the agent has all of it, it pays whom it could not.
 * Safe to run twice.
 */
export async function bookLatePayments(ports: Ports, tx: StoreTransaction): Promise<void> {
  const inVain = await tx.chain.events({ kind: 'PayoutDeferred' })
  if (inVain.length === 0) return
  const epochs = await tx.payouts.list()
  const booked = epochs.find(({ state }) => state === 'paid')
  if (booked === undefined) return
  const paid = (await tx.chain.events({ kind: 'Paid' })) as Paid[]
  for (const index of new Set(indicesOf(inVain))) {
    const putOff = await tx.ledger.balance(putOffAccount(index))
    const leaf = booked.accounts.find((each) => each.index === index)?.cumulative ?? 0n
    const mine = paid.filter((each) => each.index === index)
    let isAgentPaid = false
    for (const { payment, late, total } of latePayments(mine, leaf, putOff)) {
      const at = ports.clock.now()
      const before = await tx.ledger.balance(putOffAccount(index))
      await tx.ledger.post(latePaymentKey(payment.epoch, index, total), [
        { account: putOffAccount(index), amount: -late, at },
        { account: paidAccount(payment), amount: late, at },
      ])
      if ((await tx.ledger.balance(putOffAccount(index))) === before) continue // booked already
      // A later epoch that paid it orders these payments with its own, when it is booked.
      isAgentPaid = index === 0 && payment.epoch === booked.epoch
      const message = `paid ${late} micro-EUR that had been put off`
      const data = { epoch: payment.epoch, amount: late.toString() }
      await tellOwners(ports, tx, epochs, payment, { kind: 'payout-paid', message, data })
    }
    if (!isAgentPaid || (await tx.ledger.balance(putOffAccount(index))) > 0n) continue
    await orderLatePayments(ports, tx, booked)
  }
}

/**
 * Tries once more to pay what the last epoch put off: an epoch's length after it, then after twice
 * as long, and so on, until it was tried often enough. Safe to run twice. Returns when to look
 * again; null: there is nothing to be tried.
 */
export async function payAgain(
  ports: Ports,
  tx: StoreTransaction,
  epoch: PayoutEpoch,
): Promise<Instant | null> {
  const inVain = await tx.chain.events({ kind: 'PayoutDeferred' })
  if (inVain.length === 0) return null
  const seconds = await epochSeconds(ports, tx, epoch)
  const now = ports.clock.now()
  let next: Instant | null = null
  const owed = (await owedNow(tx, epoch)).filter(isWorthATry)
  for (const { first, intent, leaves } of chunksOf(epoch, owed)) {
    const tries = Math.min(...leaves.map((leaf) => leaf.tries))
    const due = addSeconds(epoch.createdAt, seconds * 2 ** tries)
    if (now >= due) await tx.chain.intend(`pay:${epoch.epoch}:${first}:again-${tries}`, intent)
    else next = next === null ? due : instant(Math.min(next, due))
  }
  return next
}

async function epochSeconds(
  { rail }: Ports,
  tx: StoreTransaction,
  { callIds: [callId] }: PayoutEpoch,
): Promise<number> {
  const call = callId === undefined ? null : await tx.calls.find(callId)
  return Math.max(call?.program.epochSeconds ?? 0, rail.parties.epochWindowSeconds, 1)
}

/**
 * What an epoch's leaves wait for once it is finished, against what the ledger has as put off: the
 * entries that make them agree. Nothing is put off but what the pool itself deferred.
 */
export async function putOffEntries(
  tx: StoreTransaction,
  epoch: PayoutEpoch,
  at: Instant,
): Promise<LedgerEntry[]> {
  const inVain = await tx.chain.events({ kind: 'PayoutDeferred' })
  if (inVain.length === 0) return []
  const owed = new Map((await owedNow(tx, epoch)).map((leaf) => [leaf.index, leaf.owed]))
  const entries: LedgerEntry[] = []
  for (const leaf of epoch.accounts.filter(({ index }) => indicesOf(inVain).includes(index))) {
    const before = await tx.ledger.balance(putOffAccount(leaf.index))
    const more = (owed.get(leaf.index) ?? 0n) - before
    if (more === 0n) continue
    entries.push({ account: putOffAccount(leaf.index), amount: more, at })
    entries.push({ account: paidAccount(leaf), amount: -more, at })
  }
  return entries
}

/** The leaves of an epoch that the pool has paid in full, or tried in vain to pay. */
export async function isHandled(tx: StoreTransaction, epoch: PayoutEpoch): Promise<boolean> {
  const previous = await tx.payouts.find(epoch.epoch - 1)
  const before = new Map(previous?.accounts.map((each) => [each.index, each.cumulative]))
  const grown = new Set(
    epoch.accounts
      .filter(({ index, cumulative }) => cumulative > (before.get(index) ?? 0n))
      .map(({ index }) => index),
  )
  const waits = (await owedNow(tx, epoch)).filter(({ index }) => grown.has(index))
  if (waits.length === 0) return true
  const activated = await tx.chain.events({ kind: 'EpochActivated' })
  const inVain = putOffIn(epoch.epoch, [
    ...activated,
    ...(await tx.chain.events({ kind: 'PayoutDeferred' })),
  ])
  return waits.every(({ index }) => inVain.has(index))
}

function indicesOf(events: readonly ChainEvent[]): number[] {
  return events.flatMap((event) => (event.kind === 'PayoutDeferred' ? [event.index] : []))
}

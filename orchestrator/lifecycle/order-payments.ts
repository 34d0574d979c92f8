import {
  type AccountHolder,
  accountAt,
  aggregatorAccount,
  isPayable,
  ownerAccount,
  type SealedAccount,
} from '#domain/bank-account.ts'
import { microEur } from '#domain/money.ts'
import {
  AGENT_DUTY,
  type AccountMovement,
  accountsOf,
  MINOR_PER_CENT,
  movementEntries,
  moveAccounts,
  onAccount,
} from '#domain/payment-order.ts'
import { type PayoutEpoch, type PayoutShare, receiptsOf } from '#domain/payout.ts'
import { payoutChoiceAt } from '#domain/resource.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { tellOwner } from './tell-owners.ts'

/**
 * Books what an epoch puts on each payee's account with the payout agent, and orders a payment for
 * whoever has the agent's minimum there and an account number; for nobody, while the pool could not
 * pay the agent. Safe to run twice.
 */
export async function orderPayments(
  { clock }: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  epoch: PayoutEpoch,
  hasAgent = true,
): Promise<AccountMovement[]> {
  await openAccounts({ clock }, tx, epoch)
  const [key] = orderKeys(epoch.epoch)
  return order({ clock }, tx, { epoch: epoch.epoch, key, shares: epoch.shares, hasAgent })
}

/** The postings under which an epoch moved what payees have on account: when booked, and late. */
export function orderKeys(epoch: number): readonly [string, string] {
  return [`on-account:${epoch}`, `on-account-late:${epoch}`]
}

/**
 * The pool has paid the agent all that it had put off: what the last booked epoch could order for
 * nobody goes to the bank now, and does not wait for another epoch. Safe to run twice.
 */
export async function orderLatePayments(
  ports: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  { epoch, shares }: PayoutEpoch,
): Promise<void> {
  if ((await tx.payments.list({ epoch })).length > 0) return
  const [, key] = orderKeys(epoch)
  const movements = await order(ports, tx, { epoch, key, shares: [], hasAgent: true })
  // Who has a receipt of this epoch keeps it: its payment is shown with it.
  const receipts = receiptsOf(epoch, shares, movements).filter(({ paidCents }) => paidCents > 0n)
  await tx.payouts.saveReceipts(receipts)
  for (const { ownerId, paidCents } of receipts) {
    const amount = (paidCents * MINOR_PER_CENT).toString()
    const message = `${amount} micro-EUR that had waited in the pool go to the bank`
    await tellOwner(ports, tx, ownerId, { kind: 'payout-paid', message, data: { epoch, amount } })
  }
}

type Order = {
  readonly epoch: number
  readonly key: string
  readonly shares: readonly PayoutShare[]
  readonly hasAgent: boolean
}

async function order(
  { clock }: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  { epoch, key, shares, hasAgent }: Order,
): Promise<AccountMovement[]> {
  const now = clock.now()
  const before = accountsOf(await tx.ledger.balances())
  const accounts = await usable(tx, now)
  const least = await leastOf(tx, now)
  const movements = moveAccounts(shares, before, (payee) =>
    hasAgent && accounts.has(payee) ? least(payee) : null,
  )
  await tx.ledger.post(key, movementEntries(epoch, movements, now))
  for (const { payee, cents } of movements) {
    const account = accounts.get(payee)
    if (cents === 0n || account === undefined) continue
    await tx.payments.save({
      epoch,
      payee,
      accountVersion: account.version,
      cents,
      state: 'ordered',
      reason: null,
    })
  }
  return movements
}

async function usable(
  tx: StoreTransaction,
  now: Parameters<typeof accountAt>[1],
): Promise<Map<AccountHolder, SealedAccount>> {
  const byHolder = Map.groupBy(await tx.accounts.list(), ({ holder }) => holder)
  const found = [...byHolder.values()].map((versions) => accountAt(versions, now))
  return new Map(found.filter(isPayable).map((account) => [account.holder, account]))
}

/** The agent's minimum; whoever is paid to a wallet now gets the rest without one. */
async function leastOf(
  tx: StoreTransaction,
  now: Parameters<typeof payoutChoiceAt>[1],
): Promise<(payee: AccountHolder) => bigint> {
  const [agent] = await tx.organisations.list('agent')
  const minimum = agent?.minimumPayoutCents ?? 1n
  const owners = await tx.resources.owners()
  const moved = new Set(
    owners
      .filter((owner) => payoutChoiceAt(owner, now).kind === 'wallet')
      .map(({ id }) => ownerAccount(id)),
  )
  return (payee) => (moved.has(payee) ? 1n : minimum)
}

/**
 * Epochs from before payees had accounts in the ledger: what their receipts carried, and what
 * aggregators earned through the agent, is what they have on account.
 */
async function openAccounts(
  { clock }: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  epoch: PayoutEpoch,
): Promise<void> {
  const balances = await tx.ledger.balances()
  if (epoch.epoch === 1 || balances.some(({ account }) => account === AGENT_DUTY)) return
  const opened = new Map<AccountHolder, bigint>()
  for (const { ownerId, carried } of await tx.payouts.receipts({})) {
    opened.set(ownerAccount(ownerId), carried)
  }
  for (const { shares, epoch: number } of await tx.payouts.list()) {
    if (number >= epoch.epoch) continue
    for (const { payee, amount } of shares) {
      if (payee.kind !== 'aggregator') continue
      const holder = aggregatorAccount(payee.aggregatorId)
      opened.set(holder, microEur((opened.get(holder) ?? 0n) + amount))
    }
  }
  const at = clock.now()
  const total = [...opened.values()].reduce((sum, amount) => sum + amount, 0n)
  await tx.ledger.post('open-accounts', [
    ...[...opened].map(([holder, amount]) => ({ account: onAccount(holder), amount, at })),
    { account: AGENT_DUTY, amount: -total, at },
  ])
}

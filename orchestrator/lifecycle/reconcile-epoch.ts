import type { ChainEvent } from '#domain/chain.ts'
import { sumMoney } from '#domain/money.ts'
import { MINOR_PER_CENT, onAccount } from '#domain/payment-order.ts'
import { payeeKey, type PayoutEpoch } from '#domain/payout.ts'
import { latePaymentKey, owedLeaves, paidAccount } from '#domain/put-off.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { orderKeys } from './order-payments.ts'
import type { Booked, Line } from './reconcile-program.ts'

type Paid = Extract<ChainEvent, { kind: 'Paid' }>

/** An epoch's money by the pool's events, by the ledger, and by shares and payment file. */
export async function epochLines(
  tx: StoreTransaction,
  epoch: PayoutEpoch,
  events: readonly ChainEvent[],
  booked: Booked,
): Promise<Line[]> {
  const { epoch: number, shares } = epoch
  const all = events.filter((event): event is Paid => event.kind === 'Paid')
  const paid = all.filter((event) => event.epoch === number)
  const payments = await tx.payments.list({ epoch: number })
  const inFile = sumMoney(payments.map(({ cents }) => cents * MINOR_PER_CENT))
  const payees = new Set([
    ...shares.filter(({ wallet }) => wallet === null).map(({ payee }) => payeeKey(payee)),
    ...payments.map(({ payee }) => payee),
  ])
  const keys = new Set<string>(orderKeys(number))
  const kept = await Promise.all([...payees].map((payee) => booked(onAccount(payee), keys)))
  const wallets = shares.filter(({ wallet }) => wallet !== null)
  const own = new Set([`epoch:${number}`, ...lateKeys(all, number)])
  const accounts = new Set([
    ...wallets.map(({ wallet }) => `wallet:${wallet?.toLowerCase()}`),
    ...paid.filter(({ index }) => index !== 0).map(paidAccount),
  ])
  const toWallets = await Promise.all([...accounts].map((account) => booked(account, own)))
  const sums = (isAgent: boolean) =>
    sumMoney(paid.filter(({ index }) => (index === 0) === isAgent).map(({ amount }) => amount))
  const before = waiting(await tx.payouts.find(number - 1), all)
  const after = waiting(epoch, all)
  const subject = `payout ${number}`
  return [
    {
      what: "agent's leaf: file and accounts",
      subject,
      events: sums(true),
      ledger: await booked('agent', own),
      documents: inFile + sumMoney(kept) + before.agent - after.agent,
    },
    {
      what: 'wallets',
      subject,
      events: sums(false),
      ledger: sumMoney(toWallets),
      documents: sumMoney(wallets.map(({ amount }) => amount)) + before.wallets - after.wallets,
    },
  ]
}

/** What the pool still had of an epoch's leaves when the next one became live. */
function waiting(
  epoch: PayoutEpoch | null,
  paid: readonly Paid[],
): { readonly agent: bigint; readonly wallets: bigint } {
  if (epoch === null) return { agent: 0n, wallets: 0n }
  const until = paid.filter((event) => event.epoch <= epoch.epoch)
  const owed = owedLeaves(epoch.accounts, until)
  const sums = (isAgent: boolean) =>
    sumMoney(owed.filter(({ index }) => (index === 0) === isAgent).map((leaf) => leaf.owed))
  return { agent: sums(true), wallets: sums(false) }
}

/** Under which late payments while this epoch was live can have been booked. */
function lateKeys(paid: readonly Paid[], epoch: number): string[] {
  const totals = new Map<number, bigint>()
  return paid.flatMap(({ index, amount, epoch: at }) => {
    const total = (totals.get(index) ?? 0n) + amount
    totals.set(index, total)
    return at === epoch ? [latePaymentKey(epoch, index, total)] : []
  })
}

import type { Address } from '#domain/ids.ts'
import type { LedgerEntry } from '#domain/ledger.ts'
import { payeeKey, type PayoutEpoch, receiptsOf } from '#domain/payout.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { orderPayments } from './order-payments.ts'

/**
 * Every leaf of the epoch is paid, or deferred by its own account: books it and writes each
 * owner's receipt. Safe to run twice.
 */
export async function finishEpoch(
  ports: Ports,
  tx: StoreTransaction,
  epoch: PayoutEpoch,
): Promise<null> {
  const previous = await tx.payouts.find(epoch.epoch - 1)
  const due = epoch.accounts.filter((account) => {
    const before = previous?.accounts.find((a) => a.index === account.index)
    return account.cumulative > (before?.cumulative ?? 0n)
  })
  const done = await handled(tx, epoch.epoch)
  if (due.some((account) => !done.has(account.index))) return null
  const movements = await orderPayments(ports, tx, epoch)
  const receipts = receiptsOf(epoch.epoch, epoch.shares, movements)
  await tx.payouts.saveReceipts(receipts)
  await tx.ledger.post(`epoch:${epoch.epoch}`, entriesOf(epoch, ports))
  await tx.payouts.save({ ...epoch, state: 'paid' })
  for (const receipt of receipts) {
    const owner = await tx.resources.owner(receipt.ownerId)
    await tx.events.append([
      {
        kind: 'payout-paid',
        at: ports.clock.now(),
        callId: null,
        resourceId: null,
        organisationIds: owner ? [owner.aggregatorId] : [],
        ownerId: receipt.ownerId,
        notice: false,
        message: `paid ${receipt.amount} micro-EUR in epoch ${epoch.epoch}`,
        data: { epoch: epoch.epoch, amount: receipt.amount.toString() },
      },
    ])
  }
  return null
}

async function handled(tx: StoreTransaction, epoch: number): Promise<ReadonlySet<number>> {
  const paid = await tx.chain.events({ kind: 'Paid' })
  const deferred = await tx.chain.events({ kind: 'PayoutDeferred' })
  const indices = new Set<number>()
  for (const event of paid)
    if (event.kind === 'Paid' && event.epoch === epoch) indices.add(event.index)
  for (const event of deferred) if (event.kind === 'PayoutDeferred') indices.add(event.index)
  return indices
}

/** From what each earned to where it went: the agent, who owes it in SEPA, or a wallet. */
function entriesOf(epoch: PayoutEpoch, ports: Ports): LedgerEntry[] {
  const at = ports.clock.now()
  const sums = new Map<string, bigint>()
  const add = (account: string, amount: bigint) =>
    sums.set(account, (sums.get(account) ?? 0n) + amount)
  for (const { payee, amount, wallet } of epoch.shares) {
    add(payeeKey(payee), 0n - amount)
    add(wallet === null ? 'agent' : `wallet:${(wallet as Address).toLowerCase()}`, amount)
  }
  return [...sums].map(([account, amount]) => ({ account, amount, at }))
}

import type { Address, OwnerId } from '#domain/ids.ts'
import type { LedgerEntry } from '#domain/ledger.ts'
import { type PayoutEpoch, receiptsOf } from '#domain/payout.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

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
  const receipts = receiptsOf(epoch.epoch, epoch.shares, await carriedBefore(tx, epoch))
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

/** What SEPA could not pay in whole cents before. */
async function carriedBefore(tx: StoreTransaction, epoch: PayoutEpoch) {
  const carried = new Map<OwnerId, bigint>()
  for (const share of epoch.shares) {
    if (share.payee.kind !== 'owner' || carried.has(share.payee.ownerId)) continue
    const all = await tx.payouts.receipts({ ownerId: share.payee.ownerId })
    carried.set(share.payee.ownerId, all.filter((r) => r.epoch < epoch.epoch).at(-1)?.carried ?? 0n)
  }
  return (ownerId: OwnerId) => carried.get(ownerId) ?? 0n
}

/** From what each earned to where it went: the agent, who owes it in SEPA, or a wallet. */
function entriesOf(epoch: PayoutEpoch, ports: Ports): LedgerEntry[] {
  const at = ports.clock.now()
  const sums = new Map<string, bigint>()
  const add = (account: string, amount: bigint) =>
    sums.set(account, (sums.get(account) ?? 0n) + amount)
  for (const { payee, amount, wallet } of epoch.shares) {
    const from =
      payee.kind === 'owner' ? `owner:${payee.ownerId}` : `aggregator:${payee.aggregatorId}`
    add(from, 0n - amount)
    add(wallet === null ? 'agent' : `wallet:${(wallet as Address).toLowerCase()}`, amount)
  }
  return [...sums].map(([account, amount]) => ({ account, amount, at }))
}

import type { LedgerEntry } from '#domain/ledger.ts'
import { payeeKey, type PayoutEpoch, type PayoutReceipt, receiptsOf } from '#domain/payout.ts'
import { paidByIndex, putOffAccount, putOffOf } from '#domain/put-off.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { orderPayments } from './order-payments.ts'
import { isHandled, putOffEntries } from './pay-again.ts'
import { tellOwner } from './tell-owners.ts'

/**
 * Every leaf of the epoch is paid, or the pool tried and had to put it off: books it and writes
 * each owner's receipt. What is put off stays owed. Safe to run twice.
 */
export async function finishEpoch(
  ports: Ports,
  tx: StoreTransaction,
  epoch: PayoutEpoch,
): Promise<null> {
  if (!(await isHandled(tx, epoch))) return null
  const at = ports.clock.now()
  const waiting = await putOffEntries(tx, epoch, at)
  await tx.ledger.post(`epoch:${epoch.epoch}`, [...entriesOf(epoch, ports), ...waiting])
  // Of what the pool still has of the agent's leaf, the agent cannot pay anybody.
  const hasAgent = (await tx.ledger.balance(putOffAccount(0))) <= 0n
  const movements = await orderPayments(ports, tx, epoch, hasAgent)
  const receipts = receiptsOf(epoch.epoch, epoch.shares, movements)
  await tx.payouts.saveReceipts(receipts)
  await tx.payouts.save({ ...epoch, state: 'paid' })
  const paid = paidByIndex(await tx.chain.events({ kind: 'Paid' }))
  for (const receipt of receipts) await tell(ports, tx, epoch, receipt, { paid, hasAgent })
  return null
}

async function tell(
  ports: Ports,
  tx: StoreTransaction,
  epoch: PayoutEpoch,
  { ownerId, amount }: PayoutReceipt,
  { paid, hasAgent }: { readonly paid: ReadonlyMap<number, bigint>; readonly hasAgent: boolean },
): Promise<void> {
  const wallets = epoch.shares.flatMap(({ payee, wallet, amount: part }) =>
    payee.kind === 'owner' && payee.ownerId === ownerId && wallet !== null
      ? [{ wallet, part }]
      : [],
  )
  const toWallet = wallets.reduce((sum, { part }) => sum + part, 0n)
  const [first] = wallets
  const waits = first === undefined ? 0n : putOffOf(epoch, first.wallet, toWallet, paid)
  const number = epoch.epoch
  if (waits > 0n) {
    const message =
      `${waits} micro-EUR of epoch ${number} could not be paid to the wallet: they stay owed, ` +
      'are tried again, and can be claimed by the wallet itself'
    const data = { epoch: number, amount: waits.toString() }
    await tellOwner(ports, tx, ownerId, { kind: 'payout-put-off', message, data })
  }
  const withAgent = hasAgent ? 0n : amount - toWallet
  if (withAgent > 0n) {
    const message =
      `${withAgent} micro-EUR of epoch ${number} wait in the pool, which could not pay the payout ` +
      'agent: they stay owed, and go to the bank once it is paid'
    const data = { epoch: number, amount: withAgent.toString() }
    await tellOwner(ports, tx, ownerId, { kind: 'payout-put-off', message, data })
  }
  const had = amount - waits - withAgent
  if (amount > 0n && had === 0n) return
  await tellOwner(ports, tx, ownerId, {
    kind: 'payout-paid',
    message: `paid ${had} micro-EUR in epoch ${number}`,
    data: { epoch: number, amount: had.toString() },
  })
}

/** From what each earned to where it went: the agent, who owes it in SEPA, or a wallet. */
function entriesOf(epoch: PayoutEpoch, ports: Ports): LedgerEntry[] {
  const at = ports.clock.now()
  const sums = new Map<string, bigint>()
  const add = (account: string, amount: bigint) =>
    sums.set(account, (sums.get(account) ?? 0n) + amount)
  for (const { payee, amount, wallet } of epoch.shares) {
    add(payeeKey(payee), 0n - amount)
    add(wallet === null ? 'agent' : `wallet:${wallet.toLowerCase()}`, amount)
  }
  return [...sums].map(([account, amount]) => ({ account, amount, at }))
}

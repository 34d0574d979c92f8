import { accountAt, ownerAccount } from '#domain/bank-account.ts'
import { DomainError } from '#domain/errors.ts'
import type { OwnerId } from '#domain/ids.ts'
import { euros, type MicroEur, microEur } from '#domain/money.ts'
import { MINOR_PER_CENT, onAccount, type Payment } from '#domain/payment-order.ts'
import { putOffAccount } from '#domain/put-off.ts'
import type { PayoutAccount } from '#domain/payout.ts'
import { type PayoutChoice, payoutChoiceAt } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** How an owner is paid, what waits, and why. */
export type PayoutExplained = {
  readonly payout: PayoutChoice
  readonly announced: { readonly payout: PayoutChoice; readonly from: Instant } | null
  /** 'named': money can be sent there; 'waiting': from `accountFrom` on. */
  readonly account: 'none' | 'named' | 'waiting' | 'refused' | 'erased'
  /** When a bank account that was announced takes effect. */
  readonly accountFrom: Instant | null
  readonly onAccount: MicroEur
  /**
   * What the pool could not pay to wallets that are or were the owner's: it stays theirs, and is
   * tried again. Of a wallet that others share, at most what the owner ever earned there.
   */
  readonly putOff: MicroEur
  readonly minimumPayoutCents: bigint
  /** What was sent through the bank, oldest first. */
  readonly payments: readonly Payment[]
  /** The same in one sentence for a person. */
  readonly sentence: string
}

/** @throws DomainError not-found */
export async function explainPayout(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  ownerId: OwnerId,
): Promise<PayoutExplained> {
  return store.transaction(async (tx) => {
    const owner = await tx.resources.owner(ownerId)
    if (owner === null) throw new DomainError('not-found', `no owner ${ownerId}`)
    const now = clock.now()
    const holder = ownerAccount(ownerId)
    const versions = await tx.accounts.of(holder)
    const [agent] = await tx.organisations.list('agent')
    const minimumPayoutCents = agent?.minimumPayoutCents ?? 1n
    const { announced } = owner
    const accountFrom = versions.find(({ from }) => from > now)?.from ?? null
    const found = {
      payout: payoutChoiceAt(owner, now),
      announced: announced !== undefined && announced.from > now ? announced : null,
      account: accountStateOf(accountAt(versions, now), accountFrom),
      accountFrom,
      onAccount: microEur(await tx.ledger.balance(onAccount(holder))),
      putOff: microEur(await putOffNow(tx, ownerId)),
      minimumPayoutCents,
    }
    const payments = await tx.payments.list({ payee: holder })
    return { ...found, payments, sentence: sentence(found) }
  })
}

/** What waits in the pool for wallets that it could not pay, whatever is chosen by now. */
async function putOffNow(tx: StoreTransaction, ownerId: OwnerId): Promise<bigint> {
  const earned = new Map<number, bigint>()
  for (const { accounts, shares } of await tx.payouts.list()) {
    for (const { payee, wallet, amount } of shares) {
      if (payee.kind !== 'owner' || payee.ownerId !== ownerId || wallet === null) continue
      const isIt = ({ account }: PayoutAccount) => account.toLowerCase() === wallet.toLowerCase()
      const index = accounts.find(isIt)?.index
      if (index !== undefined) earned.set(index, (earned.get(index) ?? 0n) + amount)
    }
  }
  let sum = 0n
  for (const [index, most] of earned) {
    const waits = await tx.ledger.balance(putOffAccount(index))
    sum += waits < most ? waits : most
  }
  return sum
}

function accountStateOf(
  account: ReturnType<typeof accountAt>,
  waitsUntil: Instant | null,
): PayoutExplained['account'] {
  if (account === null) return waitsUntil === null ? 'none' : 'waiting'
  if (account.wrappedKey === null) return 'erased'
  return account.refused === null ? 'named' : 'refused'
}

function sentence({
  account,
  onAccount: amount,
  minimumPayoutCents,
  payout,
  putOff,
}: Omit<PayoutExplained, 'payments' | 'sentence'>): string {
  if (putOff > 0n) {
    const which = payout.kind === 'wallet' ? 'your wallet' : 'the wallet that you had named'
    return (
      `${euros(putOff)} could not be paid to ${which} and wait for it in the pool: they are ` +
      'tried again, and the wallet can claim them itself.'
    )
  }
  const kept = `${euros(amount)} is kept on your account`
  if (amount === 0n) return 'Nothing is waiting for you.'
  if (account === 'refused') {
    return `Your bank sent a payment back: ${kept} until you name another bank account.`
  }
  if (account !== 'named') return `${kept} until a bank account of yours is known.`
  const least = payout.kind === 'wallet' ? MINOR_PER_CENT : minimumPayoutCents * MINOR_PER_CENT
  return amount < least
    ? `${kept} and carried forward until it is ${euros(least)}.`
    : `${kept} and goes to your bank with the next payout.`
}

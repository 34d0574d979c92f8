import type { AccountHolder } from './bank-account.ts'
import { keccakText } from './canonical.ts'
import type { Address, OrganisationId } from './ids.ts'
import type { LedgerEntry } from './ledger.ts'
import { type MicroEur, microEur } from './money.ts'
import type { PayoutReceipt, PayoutShare } from './payout.ts'
import { payeeKey } from './payout.ts'
import type { Instant } from './time.ts'

/** One credit transfer of a payout epoch: whole cents to one payee's bank account. */
export type Payment = {
  readonly epoch: number
  readonly payee: AccountHolder
  /** Which version of the payee's account it goes to. */
  readonly accountVersion: number
  readonly cents: bigint
  /** 'returned': it came back, and is on the payee's account again. */
  readonly state: 'ordered' | 'returned'
  /** Why it came back: an ISO 20022 reason code, or 'erased'. */
  readonly reason: string | null
}

/** Fixed when the payout agent first takes an epoch's file, so that it is the same ever after. */
export type PaymentFile = {
  readonly epoch: number
  readonly agentId: OrganisationId
  /** Which version of the agent's account pays. */
  readonly debtorVersion: number
  readonly createdAt: Instant
}

/** What one epoch does to a payee's account with the payout agent. */
export type AccountMovement = {
  readonly payee: AccountHolder
  readonly before: bigint
  readonly credited: MicroEur
  readonly cents: bigint
  readonly after: MicroEur
}

export const MINOR_PER_CENT = 10_000n

/**
 * What an epoch adds to each payee's account with the agent, and what is paid from it: all whole
 * cents once the account holds as much as `leastCents` says; null: there is nowhere to pay to.
 */
export function moveAccounts(
  shares: readonly PayoutShare[],
  before: ReadonlyMap<AccountHolder, bigint>,
  leastCents: (payee: AccountHolder) => bigint | null,
): AccountMovement[] {
  const credited = new Map<AccountHolder, bigint>()
  for (const { payee, amount, wallet } of shares) {
    const key = payeeKey(payee)
    if (wallet === null) credited.set(key, (credited.get(key) ?? 0n) + amount)
  }
  const payees = [...new Set([...before.keys(), ...credited.keys()])].sort()
  return payees.flatMap((payee) => {
    const old = before.get(payee) ?? 0n
    const added = credited.get(payee) ?? 0n
    const whole = (old + added) / MINOR_PER_CENT
    const least = leastCents(payee)
    const cents = least !== null && whole > 0n && whole >= least ? whole : 0n
    if (added === 0n && cents === 0n) return []
    const after = microEur(old + added - cents * MINOR_PER_CENT)
    return [{ payee, before: old, credited: microEur(added), cents, after }]
  })
}

/** The same in the ledger, what comes and what goes apart; the entries sum to zero. */
export function movementEntries(
  epoch: number,
  movements: readonly AccountMovement[],
  at: Instant,
): LedgerEntry[] {
  const credited = movements.reduce((sum, movement) => sum + movement.credited, 0n)
  const paid = movements.reduce((sum, { cents }) => sum + cents * MINOR_PER_CENT, 0n)
  return [
    ...movements.flatMap(({ payee, credited: amount, cents }) => [
      { account: onAccount(payee), amount, at },
      { account: onAccount(payee), amount: -cents * MINOR_PER_CENT, at },
    ]),
    { account: sepaAccount(epoch), amount: paid, at },
    { account: AGENT_DUTY, amount: -credited, at },
  ].filter(({ amount }) => amount !== 0n)
}

/**
 * A receipt with a payment that was ordered after it was written, once the pool had paid the agent
 * late: the payment took all whole cents.
 */
export function receiptWith(receipt: PayoutReceipt, payments: readonly Payment[]): PayoutReceipt {
  const payment = payments.find(({ epoch }) => epoch === receipt.epoch)
  if (payment === undefined || payment.cents <= receipt.paidCents) return receipt
  const carried = microEur(receipt.carried % MINOR_PER_CENT)
  return { ...receipt, paidCents: payment.cents, carried }
}

/** A payment that came back: from the epoch's transfers to the payee's account again. */
export function returnEntries({ epoch, payee, cents }: Payment, at: Instant): LedgerEntry[] {
  const amount = cents * MINOR_PER_CENT
  return [
    { account: sepaAccount(epoch), amount: -amount, at },
    { account: onAccount(payee), amount, at },
  ]
}

/** All that the agent was ever handed for payees, with a minus: what it owes or has paid. */
export const AGENT_DUTY = 'agent-duty'

const ON_ACCOUNT = 'on-account:'

/** The ledger account of what a payee has with the agent. */
export function onAccount(payee: AccountHolder): string {
  return `${ON_ACCOUNT}${payee}`
}

/** The ledger account of what an epoch's file pays and did not come back. */
export function sepaAccount(epoch: number): string {
  return `sepa:${epoch}`
}

/** What each payee has on account; those who have nothing are left out. */
export function accountsOf(
  balances: readonly { account: string; balance: bigint }[],
): Map<AccountHolder, bigint> {
  return new Map(
    balances
      .filter(({ account, balance }) => account.startsWith(ON_ACCOUNT) && balance !== 0n)
      .map(({ account, balance }) => [account.slice(ON_ACCOUNT.length) as AccountHolder, balance]),
  )
}

/**
 * Names epoch and payee to the bank and back, at most 35 characters, without personal data: an
 * owner's id may be a name, so its hash stands here.
 */
export function endToEndId({ epoch, payee }: Pick<Payment, 'epoch' | 'payee'>): string {
  return `GC-E${epoch}-${keccakText(payee).slice(2, 18)}`
}

/** One message per pool and epoch, whatever else the agent pays; at most 35 characters. */
export function messageId(pool: Address, epoch: number): string {
  return `GC-${pool.slice(2, 14).toLowerCase()}-E${epoch}`
}

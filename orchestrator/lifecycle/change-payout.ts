import {
  type AccountHolder,
  type BankAccount,
  ownerAccount,
  parseBankAccount,
} from '#domain/bank-account.ts'
import { checkAddress } from '#domain/enrolment.ts'
import { DomainError } from '#domain/errors.ts'
import type { Address, OwnerId } from '#domain/ids.ts'
import { type Owner, type PayoutChoice, payoutChoiceAt } from '#domain/resource.ts'
import { addSeconds, formatInstant, type Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { keepAccount, payableAccount } from './keep-account.ts'

/** Who takes over a key has to wait so long before any money moves, and its owner is told at once. */
export const PAYOUT_DELAY_SECONDS = 48 * 3600

export type NewChoice =
  | {
      readonly kind: 'agent'
      /** Absent: to the account that is known. */
      readonly iban?: string | undefined
      readonly name?: string | undefined
    }
  | { readonly kind: 'wallet'; readonly address: Address }

/**
 * Announces where an owner's money goes; it takes effect after 48 hours, for payout epochs that
 * begin then. It takes the place of what was announced before, and saying what counts already
 * only takes that back. The first account of an owner who never had one counts at once.
 * @throws DomainError bad-iban, malformed, wrong-state
 */
export async function changePayout(
  ports: Ports,
  ownerId: OwnerId,
  input: NewChoice,
): Promise<Owner> {
  const holder = ownerAccount(ownerId)
  const account =
    input.kind === 'agent' && input.iban !== undefined
      ? parseBankAccount('payout', { iban: input.iban, name: input.name })
      : null
  const choice: PayoutChoice =
    input.kind === 'agent'
      ? { kind: 'agent' }
      : { kind: 'wallet', address: checkAddress('address', input.address) }
  const changed = await ports.store.transaction(async (tx) => {
    const owner = await tx.resources.owner(ownerId)
    if (owner === null) throw new DomainError('not-found', `no owner ${ownerId}`)
    const now = ports.clock.now()
    const current = payoutChoiceAt(owner, now)
    await takeBack(tx, holder, now)
    const versions = await tx.accounts.of(holder)
    const isFirst = account !== null && versions.length === 0 && current.kind === 'agent'
    const from = isFirst ? now : addSeconds(now, PAYOUT_DELAY_SECONDS)
    await announceAccount(ports, tx, { holder, account, choice, from, now })
    const base = { id: owner.id, aggregatorId: owner.aggregatorId, payout: current }
    const next = isSame(current, choice) ? base : { ...base, announced: { payout: choice, from } }
    await tx.resources.saveOwner(next)
    const isWaiting = next !== base || (account !== null && !isFirst)
    await tx.events.append([changeEvent(owner, now, sentence(choice, isWaiting ? from : null))])
    return next
  })
  await ports.wakeUps.notify('events')
  return changed
}

/** Accounts that wait to take effect are destroyed: nobody was ever paid to them. */
async function takeBack(tx: StoreTransaction, holder: AccountHolder, now: Instant): Promise<void> {
  for (const account of await tx.accounts.of(holder)) {
    if (account.from > now) await tx.accounts.remove(holder, account.version)
  }
}

async function announceAccount(
  ports: Ports,
  tx: StoreTransaction,
  wanted: {
    readonly holder: AccountHolder
    readonly account: BankAccount | null
    readonly choice: PayoutChoice
    readonly from: Instant
    readonly now: Instant
  },
): Promise<void> {
  const { holder, account, choice, from, now } = wanted
  if (account !== null) await keepAccount(ports, tx, holder, account, from)
  else if (choice.kind === 'agent' && (await payableAccount(tx, holder, now)) === null) {
    const told = 'no bank account is known that money can be sent to: give its IBAN'
    throw new DomainError('wrong-state', told)
  }
}

function isSame(a: PayoutChoice, b: PayoutChoice): boolean {
  return a.kind === 'wallet' && b.kind === 'wallet' ? a.address === b.address : a.kind === b.kind
}

function sentence({ kind }: PayoutChoice, from: Instant | null): string {
  const where = kind === 'agent' ? 'to a bank account' : 'to a wallet'
  return from === null
    ? `payouts go ${where}; nothing else is announced`
    : `from ${formatInstant(from)} on payouts go ${where} that was named now; if that was not you, say so before`
}

function changeEvent(owner: Owner, at: Instant, message: string) {
  return {
    kind: 'payout-changed' as const,
    at,
    callId: null,
    resourceId: null,
    organisationIds: [owner.aggregatorId],
    ownerId: owner.id,
    notice: false,
    message,
    data: {},
  }
}

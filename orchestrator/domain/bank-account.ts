import { fieldError } from './errors.ts'
import { type Iban, parseIban } from './iban.ts'
import type { OrganisationId, OwnerId } from './ids.ts'
import { isSepaText } from './sepa-text.ts'
import type { Instant } from './time.ts'
import type { Brand } from './units.ts'

/** Whose account: an owner's, an aggregator's, or that of the payout agent, which pays. */
export type AccountHolder = Brand<string, 'AccountHolder'>

/** Where money goes to, or comes from, through the bank. Personal data: sealed wherever it is kept. */
export type BankAccount = {
  readonly iban: Iban
  /** Who holds it, as the bank knows them; null: not told, the payment then names the id. */
  readonly name: string | null
}

/**
 * A bank account as it is kept: under a data key of its own, which is wrapped by a key that is not
 * in the database. Each change is a new version; what has been ordered names the version it used.
 */
export type SealedAccount = {
  readonly holder: AccountHolder
  readonly version: number
  /** Which key wraps the data key. */
  readonly keyId: string
  /** null: destroyed, nobody can read the account again. */
  readonly wrappedKey: string | null
  readonly sealed: string
  /** Nothing is paid to it before. */
  readonly from: Instant
  /** Why the bank sent a payment back (ISO 20022 reason code); null: it did not. */
  readonly refused: string | null
}

export function ownerAccount(id: OwnerId): AccountHolder {
  return `owner:${id}` as AccountHolder
}

export function aggregatorAccount(id: OrganisationId): AccountHolder {
  return `aggregator:${id}` as AccountHolder
}

export function agentAccount(id: OrganisationId): AccountHolder {
  return `agent:${id}` as AccountHolder
}

/** The version that counts at an instant, usable or not; null: none has begun. */
export function accountAt(versions: readonly SealedAccount[], at: Instant): SealedAccount | null {
  return versions.filter(({ from }) => from <= at).at(-1) ?? null
}

/** Whether money can be sent there. */
export function isPayable(account: SealedAccount | null): account is SealedAccount {
  return account !== null && account.wrappedKey !== null && account.refused === null
}

/** @throws DomainError bad-iban, malformed */
export function parseBankAccount(
  field: string,
  input: { readonly iban: string; readonly name?: string | undefined },
): BankAccount {
  const name = input.name?.trim() ?? null
  // 70 characters: SEPA credit transfer rulebook, AT-E001; ISO 20022 itself would take 140.
  if (name !== null && (name.length < 1 || name.length > 70 || !isSepaText(name))) {
    const expected = '1 to 70 letters, digits or / - ? : ( ) . , and blanks'
    throw fieldError('malformed', `${field}.name`, expected, 'a name that is not repeated here')
  }
  return { iban: parseIban(input.iban, `${field}.iban`), name }
}

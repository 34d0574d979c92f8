import type { BankAccount } from './bank-account.ts'
import type { Instant } from './time.ts'

/** One payment of a file, as the payee's bank shows it. */
export type CreditTransfer = {
  readonly endToEndId: string
  /** At least 1. */
  readonly cents: bigint
  readonly creditor: BankAccount & { readonly name: string }
  /** What it is for, in plain words. */
  readonly remittance: string
}

/** What a payout agent hands to its bank for one epoch. Personal data. */
export type CreditTransferFile = {
  readonly messageId: string
  readonly createdAt: Instant
  readonly debtor: BankAccount & { readonly name: string }
  /** At least one. */
  readonly transfers: readonly CreditTransfer[]
}

/** Whole cents as a decimal number of euros: 61 is 0.61. */
export function decimalEuros(cents: bigint): string {
  return `${cents / 100n}.${(cents % 100n).toString().padStart(2, '0')}`
}

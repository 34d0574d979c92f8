import {
  type AccountHolder,
  accountAt,
  type BankAccount,
  isPayable,
  type SealedAccount,
} from '#domain/bank-account.ts'
import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** Keeps a bank account, sealed, as the holder's next version; it counts from an instant on. */
export async function keepAccount(
  { vault }: Pick<Ports, 'vault'>,
  tx: StoreTransaction,
  holder: AccountHolder,
  account: BankAccount,
  from: Instant,
): Promise<SealedAccount> {
  const versions = await tx.accounts.of(holder)
  const place = { holder, version: (versions.at(-1)?.version ?? 0) + 1 }
  const kept = { ...place, ...vault.seal(place, account), from, refused: null }
  await tx.accounts.save(kept)
  return kept
}

/** The account that money can be sent to at an instant; null: there is none. */
export async function payableAccount(
  tx: StoreTransaction,
  holder: AccountHolder,
  at: Instant,
): Promise<SealedAccount | null> {
  const account = accountAt(await tx.accounts.of(holder), at)
  return isPayable(account) ? account : null
}

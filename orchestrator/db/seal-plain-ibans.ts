import { sql } from 'drizzle-orm'
import { ownerAccount } from '#domain/bank-account.ts'
import type { Iban } from '#domain/iban.ts'
import type { OwnerId } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import type { AccountVault } from '#ports.ts'
import type { Transaction } from './connection.ts'
import { bankAccounts } from './schema-records.ts'

/**
 * Moves account numbers that an older program kept in plain text into the sealed table.
 * @throws Error with a sentence where there are some and no vault is at hand
 */
export async function sealPlainIbans(
  tx: Transaction,
  openVault: (() => Promise<AccountVault>) | undefined,
): Promise<void> {
  const { rows } = await tx.execute<{ owner_id: string; iban: string }>(
    sql`SELECT owner_id, iban FROM gridcall.ibans ORDER BY owner_id`,
  )
  if (rows.length === 0) return
  if (openVault === undefined) {
    throw new Error(
      `this database holds ${rows.length} account numbers in plain text, which only the API's ` +
        'process can seal: start gridcall with --role all or api once',
    )
  }
  const vault = await openVault()
  const sealed = rows.map(({ owner_id, iban }) => {
    const place = { holder: ownerAccount(owner_id as OwnerId), version: 1 }
    const account = vault.seal(place, { iban: iban as Iban, name: null })
    return { ...place, ...account, from: instant(0), refused: null }
  })
  for (const row of sealed) await tx.insert(bankAccounts).values(row)
}

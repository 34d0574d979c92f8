import type { Ports } from '#ports.ts'

/**
 * Makes a new key for bank accounts and wraps every account's data key in it; then the old ones
 * are forgotten. Killed in between, both open what they sealed, and it can be done again.
 */
export async function rotateAccountKey(
  ports: Ports,
): Promise<{ readonly keyId: string; readonly accounts: number }> {
  const keyId = await ports.vault.addKey()
  const accounts = await ports.store.transaction(async (tx) => {
    const readable = (await tx.accounts.list()).filter(({ wrappedKey }) => wrappedKey !== null)
    for (const account of readable) await tx.accounts.save(ports.vault.rewrap(account))
    return readable.length
  })
  await ports.vault.dropOldKeys()
  return { keyId, accounts }
}

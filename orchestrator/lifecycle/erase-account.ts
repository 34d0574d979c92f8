import type { AccountHolder } from '#domain/bank-account.ts'
import type { Ports } from '#ports.ts'
import { putBack } from './return-payment.ts'

/**
 * Destroys the keys of every version of a holder's bank account: nobody can read it again, not
 * from a copy of the database of today either. Payments that the agent has not taken yet are put
 * back on the holder's account, where all amounts stay. Safe to run twice.
 */
export async function eraseAccount(ports: Ports, holder: AccountHolder): Promise<void> {
  const changed = await ports.store.transaction(async (tx) => {
    await tx.payouts.lock()
    const versions = await tx.accounts.of(holder)
    const readable = versions.filter(({ wrappedKey }) => wrappedKey !== null)
    for (const account of readable) await tx.accounts.save({ ...account, wrappedKey: null })
    for (const payment of await tx.payments.list({ payee: holder })) {
      const isTaken = (await tx.payments.file(payment.epoch)) !== null
      if (!isTaken) await putBack(ports, tx, payment, 'erased')
    }
    return readable.length > 0
  })
  if (changed) await ports.wakeUps.notify('events')
}

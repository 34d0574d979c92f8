import { and, asc, eq } from 'drizzle-orm'
import type { BankAccountRepository, PaymentRepository } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { bankAccounts, paymentFiles, payments } from './schema-records.ts'

export function bankAccountRepository(tx: Transaction): BankAccountRepository {
  const inOrder = [asc(bankAccounts.holder), asc(bankAccounts.version)]
  return {
    async save({ holder, version, ...rest }) {
      await tx
        .insert(bankAccounts)
        .values({ holder, version, ...rest })
        .onConflictDoUpdate({ target: [bankAccounts.holder, bankAccounts.version], set: rest })
    },
    async remove(holder, version) {
      await tx
        .delete(bankAccounts)
        .where(and(eq(bankAccounts.holder, holder), eq(bankAccounts.version, version)))
    },
    of: async (holder) =>
      tx
        .select()
        .from(bankAccounts)
        .where(eq(bankAccounts.holder, holder))
        .orderBy(...inOrder),
    list: async () =>
      tx
        .select()
        .from(bankAccounts)
        .orderBy(...inOrder),
  }
}

export function paymentRepository(tx: Transaction): PaymentRepository {
  return {
    async save({ epoch, payee, ...rest }) {
      await tx
        .insert(payments)
        .values({ epoch, payee, ...rest })
        .onConflictDoUpdate({ target: [payments.epoch, payments.payee], set: rest })
    },
    list: async ({ epoch, payee }) =>
      tx
        .select()
        .from(payments)
        .where(
          and(
            epoch === undefined ? undefined : eq(payments.epoch, epoch),
            payee === undefined ? undefined : eq(payments.payee, payee),
          ),
        )
        .orderBy(asc(payments.epoch), asc(payments.payee)),
    async saveFile(file) {
      await tx.insert(paymentFiles).values(file).onConflictDoNothing()
    },
    async file(epoch) {
      const [row] = await tx.select().from(paymentFiles).where(eq(paymentFiles.epoch, epoch))
      return row ?? null
    },
  }
}

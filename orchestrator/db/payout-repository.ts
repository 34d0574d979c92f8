import { and, asc, desc, eq } from 'drizzle-orm'
import { microEur } from '#domain/money.ts'
import type { PayoutReceipt } from '#domain/payout.ts'
import type { PayoutRepository } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import type { Transaction } from './connection.ts'
import { payoutEpochs, payoutReceipts } from './schema-records.ts'

export function payoutRepository(tx: Transaction): PayoutRepository {
  return {
    async save(epoch) {
      const { state, newTotal, createdAt } = epoch
      const rest = { state, newTotal, createdAt, body: epoch }
      await tx
        .insert(payoutEpochs)
        .values({ epoch: epoch.epoch, ...rest })
        .onConflictDoUpdate({ target: payoutEpochs.epoch, set: rest })
    },
    async find(epoch) {
      const [row] = await tx.select().from(payoutEpochs).where(eq(payoutEpochs.epoch, epoch))
      return row?.body ?? null
    },
    async list() {
      const rows = await tx.select().from(payoutEpochs).orderBy(desc(payoutEpochs.epoch))
      return rows.map((row) => row.body)
    },
    lock: async () => lockByName(tx, ['payouts']),
    async saveReceipts(receipts) {
      if (receipts.length === 0) return
      await tx
        .insert(payoutReceipts)
        .values([...receipts])
        .onConflictDoNothing()
    },
    async receipts({ epoch, ownerId }) {
      const rows = await tx
        .select()
        .from(payoutReceipts)
        .where(
          and(
            epoch === undefined ? undefined : eq(payoutReceipts.epoch, epoch),
            ownerId === undefined ? undefined : eq(payoutReceipts.ownerId, ownerId),
          ),
        )
        .orderBy(asc(payoutReceipts.epoch), asc(payoutReceipts.ownerId))
      return rows.map(
        (row): PayoutReceipt => ({
          ...row,
          amount: microEur(row.amount),
          carried: microEur(row.carried),
        }),
      )
    },
  }
}

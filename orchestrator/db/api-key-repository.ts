import { count, eq } from 'drizzle-orm'
import type { ApiKeyRepository } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { apiKeys } from './schema-records.ts'

export function apiKeyRepository(tx: Transaction): ApiKeyRepository {
  return {
    async save({ keySha256, ...rest }) {
      await tx
        .insert(apiKeys)
        .values({ keySha256, ...rest })
        .onConflictDoUpdate({ target: apiKeys.keySha256, set: rest })
    },
    async find(keySha256) {
      const [row] = await tx.select().from(apiKeys).where(eq(apiKeys.keySha256, keySha256))
      return row ?? null
    },
    async count() {
      const [row] = await tx.select({ keys: count() }).from(apiKeys)
      return row?.keys ?? 0
    },
  }
}

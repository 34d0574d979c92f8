import { and, asc, gte, lte } from 'drizzle-orm'
import type { SignedRecordRepository } from '#store-ports.ts'
import { anyOf } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { signedRecords } from './schema.ts'

export function signedRecordRepository(tx: Transaction): SignedRecordRepository {
  return {
    async append(records) {
      if (records.length === 0) return 0
      const kept = await tx
        .insert(signedRecords)
        .values([...records])
        .onConflictDoNothing()
        .returning({ hash: signedRecords.hash })
      return kept.length
    },
    between: async (resourceIds, from, until) =>
      tx
        .select()
        .from(signedRecords)
        .where(
          and(
            anyOf(signedRecords.resourceId, resourceIds),
            gte(signedRecords.at, from),
            lte(signedRecords.at, until),
          ),
        )
        .orderBy(asc(signedRecords.resourceId), asc(signedRecords.at), asc(signedRecords.hash)),
  }
}

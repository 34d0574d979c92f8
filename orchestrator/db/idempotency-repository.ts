import { and, eq } from 'drizzle-orm'
import type { IdempotencyRepository } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { requests } from './schema-records.ts'

export function idempotencyRepository(tx: Transaction): IdempotencyRepository {
  return {
    async begin(organisationId, key, requestHash) {
      // Waits for another transaction that has just taken the key, until that one has ended.
      const taken = await tx
        .insert(requests)
        .values({ organisationId, key, requestHash, status: 0, body: '' })
        .onConflictDoNothing()
        .returning({ key: requests.key })
      if (taken.length > 0) return null
      const [known] = await tx
        .select({
          status: requests.status,
          body: requests.body,
          requestHash: requests.requestHash,
        })
        .from(requests)
        .where(and(eq(requests.organisationId, organisationId), eq(requests.key, key)))
      if (known === undefined)
        throw new Error(`the request under ${key} vanished while it was read`)
      return known
    },
    async finish(organisationId, key, status, body) {
      const finished = await tx
        .update(requests)
        .set({ status, body })
        .where(and(eq(requests.organisationId, organisationId), eq(requests.key, key)))
        .returning({ key: requests.key })
      if (finished.length === 0) throw new Error(`no request was begun under ${key}`)
    },
  }
}

import { and, asc, eq, gte, lt, sql } from 'drizzle-orm'
import type { PromiseRepository } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import { anyOf, bigintArray, textArray } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { promises } from './schema.ts'

export function promiseRepository(tx: Transaction): PromiseRepository {
  return {
    async take(callId, wanted) {
      if (wanted.length === 0) return []
      // In one order, so that two calls that want the same cannot block each other for ever.
      const ordered = wanted.toSorted(
        (a, b) => order(a.resourceId, b.resourceId) || a.periodStart - b.periodStart,
      )
      const { rows: made } = await tx.execute<{ resource_id: string; period_start: string }>(sql`
        INSERT INTO ${promises} (resource_id, period_start, call_id)
        SELECT resource_id, period_start, ${callId} FROM unnest(
          ${textArray(ordered.map((w) => w.resourceId))},
          ${bigintArray(ordered.map((w) => w.periodStart))}
        ) AS wanted (resource_id, period_start)
        ON CONFLICT (resource_id, period_start) DO NOTHING
        RETURNING resource_id, period_start`)
      const taken = new Set(made.map((row) => `${row.resource_id} ${row.period_start}`))
      // Each once, also where the same was wanted twice.
      return wanted.filter((w) => taken.delete(`${w.resourceId} ${w.periodStart}`))
    },
    lockCongestionPoint: async (id) => lockByName(tx, [`congestion point ${id}`]),
    taken: async (resourceIds, from, until) =>
      tx
        .select()
        .from(promises)
        .where(
          and(
            anyOf(promises.resourceId, resourceIds),
            gte(promises.periodStart, from),
            lt(promises.periodStart, until),
          ),
        )
        .orderBy(asc(promises.resourceId), asc(promises.periodStart)),
    async release(callId, from, resourceIds) {
      await tx
        .delete(promises)
        .where(
          and(
            eq(promises.callId, callId),
            gte(promises.periodStart, from),
            resourceIds === undefined ? undefined : anyOf(promises.resourceId, resourceIds),
          ),
        )
    },
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

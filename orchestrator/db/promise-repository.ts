import { and, asc, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { CallId } from '#domain/ids.ts'
import { LONGEST_PERIOD_SECONDS, type PromisedPeriod } from '#domain/promised.ts'
import { addSeconds } from '#domain/time.ts'
import type { PromiseRepository } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import { anyOf, bigintArray, textArray } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { promises } from './schema.ts'

export function promiseRepository(tx: Transaction): PromiseRepository {
  return {
    async take(callId, wanted, role) {
      if (wanted.length === 0) return []
      // In one order, so that two calls that want the same cannot block each other for ever.
      const ordered = wanted.toSorted(
        (a, b) => order(a.resourceId, b.resourceId) || a.periodStart - b.periodStart,
      )
      const own = role === 'order' ? await fromReserve(tx, callId, ordered) : []
      // DO NOTHING without a target: the key and the exclusion constraint both count.
      const { rows: made } = await tx.execute<Made>(sql`
        INSERT INTO ${promises} (resource_id, period_start, period_end, call_id, role)
        SELECT resource_id, period_start, period_end, ${callId}, ${role}
        FROM ${unnested(ordered)}
        ON CONFLICT DO NOTHING
        RETURNING resource_id, period_start`)
      const taken = new Set([...own, ...made].map((r) => `${r.resource_id} ${r.period_start}`))
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
            gte(promises.periodStart, addSeconds(from, -LONGEST_PERIOD_SECONDS)),
            lt(promises.periodStart, until),
            gt(promises.periodEnd, from),
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

type Made = { resource_id: string; period_start: string }

function unnested(wanted: readonly PromisedPeriod[]): SQL {
  return sql`unnest(
    ${textArray(wanted.map((w) => w.resourceId))},
    ${bigintArray(wanted.map((w) => w.periodStart))},
    ${bigintArray(wanted.map((w) => w.periodEnd))}
  ) AS wanted (resource_id, period_start, period_end)`
}

/** What the call had in reserve becomes its order; returns what did. */
async function fromReserve(
  tx: Transaction,
  callId: CallId,
  wanted: readonly PromisedPeriod[],
): Promise<Made[]> {
  const { rows } = await tx.execute<Made>(sql`
    UPDATE ${promises} AS mine SET role = 'order' FROM ${unnested(wanted)}
    WHERE mine.resource_id = wanted.resource_id
      AND mine.period_start = wanted.period_start
      AND mine.period_end = wanted.period_end
      AND mine.call_id = ${callId} AND mine.role = 'reserve'
    RETURNING mine.resource_id, mine.period_start`)
  return rows
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

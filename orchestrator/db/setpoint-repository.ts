import { and, asc, desc, eq, getTableColumns, max, sql } from 'drizzle-orm'
import type { SetpointProgress, SetpointRow } from '#domain/dispatch-instruction.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { SetpointRepository } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import { anyOf, textArray } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { setpoints } from './schema.ts'

const { ordinal: _ordinal, ...columns } = getTableColumns(setpoints)
/** Rows per INSERT: 15 parameters each, of 65 534 that the protocol allows. */
const ROWS_AT_ONCE = 1000
const NOTHING_YET: SetpointProgress = {
  acknowledgedAt: null,
  effectiveAt: null,
  effectiveW: null,
  refusal: null,
  strategy: null,
  observedAt: null,
  observedW: null,
}

export function setpointRepository(tx: Transaction): SetpointRepository {
  return {
    async order(wanted) {
      const versions = await lockVersions(tx, [...new Set(wanted.map((w) => w.resourceId))])
      const rows = wanted.map((w): SetpointRow => {
        const version = (versions.get(w.resourceId) ?? 0) + 1
        versions.set(w.resourceId, version)
        return { ...w, version, ...NOTHING_YET }
      })
      for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
        await tx.insert(setpoints).values(rows.slice(first, first + ROWS_AT_ONCE))
      }
      return rows
    },
    current: async (resourceIds) =>
      tx
        .select(columns)
        .from(setpoints)
        .where(
          sql`(${setpoints.resourceId}, ${setpoints.version}) IN (
            SELECT id, (SELECT max(version) FROM ${setpoints} WHERE resource_id = id)
            FROM ${resourceIds === undefined ? everyResource : sql`unnest(${textArray(resourceIds)})`} AS ids (id))`,
        )
        .orderBy(asc(setpoints.resourceId)),
    ofResource: async (resourceId, limit) =>
      tx
        .select(columns)
        .from(setpoints)
        .where(eq(setpoints.resourceId, resourceId))
        .orderBy(desc(setpoints.version))
        .limit(limit),
    ofCall: async (callId) =>
      tx
        .select(columns)
        .from(setpoints)
        .where(eq(setpoints.callId, callId))
        .orderBy(asc(setpoints.ordinal)),
    async progress(resourceId, version, progress) {
      const known = Object.fromEntries(
        Object.entries(progress).filter(([, value]) => value !== null && value !== undefined),
      )
      const updated = await tx
        .update(setpoints)
        .set({ version, ...known }) // the version itself: SET must not be empty
        .where(and(eq(setpoints.resourceId, resourceId), eq(setpoints.version, version)))
        .returning({ version: setpoints.version })
      if (updated.length === 0) {
        throw new Error(`no setpoint ${version} was ordered for ${resourceId}`)
      }
    },
  }
}

/** Jumps from one resource to the next in the primary key: its time is per resource, not per row. */
const everyResource = sql`(
  WITH RECURSIVE found (id) AS (
    (SELECT resource_id FROM ${setpoints} ORDER BY resource_id LIMIT 1)
    UNION ALL
    SELECT (SELECT resource_id FROM ${setpoints} WHERE resource_id > id
            ORDER BY resource_id LIMIT 1)
    FROM found WHERE id IS NOT NULL
  ) SELECT id FROM found WHERE id IS NOT NULL)`

/** The newest version of each resource, which nobody else can raise until this transaction ends. */
async function lockVersions(
  tx: Transaction,
  resourceIds: readonly ResourceId[],
): Promise<Map<ResourceId, number>> {
  if (resourceIds.length === 0) return new Map()
  await lockByName(
    tx,
    resourceIds.map((id) => `setpoints of ${id}`),
  )
  const rows = await tx
    .select({ resourceId: setpoints.resourceId, version: max(setpoints.version) })
    .from(setpoints)
    .where(anyOf(setpoints.resourceId, resourceIds))
    .groupBy(setpoints.resourceId)
  return new Map(rows.map((row) => [row.resourceId, row.version ?? 0]))
}

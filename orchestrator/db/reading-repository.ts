import { and, asc, getTableColumns, gte, lte, sql } from 'drizzle-orm'
import type { GatewayId, Hex, ResourceId } from '#domain/ids.ts'
import type { Reading } from '#domain/telemetry.ts'
import type { ReadingRepository } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import { anyOf, bigintArray, textArray } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { readings } from './schema.ts'

const columns = getTableColumns(readings)

/**
 * The hot path is one INSERT … SELECT unnest(…), with one parameter per column however many rows,
 * on the transaction's own connection: a reading is stored together with what is concluded from
 * it, or not at all.
 */
export function readingRepository(tx: Transaction): ReadingRepository {
  return {
    async append(batch) {
      if (batch.length === 0) return 0
      for (const reading of batch) requireWhole(reading)
      // In one order, so that two batches cannot block each other; of two equals the first stays.
      const rows = batch.toSorted((a, b) => byResource(a, b) || a.at - b.at)
      const result = await tx.execute(sql`
        INSERT INTO ${readings} (resource_id, at, power_w, register_wh, soc_bp, quality,
          received_at, gateway_id, sequence, previous_hash, hash, signature)
        SELECT * FROM unnest(
          ${textArray(rows.map((r) => r.resourceId))}, ${bigintArray(rows.map((r) => r.at))},
          ${bigintArray(rows.map((r) => r.powerW))}, ${bigintArray(rows.map((r) => r.registerWh))},
          ${bigintArray(rows.map((r) => r.socBp))}, ${textArray(rows.map((r) => r.quality))},
          ${bigintArray(rows.map((r) => r.receivedAt))},
          ${textArray(rows.map((r) => r.gatewayId))}, ${bigintArray(rows.map((r) => r.sequence))},
          ${textArray(rows.map((r) => r.previousHash))}, ${textArray(rows.map((r) => r.hash))},
          ${textArray(rows.map((r) => r.signature))})
        ON CONFLICT (resource_id, at) DO NOTHING`)
      return result.rowCount ?? 0
    },
    between: async (resourceIds, from, until) =>
      tx
        .select(columns)
        .from(readings)
        .where(
          and(
            anyOf(readings.resourceId, resourceIds),
            gte(readings.at, from),
            lte(readings.at, until),
          ),
        )
        .orderBy(asc(readings.resourceId), asc(readings.at)),
    registersAt: async (resourceIds, instants) =>
      tx
        .select({
          resourceId: readings.resourceId,
          at: readings.at,
          registerWh: readings.registerWh,
        })
        .from(readings)
        .where(
          and(
            anyOf(readings.resourceId, resourceIds),
            sql`${readings.at} = ANY (${bigintArray(instants)})`,
          ),
        )
        .orderBy(asc(readings.resourceId), asc(readings.at)),
    lastBefore: async (resourceIds, at) =>
      tx
        .select(columns)
        .from(readings)
        .where(
          sql`(${readings.resourceId}, ${readings.at}) IN (
            SELECT id, (SELECT max(at) FROM ${readings} WHERE resource_id = id AND at <= ${at})
            FROM unnest(${textArray(resourceIds)}) AS ids (id))`,
        )
        .orderBy(asc(readings.resourceId)),
    async chainHeads(gatewayId) {
      await lockByName(tx, [`chains of ${gatewayId}`])
      return chainHeads(tx, gatewayId)
    },
  }
}

/** Jumps along the index from one resource's last sequence to the next resource's. */
async function chainHeads(
  tx: Transaction,
  gatewayId: GatewayId,
): Promise<{ resourceId: ResourceId; sequence: number; hash: Hex }[]> {
  const { rows: heads } = await tx.execute<{
    resource_id: ResourceId
    sequence: string
    hash: Hex
  }>(sql`
    WITH RECURSIVE resources_of_gateway (id) AS (
      (SELECT min(resource_id) FROM ${readings} WHERE gateway_id = ${gatewayId})
      UNION ALL
      SELECT (SELECT min(resource_id) FROM ${readings}
              WHERE gateway_id = ${gatewayId} AND resource_id > id)
      FROM resources_of_gateway WHERE id IS NOT NULL
    )
    SELECT head.* FROM resources_of_gateway
    CROSS JOIN LATERAL (
      SELECT resource_id, sequence, hash FROM ${readings}
      WHERE gateway_id = ${gatewayId} AND resource_id = id ORDER BY sequence DESC LIMIT 1
    ) AS head
    WHERE id IS NOT NULL ORDER BY head.resource_id`)
  return heads.map((row) => ({
    resourceId: row.resource_id,
    sequence: Number(row.sequence),
    hash: row.hash,
  }))
}

/** No float after the meter: whoever made the reading rounds it, before it is signed. */
function requireWhole(reading: Reading): void {
  const { powerW, registerWh, socBp } = reading
  for (const [name, value] of Object.entries({ powerW, registerWh, socBp })) {
    if (value !== null && !Number.isSafeInteger(value)) {
      throw new RangeError(
        `${name} of ${reading.resourceId} at ${reading.at} must be whole, got ${value}`,
      )
    }
  }
}

function byResource(a: Reading, b: Reading): number {
  return a.resourceId < b.resourceId ? -1 : a.resourceId > b.resourceId ? 1 : 0
}

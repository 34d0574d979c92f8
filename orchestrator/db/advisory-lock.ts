import { sql } from 'drizzle-orm'
import type { Transaction } from './connection.ts'

/**
 * Waits for and keeps named locks until the transaction ends; they are taken in one order, so
 * that two transactions with the same names cannot block each other.
 */
export async function lockByName(tx: Transaction, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await tx.execute(sql`
    SELECT pg_advisory_xact_lock(key) FROM (
      SELECT DISTINCT hashtextextended(name, 0) AS key
      FROM unnest(${sql.param(names)}::text[]) AS name ORDER BY key
    ) AS ordered`)
}

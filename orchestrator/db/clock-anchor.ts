import { type Instant, instant } from '#domain/time.ts'
import type { Log } from '#ports.ts'
import { connect, inTransaction, type Transaction } from './connection.ts'
import { fromDatabase } from './database-error.ts'
import { clockAnchor } from './schema.ts'

/** business = businessMs + (wall now − wallMs) × speed. */
export type ClockAnchor = {
  readonly wallMs: number
  readonly businessMs: Instant
  /** Business seconds per wall second; more than 0. */
  readonly speed: number
}

type Where = { readonly url: string; readonly log: Log }

/** The anchor of this database; null: none was set yet. Needs a migrated database. */
export async function readAnchor(where: Where): Promise<ClockAnchor | null> {
  return withDatabase(where, anchorIn)
}

async function anchorIn(tx: Transaction): Promise<ClockAnchor | null> {
  const [row] = await tx.select().from(clockAnchor)
  if (row === undefined) return null
  return { wallMs: row.wallMs, businessMs: instant(row.businessMs), speed: row.speed }
}

/** Asks for the anchor again and again over one connection, until another process has set it. */
export async function awaitAnchor(
  where: Where,
  pauses: () => Promise<boolean>,
): Promise<ClockAnchor | null> {
  const pool = connect({ ...where, poolSize: 1, name: 'gridcall clock' })
  try {
    do {
      try {
        const anchor = await inTransaction(pool, anchorIn)
        if (anchor !== null) return anchor
      } catch (error) {
        where.log.warn('the clock could not be read', { error: String(fromDatabase(error)) })
      }
    } while (await pauses())
    return null
  } finally {
    await pool.end()
  }
}

/** Sets the anchor, over one that is there. @throws RangeError for a speed that is not positive. */
export async function writeAnchor(where: Where, anchor: ClockAnchor): Promise<void> {
  if (!(anchor.speed > 0 && Number.isFinite(anchor.speed) && Number.isFinite(anchor.wallMs))) {
    throw new RangeError(`an anchor needs a wall time and a positive speed, got ${anchor.speed}`)
  }
  const { wallMs, businessMs, speed } = anchor
  await withDatabase(where, async (tx) => {
    await tx
      .insert(clockAnchor)
      .values({ id: 1, wallMs, businessMs, speed })
      .onConflictDoUpdate({ target: clockAnchor.id, set: { wallMs, businessMs, speed } })
  })
}

async function withDatabase<T>(
  { url, log }: Where,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const pool = connect({ url, log, poolSize: 1, name: 'gridcall clock' })
  try {
    return await inTransaction(pool, work)
  } catch (error) {
    throw fromDatabase(error)
  } finally {
    await pool.end()
  }
}

import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import type { Log } from '#ports.ts'
import { isSilence } from './database-error.ts'

/** drizzle over the one connection that a transaction holds. */
export type Transaction = NodePgDatabase<Record<string, never>>

/** How long anything may take, in wall milliseconds: nothing waits without an end. */
export type Deadlines = {
  /** For a free connection of the pool, or for the server to take a new one. */
  readonly connectionMs: number
  readonly lockMs: number
  readonly statementMs: number
  /** The server ends a statement itself; this much later we believe that it is not there. */
  readonly silenceMs: number
  /** A transaction whose process does nothing is ended by the server. */
  readonly idleInTransactionMs: number
}

export const DEADLINES: Deadlines = {
  connectionMs: 10_000,
  lockMs: 10_000,
  statementMs: 20_000,
  silenceMs: 5000,
  idleInTransactionMs: 30_000,
}

export type ConnectOptions = {
  readonly url: string
  readonly log: Log
  /** Connections at most; the embedded server allows 100 in all. */
  readonly poolSize: number
  /** Shown in pg_stat_activity. */
  readonly name: string
  readonly deadlines?: Deadlines
}

/**
 * A pool with deadlines; it connects when it is first used. The driver is pg: postgres.js 3.4 ends
 * the whole process when a connection breaks while a statement is about to be written.
 */
export function connect(options: ConnectOptions): pg.Pool {
  const { url, log, poolSize, name, deadlines = DEADLINES } = options
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max: poolSize,
    keepAlive: true,
    idleTimeoutMillis: 60_000,
    connectionTimeoutMillis: deadlines.connectionMs,
    statement_timeout: deadlines.statementMs,
    query_timeout: deadlines.statementMs + deadlines.silenceMs,
    lock_timeout: deadlines.lockMs,
    idle_in_transaction_session_timeout: deadlines.idleInTransactionMs,
  })
  pool.on('error', (error) => log.warn('a database connection broke', { error: error.message }))
  return pool
}

/**
 * Runs work in one transaction: all of it, or nothing. The connection goes back to the pool only
 * if it is known to be clean.
 * @throws what the work threw, or what broke the connection
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | null = null
  const onError = (error: Error) => {
    broken ??= error
  }
  client.on('error', onError) // without a listener it would end the process
  let isClean = false
  try {
    await client.query('BEGIN')
    const result = await work(drizzle(client, { casing: 'snake_case' }))
    await commit(client)
    isClean = true
    return result
  } catch (error) {
    const cause = broken ?? error // what broke the connection says more than "it is broken"
    // A server that is silent would not answer to ROLLBACK either.
    isClean = !isSilence(cause) && (await rollback(client))
    throw cause
  } finally {
    client.off('error', onError)
    client.release(!isClean)
  }
}

/** PostgreSQL answers COMMIT with ROLLBACK, and no error, if a statement failed before. */
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT')
  if (command !== 'COMMIT') {
    throw new Error('a statement of the transaction failed and its error was not passed on')
  }
}

/** True if nothing of the transaction is left on the connection. */
async function rollback(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK')
    return true
  } catch {
    return false // broken: the server undoes what is left when it notices
  }
}

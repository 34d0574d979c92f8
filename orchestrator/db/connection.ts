import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import type { Log } from '#ports.ts'

/** A database, or the one connection of it that a transaction holds. */
export type Database = PostgresJsDatabase<Record<string, never>>
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

/** How long anything may take, in wall milliseconds: nothing waits without an end. */
export const DEADLINES = {
  /** For a free connection of the pool, or for the server to come back. */
  connectionMs: 10_000,
  lockMs: 10_000,
  statementMs: 20_000,
  /** A transaction whose process does nothing is ended by the server. */
  idleInTransactionMs: 30_000,
} as const

export type ConnectOptions = {
  readonly url: string
  readonly log: Log
  /** Connections at most; the embedded server allows 100 in all. */
  readonly poolSize: number
  /** Shown in pg_stat_activity. */
  readonly name: string
}

/** A client of postgres.js with deadlines; it connects when it is first used. */
export function connect({ url, log, poolSize, name }: ConnectOptions): postgres.Sql {
  return postgres(url, {
    max: poolSize,
    connect_timeout: DEADLINES.connectionMs / 1000,
    idle_timeout: 60,
    // The default waits up to 20 s before it tries again: too long after a restarted server.
    backoff: (attempt) => Math.min(0.05 * 2 ** attempt, 1),
    onnotice: (notice) => {
      if (notice.severity === 'WARNING') log.warn('database warning', { message: notice.message })
    },
    connection: {
      application_name: name,
      statement_timeout: DEADLINES.statementMs,
      lock_timeout: DEADLINES.lockMs,
      idle_in_transaction_session_timeout: DEADLINES.idleInTransactionMs,
    },
  })
}

/** drizzle over a client; the client's serialisers for json and dates are drizzle's from here on. */
export function openDatabase(client: postgres.Sql): Database {
  return drizzle(client, { casing: 'snake_case' })
}

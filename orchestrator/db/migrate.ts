import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import type { AccountVault, Log } from '#ports.ts'
import { connect, type Deadlines, inTransaction, type Transaction } from './connection.ts'
import { fromDatabase } from './database-error.ts'
import { sealPlainIbans } from './seal-plain-ibans.ts'

const FOLDER = new URL('./migrations/', import.meta.url)
/** 'grid' in ASCII: one migrator at a time per database. */
const LOCK_KEY = 0x67726964
const OLDEST_SERVER = 16
/** A migration may take its time, and whoever starts meanwhile waits for it. */
const DEADLINES: Deadlines = {
  connectionMs: 10_000,
  lockMs: 120_000,
  statementMs: 120_000,
  silenceMs: 5000,
  idleInTransactionMs: 30_000,
}

/** What stands in a table that this drops is sealed first, in the same transaction. */
const DROPS_PLAIN = 'DROP TABLE "gridcall"."ibans"'

type Migration = { version: number; name: string; sha256: string; statements: string[] }

export type MigrateOptions = {
  readonly url: string
  readonly log: Log
  /** Asked for where a database still holds account numbers that are not sealed. */
  readonly openVault?: () => Promise<AccountVault>
}

/**
 * Brings the database to this program's version, all missing migrations in one transaction, one
 * program at a time. @throws Error with a sentence for an older server, a newer or edited schema.
 */
export async function migrate({ url, log, openVault }: MigrateOptions): Promise<void> {
  const migrations = await readMigrations()
  const pool = connect({ url, log, poolSize: 1, name: 'gridcall migrate', deadlines: DEADLINES })
  try {
    const applied = await inTransaction(pool, async (tx) => {
      await requireServer(tx)
      await tx.execute(sql`SELECT pg_advisory_xact_lock(${LOCK_KEY})`)
      return applyMissing(tx, migrations, openVault)
    })
    for (const { name } of applied) log.info('database migrated', { migration: name })
  } catch (error) {
    throw fromDatabase(error)
  } finally {
    await pool.end()
  }
}

async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (name, index) => {
      const text = await readFile(new URL(name, FOLDER), 'utf8')
      if (!name.startsWith(`${String(index).padStart(4, '0')}_`)) {
        throw new Error(`migration ${index} must begin with its number, got ${name}`)
      }
      return {
        version: index + 1,
        name,
        sha256: createHash('sha256').update(text).digest('hex'),
        statements: text.split('--> statement-breakpoint'),
      }
    }),
  )
}

async function requireServer(tx: Transaction): Promise<void> {
  const { rows } = await tx.execute<{ number: number; name: string }>(sql`
    SELECT current_setting('server_version_num')::int AS number,
           current_setting('server_version') AS name`)
  const [row] = rows
  if (row === undefined || row.number < OLDEST_SERVER * 10_000) {
    throw new Error(
      `Gridcall needs PostgreSQL ${OLDEST_SERVER} or newer, but this database is ` +
        `${row?.name ?? 'of unknown version'}: use a newer server in DATABASE_URL.`,
    )
  }
}

async function applyMissing(
  tx: Transaction,
  migrations: readonly Migration[],
  openVault: MigrateOptions['openVault'],
): Promise<Migration[]> {
  await tx.execute(sql`CREATE SCHEMA IF NOT EXISTS gridcall_migrations`)
  await tx.execute(sql`CREATE TABLE IF NOT EXISTS gridcall_migrations.applied (
    version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL)`)
  const { rows: applied } = await tx.execute<{ version: number; name: string; sha256: string }>(
    sql`SELECT version, name, sha256 FROM gridcall_migrations.applied ORDER BY version`,
  )
  for (const row of applied) {
    const known = migrations[row.version - 1]
    if (known === undefined) {
      throw new Error(
        `This database was migrated by a newer Gridcall (${row.name}), this program knows ` +
          `${migrations.length} migrations: start the newer program, or use another database.`,
      )
    }
    if (known.sha256 !== row.sha256) {
      throw new Error(
        `The database holds another ${row.name} than this program (${known.name}): a migration ` +
          'that was applied must never be edited; use the program that made the database.',
      )
    }
  }
  const missing = migrations.slice(applied.length)
  for (const migration of missing) {
    for (const statement of migration.statements) {
      if (statement.includes(DROPS_PLAIN)) await sealPlainIbans(tx, openVault)
      await tx.execute(sql.raw(statement))
    }
    const { version, name, sha256 } = migration
    await tx.execute(
      sql`INSERT INTO gridcall_migrations.applied VALUES (${version}, ${name}, ${sha256})`,
    )
  }
  return missing
}

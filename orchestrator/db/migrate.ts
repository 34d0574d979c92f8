import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type postgres from 'postgres'
import type { Log } from '#ports.ts'
import { connect } from './connection.ts'
import { fromDatabase } from './database-error.ts'

const FOLDER = new URL('./migrations/', import.meta.url)
/** 'grid' in ASCII: one migrator at a time per database. */
const LOCK_KEY = 0x67726964
const OLDEST_SERVER = 16

type Migration = { version: number; name: string; sha256: string; statements: string[] }

/**
 * Brings the database to this program's version, all missing migrations in one transaction, one
 * program at a time. @throws Error with a sentence for an older server, a newer or edited schema.
 */
export async function migrate({ url, log }: { url: string; log: Log }): Promise<void> {
  const migrations = await readMigrations()
  const client = connect({ url, log, poolSize: 1, name: 'gridcall migrate' })
  try {
    const applied = await client.begin(async (tx) => {
      await requireServer(tx)
      await tx`SET LOCAL lock_timeout = '60s'`
      await tx`SET LOCAL statement_timeout = '60s'`
      await tx`SELECT pg_advisory_xact_lock(${LOCK_KEY})`
      return applyMissing(tx, migrations)
    })
    for (const { name } of applied) log.info('database migrated', { migration: name })
  } catch (error) {
    throw fromDatabase(error)
  } finally {
    await client.end({ timeout: 5 })
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

async function requireServer(tx: postgres.TransactionSql): Promise<void> {
  const [row] = await tx<{ number: number; name: string }[]>`
    SELECT current_setting('server_version_num')::int AS number,
           current_setting('server_version') AS name`
  if (row === undefined || row.number < OLDEST_SERVER * 10_000) {
    throw new Error(
      `Gridcall needs PostgreSQL ${OLDEST_SERVER} or newer, but this database is ` +
        `${row?.name ?? 'of unknown version'}: use a newer server in DATABASE_URL.`,
    )
  }
}

async function applyMissing(
  tx: postgres.TransactionSql,
  migrations: readonly Migration[],
): Promise<Migration[]> {
  await tx`CREATE SCHEMA IF NOT EXISTS gridcall_migrations`
  await tx`CREATE TABLE IF NOT EXISTS gridcall_migrations.applied (
    version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL)`
  const applied = await tx<{ version: number; name: string; sha256: string }[]>`
    SELECT version, name, sha256 FROM gridcall_migrations.applied ORDER BY version`
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
    for (const statement of migration.statements) await tx.unsafe(statement)
    const { version, name, sha256 } = migration
    await tx`INSERT INTO gridcall_migrations.applied VALUES (${version}, ${name}, ${sha256})`
  }
  return missing
}

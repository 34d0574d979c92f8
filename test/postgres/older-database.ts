import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type postgres from 'postgres'

const MIGRATIONS = new URL('../../orchestrator/db/migrations/', import.meta.url)

/** Makes of an empty database what a program before a migration, named by its number, left. */
export async function migrateBefore(admin: postgres.Sql, number: string): Promise<void> {
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql')).sort()
  const before = names.filter((name) => name < `${number}_`)
  await admin`CREATE SCHEMA gridcall_migrations`
  await admin`CREATE TABLE gridcall_migrations.applied (
    version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL)`
  for (const [index, name] of before.entries()) {
    const text = await readFile(new URL(name, MIGRATIONS), 'utf8')
    for (const statement of text.split('--> statement-breakpoint')) await admin.unsafe(statement)
    const sha256 = createHash('sha256').update(text).digest('hex')
    await admin`INSERT INTO gridcall_migrations.applied VALUES (${index + 1}, ${name}, ${sha256})`
  }
}

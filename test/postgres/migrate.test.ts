import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readAnchor, writeAnchor } from '#db/clock-anchor.ts'
import { migrate } from '#db/migrate.ts'
import * as schema from '#db/schema.ts'
import * as control from '#db/schema-control.ts'
import * as pool from '#db/schema-pool.ts'
import * as records from '#db/schema-records.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { NOW } from './samples.ts'

type Kit = typeof import('drizzle-kit/api')
type Json = ReturnType<Kit['generateDrizzleJson']>
const kit = createRequire(import.meta.url)('drizzle-kit/api') as Kit
const { generateDrizzleJson, generateMigration } = kit

let database: TestDatabase
let admin: postgres.Sql
const log = recordingLog()

beforeEach(async () => {
  database = await createTestDatabase()
  admin = postgres(database.url, { max: 1, onnotice: () => undefined })
})
afterEach(async () => {
  await admin.end()
  await database.drop()
})

const migrateIt = () => migrate({ url: database.url, log })

describe('migrations', () => {
  test('a database of a newer program is refused with a sentence, and left as it is', async () => {
    await migrateIt()
    await admin`INSERT INTO gridcall_migrations.applied VALUES (99, '0098_future.sql', 'x')`
    await expect(migrateIt()).rejects.toThrow(
      /migrated by a newer Gridcall \(0098_future.sql\).*start the newer program/,
    )
  })

  test('a migration that was edited after it was applied is refused', async () => {
    await migrateIt()
    await admin`UPDATE gridcall_migrations.applied SET sha256 = 'other' WHERE version = 1`
    await expect(migrateIt()).rejects.toThrow(/holds another 0000_.* must never be edited/)
  })

  test('a server that cannot be reached is one sentence', async () => {
    const url = 'postgres://gridcall@127.0.0.1:1/none'
    await expect(migrate({ url, log })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the database cannot be reached'),
    })
  })

  test('all of them or none: what fails leaves nothing behind', async () => {
    await admin`CREATE SCHEMA gridcall` // somebody else's
    await expect(migrateIt()).rejects.toThrow('already exists')
    const schemas = await admin`
      SELECT 1 FROM information_schema.schemata WHERE schema_name = 'gridcall_migrations'`
    expect(schemas.length).toBe(0)
  })

  test('many programs that start at once migrate once', async () => {
    await Promise.all([migrateIt(), migrateIt(), migrateIt()])
    const [row] = await admin<{ count: number }[]>`
      SELECT count(*)::int AS count FROM gridcall_migrations.applied`
    expect(row?.count).toBeGreaterThan(1)
    await migrateIt() // and once more changes nothing
  })

  test('make every table and column that the schema files name, and no other', async () => {
    await migrateIt()
    const made = await admin<{ name: string }[]>`
      SELECT table_name || '.' || column_name || ' ' ||
        CASE WHEN collation_name = 'C' THEN data_type || ' collate "C"' ELSE data_type END ||
        CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END AS name
      FROM information_schema.columns WHERE table_schema = 'gridcall'`
    const tables = [schema, records, pool, control]
      .flatMap((file): unknown[] => Object.values(file))
      .flatMap((each) => (is(each, PgTable) ? [each as PgTable] : []))
    const named = tables.flatMap((table) => {
      const { name, columns, primaryKeys } = getTableConfig(table)
      const inKey = new Set(primaryKeys.flatMap((key) => key.columns))
      return columns.map((column) => {
        const type = column
          .getSQLType()
          .replace(/^bigserial$/, 'bigint')
          .replace(/\(.*\)/, '')
        const required = column.notNull || inKey.has(column) ? ' not null' : ''
        return `${name}.${snakeCase(column.name)} ${type}${required}`
      })
    })
    expect(made.map((row) => row.name).sort()).toEqual(named.sort())
  })

  test('leave nothing of the schema files to be generated', async () => {
    const { readings: _readings, ...rest } = schema
    expect(await notGenerated({ ...rest, ...records, ...pool, ...control })).toContain(
      'DROP TABLE "gridcall"."readings" CASCADE;',
    )
    expect(await notGenerated({ ...schema, ...records, ...pool, ...control })).toEqual([])
  })

  test.each(['events', 'evidence', 'ledger_entries', 'feeders'])(
    '%s can only be added to',
    async (table) => {
      await migrateIt()
      const name = admin(`gridcall.${table}`)
      await expect(admin`DELETE FROM ${name}`).rejects.toThrow(`${table} is append-only`)
      await expect(admin`TRUNCATE ${name}`).rejects.toThrow(`${table} is append-only`)
      const texts = { events: 'message', evidence: 'bundle', ledger_entries: 'account' }
      const column = { ...texts, feeders: 'congestion_point_id' }[table] ?? ''
      const update = admin`UPDATE ${name} SET ${admin(column)} = 'changed'`
      await expect(update).rejects.toThrow(`${table} is append-only`)
    },
  )
})

describe('the clock anchor', () => {
  test('is null before it is set, and the last one after', async () => {
    await migrateIt()
    const where = { url: database.url, log }
    expect(await readAnchor(where)).toBeNull()
    const wrong = { wallMs: 1, businessMs: NOW, speed: 0 }
    await expect(writeAnchor(where, wrong)).rejects.toThrow('a positive speed, got 0')
    await writeAnchor(where, { wallMs: 1_700_000_000_000.25, businessMs: NOW, speed: 1 })
    const anchor = { wallMs: 1_700_000_000_123.5, businessMs: NOW, speed: 60 }
    await writeAnchor(where, anchor)
    expect(await readAnchor(where)).toEqual(anchor)
  })
})

function snakeCase(name: string): string {
  return name.replace(/[A-Z]|\d+/g, (part) => (/\d/.test(part) ? part : `_${part.toLowerCase()}`))
}

/** What drizzle-kit would write as the next migration. */
async function notGenerated(tables: Record<string, unknown>): Promise<string[]> {
  const folder = new URL('../../orchestrator/db/migrations/meta/', import.meta.url)
  const newest = (await readdir(folder)).filter((name) => name.endsWith('_snapshot.json')).sort()
  const snapshot = JSON.parse(await readFile(new URL(newest.at(-1) ?? '', folder), 'utf8')) as Json
  const now = generateDrizzleJson(tables, snapshot.id, ['gridcall'], 'snake_case')
  return generateMigration(snapshot, now)
}

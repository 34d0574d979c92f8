import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { inject } from 'vitest'
import { startEmbeddedPostgres } from '#adapters/embedded-postgres/embedded-postgres.ts'
import { recordingLog } from './recording-log.ts'
import { wallTimer } from './wall-timer.ts'

export type TestDatabase = {
  readonly url: string
  /** Breaks off what is still connected and deletes the database. */
  drop(): Promise<void>
}

/** What every database of a kind begins with. Built once per run, then cloned. */
export type Template = {
  /** Lower-case letters, digits and underscores. */
  readonly name: string
  /** Fills an empty database, for instance by migrations, and leaves no connection open. */
  prepare(url: string): Promise<void>
}

/** A test's data may be lost in a crash: nobody reads it afterwards. */
const settings = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_connections: '200',
}

let serverUrl: Promise<string> | undefined

/** The run's one server; whoever asks first starts it, and the end of the run stops it. */
async function startServer(): Promise<string> {
  const dataDir = join(inject('testRunFolder'), 'postgres')
  const log = recordingLog()
  const { url } = await startEmbeddedPostgres({ dataDir, log, timer: wallTimer, settings })
  return url
}

/** A fresh database of its own on the run's embedded PostgreSQL: empty, or a clone of a template. */
export async function createTestDatabase(
  options: { readonly template?: Template } = {},
): Promise<TestDatabase> {
  serverUrl ??= startServer()
  const url = await serverUrl
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  const name = `test_${randomBytes(8).toString('hex')}`
  try {
    const template = options.template
    const source = template === undefined ? 'template0' : await ensureTemplate(sql, url, template)
    await sql.unsafe(`create database ${name} template ${source}`)
  } finally {
    await sql.end()
  }
  return { url: at(url, name), drop: () => dropDatabase(url, name) }
}

function at(url: string, name: string): string {
  const other = new URL(url)
  other.pathname = `/${name}`
  return other.href
}

async function dropDatabase(url: string, name: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    await sql.unsafe(`drop database if exists ${name} with (force)`)
  } finally {
    await sql.end()
  }
}

/** Under a lock, because test files run at the same time. */
async function ensureTemplate(sql: Sql, url: string, template: Template): Promise<string> {
  if (!/^[a-z0-9_]+$/.test(template.name)) {
    throw new RangeError(`expected lower-case letters, digits and _, got ${template.name}`)
  }
  const name = `template_${template.name}`
  await sql`select pg_advisory_lock(hashtext(${name}))`
  const found = await sql`select 1 from pg_database where datname = ${name}`
  if (found.length === 0) {
    const making = `making_${randomBytes(8).toString('hex')}`
    await sql.unsafe(`create database ${making} template template0`)
    await template.prepare(at(url, making))
    await sql.unsafe(`alter database ${making} rename to ${name}`)
  }
  await sql`select pg_advisory_unlock(hashtext(${name}))`
  return name
}

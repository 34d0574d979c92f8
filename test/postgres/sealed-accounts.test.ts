import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openAccountVault } from '#adapters/local-keys/account-vault.ts'
import { migrate } from '#db/migrate.ts'
import { createPostgresStore } from '#db/store.ts'
import { ownerAccount, parseBankAccount } from '#domain/bank-account.ts'
import { ownerId } from '#domain/ids.ts'
import { eraseAccount } from '#lifecycle/erase-account.ts'
import { keepAccount } from '#lifecycle/keep-account.ts'
import type { Ports } from '#ports.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { migrateBefore } from './older-database.ts'
import { NOW } from './samples.ts'

const OWNER = ownerAccount(ownerId('anna'))

let database: TestDatabase
let admin: postgres.Sql
let folder: string
beforeEach(async () => {
  database = await createTestDatabase()
  admin = postgres(database.url, { max: 1, onnotice: () => undefined })
  folder = await mkdtemp(join(tmpdir(), 'sealed-'))
})
afterEach(async () => {
  await admin.end()
  await database.drop()
  await rm(folder, { recursive: true })
})

const log = recordingLog()
const openVault = () => openAccountVault({ file: join(folder, 'iban.key'), mayMake: true })

/** An account number that no other test writes anywhere, with the check digits that it needs. */
function unusedIban(): string {
  const account = String(BigInt(`0x${createHash('sha256').update(folder).digest('hex')}`))
  const bban = account.slice(0, 18)
  const check = 98n - (BigInt(`${bban}131400`) % 97n) // D = 13, E = 14 (ISO 7064 mod 97-10)
  return `DE${String(check).padStart(2, '0')}${bban}`
}

describe('account numbers of an older program', () => {
  test('are not migrated by a process that has no key, and stay where they are', async () => {
    await olderDatabase([['anna', unusedIban()]])
    await expect(migrate({ url: database.url, log })).rejects.toThrow(
      /holds 1 account numbers in plain text, .* start gridcall with --role all or api once/,
    )
    expect(await admin`SELECT 1 FROM gridcall.ibans`).toHaveLength(1)
  })

  test('are sealed by the migration that drops them, and gone from the database', async () => {
    const iban = unusedIban()
    await olderDatabase([['anna', iban]])
    await migrate({ url: database.url, log, openVault })
    const [sealed] = await withStore((store) => store.transaction((tx) => tx.accounts.of(OWNER)))
    expect(sealed && (await openVault()).open(sealed)).toEqual({ iban, name: null })
    expect(await dump()).not.toContain(iban)
    await admin`CHECKPOINT` // what was dropped is taken from the disk
    expect(await filesWith(iban, await databaseFolder())).toEqual([])
  })
})

describe('a bank account that is kept', () => {
  test('is in no table, no file and no log of the server in plain text', async () => {
    await migrate({ url: database.url, log, openVault })
    const iban = unusedIban()
    const vault = await openVault()
    const name = `Anna ${iban.slice(4)}`
    const account = parseBankAccount('payout', { iban, name })
    await withStore((store) =>
      store.transaction((tx) => keepAccount({ vault }, tx, OWNER, account, NOW)),
    )
    const marker = await admin`SELECT holder FROM gridcall.bank_accounts`
    expect(marker).toEqual([{ holder: OWNER }])
    await admin`CHECKPOINT`
    expect(await dump()).not.toContain(iban)
    const [row] = await admin<{ data_directory: string }[]>`SHOW data_directory`
    const everything = row?.data_directory ?? ''
    expect(await filesWith(OWNER, await databaseFolder())).not.toEqual([]) // so we can look
    expect(await filesWith(iban, everything)).toEqual([])
    expect(await filesWith(name, everything)).toEqual([])
  })

  test('cannot be read by anybody once it is erased', async () => {
    await migrate({ url: database.url, log, openVault })
    const vault = await openVault()
    const account = parseBankAccount('payout', { iban: unusedIban() })
    await withStore(async (store) => {
      await store.transaction((tx) => keepAccount({ vault }, tx, OWNER, account, NOW))
      const wakeUps = { notify: async () => undefined }
      const ports = { store, vault, wakeUps, clock: { now: () => NOW, speed: 1 } }
      await eraseAccount(ports as unknown as Ports, OWNER)
      await eraseAccount(ports as unknown as Ports, OWNER) // and once more changes nothing
      const [erased] = await store.transaction((tx) => tx.accounts.of(OWNER))
      expect(erased?.wrappedKey).toBeNull()
      expect(() => erased && vault.open(erased)).toThrow('its key is destroyed')
    })
  })
})

/** A database as the last program before sealing left it. */
async function olderDatabase(ibans: readonly (readonly [string, string])[]): Promise<void> {
  await migrateBefore(admin, '0007')
  for (const [owner, iban] of ibans) {
    await admin`INSERT INTO gridcall.ibans VALUES (${owner}, ${iban})`
  }
}

async function withStore<T>(
  work: (store: ReturnType<typeof createPostgresStore>) => Promise<T>,
): Promise<T> {
  const store = createPostgresStore({ url: database.url, log })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  const tables = await admin<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'gridcall'`
  expect(tables.length).toBeGreaterThan(20)
  const rows = await Promise.all(
    tables.map(({ name }) => admin`SELECT t::text AS row FROM ${admin(`gridcall.${name}`)} AS t`),
  )
  return JSON.stringify(rows)
}

async function databaseFolder(): Promise<string> {
  const [row] = await admin<{ path: string }[]>`
    SELECT current_setting('data_directory') || '/base/' || oid AS path
    FROM pg_database WHERE datname = current_database()`
  return row?.path ?? ''
}

async function filesWith(text: string, within: string): Promise<string[]> {
  const entries = await readdir(within, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    // Other tests' tables come and go meanwhile.
    const bytes = await readFile(path).catch(() => null)
    if (bytes?.includes(text)) found.push(path)
  }
  return found
}

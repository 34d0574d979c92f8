import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEADLINES } from '#db/connection.ts'
import { createPostgresStore, type PostgresStoreOptions } from '#db/store.ts'
import { callId, resourceId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { Store, StoreTransaction } from '#store-ports.ts'
import type { TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { createMigratedDatabase } from './migrated-database.ts'
import { businessEvent, call, minutes, NOW, reading, sealedAccount, setpoint } from './samples.ts'
import { startNetwork } from './swallowing-network.ts'

const FIRST = callId('call-1')
const SECOND = callId('call-2')
const CHARGER = resourceId('charger-1')

let database: TestDatabase
let log: ReturnType<typeof recordingLog>
let stores: Store[]

const open = (options: Partial<PostgresStoreOptions> = {}): Store => {
  const store = createPostgresStore({ url: database.url, log, ...options })
  stores.push(store)
  return store
}

beforeEach(async () => {
  database = await createMigratedDatabase()
  log = recordingLog()
  stores = []
})
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await database.drop()
})

describe('what the database cannot do is "unavailable" in a sentence', () => {
  test('a server that is not there', async () => {
    const store = open({ url: 'postgres://gridcall@127.0.0.1:1/none' })
    await expect(store.transaction((tx) => tx.calls.list())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('cannot be reached'),
    })
  })

  test('a connection that is not free in time; its transaction is never begun', async () => {
    const store = open({ poolSize: 1, deadlines: { ...DEADLINES, connectionMs: 300 } })
    const go = Promise.withResolvers<void>()
    const holder = store.transaction(async (tx) => {
      await tx.calls.list()
      await go.promise
    })
    let begun = false
    const late = store.transaction(async () => {
      begun = true
    })
    await expect(late).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no database connection was free in time'),
    })
    go.resolve()
    await holder
    await store.transaction((tx) => tx.calls.list())
    expect(begun).toBe(false)
  })

  test('a lock that is not free in time', async () => {
    const store = open({ deadlines: { ...DEADLINES, lockMs: 200 } })
    await store.transaction((tx) => tx.calls.create(call()))
    const locked = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const holder = store.transaction(async (tx) => {
      await tx.calls.lock(FIRST)
      await tx.payouts.lock()
      locked.resolve()
      await go.promise
    })
    await locked.promise
    for (const lock of [
      (tx: StoreTransaction) => tx.calls.lock(FIRST),
      (tx: StoreTransaction) => tx.payouts.lock(),
    ]) {
      await expect(store.transaction<unknown>(lock)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('a lock was not free in time'),
      })
    }
    go.resolve()
    await holder
  })

  test('a network that swallows everything; what was begun is undone', async () => {
    const network = await startNetwork(database.url)
    const deadlines = { ...DEADLINES, statementMs: 200, silenceMs: 200, connectionMs: 500 }
    const store = open({ url: network.url, deadlines, poolSize: 1 })
    await store.transaction((tx) => tx.calls.list())
    const half = store.transaction(async (tx) => {
      await tx.calls.create(call())
      network.swallow()
      await tx.calls.list()
    })
    await expect(half).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the database gave no answer'),
    })
    const next = store.transaction((tx) => tx.calls.list())
    await expect(next).rejects.toMatchObject({ code: 'unavailable' })
    network.recover()
    expect(await store.transaction((tx) => tx.calls.list())).toEqual([])
    await network.stop()
  })

  test('a transaction that stands idle is ended by the server, and its lock is free', async () => {
    const store = open({ deadlines: { ...DEADLINES, idleInTransactionMs: 300 } })
    await store.transaction((tx) => tx.calls.create(call()))
    const idle = store.transaction(async (tx) => {
      await tx.calls.lock(FIRST)
      await new Promise((resolve) => setTimeout(resolve, 800))
      await tx.calls.save(call({ reasons: ['too late'] }))
    })
    await expect(idle).rejects.toMatchObject({ code: 'unavailable' })
    expect(await store.transaction((tx) => tx.calls.lock(FIRST))).toEqual(call())
  })
})

test('a failed statement whose error is not passed on fails the transaction all the same', async () => {
  const store = open()
  const half = store.transaction(async (tx) => {
    await tx.calls.create(call())
    const broken = setpoint({ powerW: Number.NaN, validFrom: 0.5 as Instant })
    await tx.setpoints.order([broken]).catch(() => undefined)
  })
  await expect(half).rejects.toThrow('its error was not passed on')
  expect(await store.transaction((tx) => tx.calls.find(FIRST))).toBeNull()
})

test('an error of the database tells nothing of what was written', async () => {
  const store = open()
  const admin = postgres(database.url, { max: 1 })
  await admin`DROP TABLE gridcall.bank_accounts`
  await admin.end()
  const sealed = 'what nobody but the vault can read'
  const account = { ...sealedAccount('owner:owner-1', 1), sealed }
  const saving = store.transaction((tx) => tx.accounts.save(account))
  const error = await saving.catch((reason: unknown) => reason as Error)
  expect(error).toBeInstanceOf(Error)
  expect(JSON.stringify([error, `${error}`, log.lines])).not.toContain(sealed)
})

test('two transactions that lock two calls crosswise both succeed in the end', async () => {
  const store = open()
  await store.transaction(async (tx) => {
    await tx.calls.create(call({ id: FIRST, reasons: [] }))
    await tx.calls.create(call({ id: SECOND, reasons: [] }))
  })
  const barrier = Promise.withResolvers<void>()
  let locked = 0
  const crosswise = (one: typeof FIRST, other: typeof FIRST, name: string) =>
    store.transaction(async (tx) => {
      const first = await tx.calls.lock(one)
      if (++locked === 2) barrier.resolve()
      await barrier.promise
      const second = await tx.calls.lock(other)
      for (const each of [first, second]) {
        await tx.calls.save({ ...each, reasons: [...each.reasons, name] })
      }
    })
  await Promise.all([crosswise(FIRST, SECOND, 'a'), crosswise(SECOND, FIRST, 'b')])
  const calls = await store.transaction((tx) => tx.calls.list())
  expect(calls.map((each) => each.reasons.toSorted())).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
  expect(log.lines).toContain('warn: transaction is run again')
})

test('an event gets its number at commit: one that was appended earlier can come later', async () => {
  const store = open()
  const appended = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const slow = store.transaction(async (tx) => {
    await tx.events.append([businessEvent({ message: 'slow' })])
    appended.resolve()
    await go.promise
  })
  await appended.promise
  await store.transaction((tx) => tx.events.append([businessEvent({ message: 'fast' })]))
  const read = async (after: number) =>
    (await store.transaction((tx) => tx.events.after(after, 10))).map((e) => e.message)
  expect(await read(0)).toEqual(['fast'])
  go.resolve()
  await slow
  expect(await read(1)).toEqual(['slow'])
})

test('a reading that is not whole is refused by name, and the batch with it', async () => {
  const store = open()
  const append = store.transaction((tx) =>
    tx.readings.append([reading(), reading({ at: NOW, registerWh: 0.5, resourceId: CHARGER })]),
  )
  await expect(append).rejects.toThrow(`registerWh of charger-1 at ${NOW} must be whole, got 0.5`)
})

test('words that PostgreSQL cannot hold are kept as far as it can', async () => {
  const store = open()
  const refusal = 'no\0\ud800'
  await store.transaction(async (tx) => {
    await tx.setpoints.order([setpoint()])
    await tx.setpoints.progress(CHARGER, 1, { refusal })
    await tx.events.append([businessEvent({ message: refusal, data: { refusal } })])
  })
  await store.transaction(async (tx) => {
    expect((await tx.setpoints.current())[0]?.refusal).toBe('no\ufffd\ufffd')
    const [event] = await tx.events.after(0, 1)
    expect(event?.message).toBe('no\ufffd\ufffd')
    expect(event?.data).toEqual({ refusal })
  })
})

test('a thousand devices are ordered, read and reported in one transaction', async () => {
  const store = open()
  const ids = Array.from({ length: 2500 }, (_, index) => resourceId(`charger-${index}`))
  await store.transaction(async (tx) => {
    const rows = await tx.setpoints.order(ids.map((id) => setpoint({ resourceId: id })))
    expect(rows.length).toBe(ids.length)
    const taken = await tx.promises.take(
      FIRST,
      ids.map((id) => ({ resourceId: id, periodStart: NOW, periodEnd: minutes(15) })),
      'order',
    )
    expect(taken.length).toBe(ids.length)
    const count = await tx.readings.append(ids.map((id) => reading({ resourceId: id })))
    expect(count).toBe(ids.length)
    await tx.events.append(ids.map((id) => businessEvent({ resourceId: id })))
    expect((await tx.readings.lastBefore(ids, NOW)).length).toBe(ids.length)
    expect((await tx.setpoints.current(ids)).length).toBe(ids.length)
  })
  const last = await store.transaction((tx) => tx.events.after(ids.length - 1, 10))
  expect(last.map((event) => event.sequence)).toEqual([ids.length])
})

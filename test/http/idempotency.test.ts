import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore } from '#db/memory-store.ts'
import { createPostgresStore } from '#db/store.ts'
import { canonicalJson } from '#domain/canonical.ts'
import { resourceId } from '#domain/ids.ts'
import type { Store } from '#store-ports.ts'
import { createMigratedDatabase } from '../postgres/migrated-database.ts'
import { recordingLog } from '../support/recording-log.ts'
import {
  aTown,
  callBody,
  chargerBody,
  IBANS,
  type Service,
  startService,
  type Town,
} from './service.ts'

type Stores = { readonly store: Store; drop(): Promise<void> }

const STORES: Record<string, () => Promise<Stores>> = {
  memory: async () => ({ store: createMemoryStore(), drop: async () => undefined }),
  PostgreSQL: async () => {
    const database = await createMigratedDatabase()
    const store = createPostgresStore({ url: database.url, log: recordingLog() })
    return { store, drop: () => store.close().then(() => database.drop()) }
  },
}

describe.each(Object.keys(STORES))('requests that create, on %s', (name) => {
  let stores: Stores
  let service: Service
  let town: Town
  beforeAll(async () => {
    stores = await (STORES[name] as () => Promise<Stores>)()
    service = await startService({}, stores.store)
    town = await aTown(service)
  })
  afterAll(async () => {
    await service.stop()
    await stores.drop()
  })

  const post = (key: string, path: string, body: unknown, idempotencyKey: string) =>
    service.send('POST', path, { key, body, headers: { 'idempotency-key': idempotencyKey } })

  test('another body under the same key is refused with 422', async () => {
    const { agg, dso } = town.keys
    await post(agg, '/v1/resources', chargerBody('charger-a', 'anna'), 'key-a')
    const other = await post(agg, '/v1/resources', chargerBody('charger-b', 'anna'), 'key-a')
    expect(other.status).toBe(422)
    expect(other.body).toMatchObject({
      code: 'idempotency-key-reused',
      errors: [{ field: 'header.idempotency-key', got: 'key-a' }],
    })
    await post(dso, '/v1/flexibility-calls', callBody([3000]), 'key-b')
    const otherCall = await post(dso, '/v1/flexibility-calls', callBody([3001]), 'key-b')
    expect(otherCall).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } })
  })

  test('another account number under the same key is another request', async () => {
    const owner = (iban: string) =>
      post(town.keys.agg, '/v1/owners', { payout: { kind: 'agent', iban } }, 'key-iban')
    expect((await owner(IBANS.anna)).status).toBe(201)
    expect((await owner(IBANS.anna)).status).toBe(201)
    expect((await owner(IBANS.bert)).body.code).toBe('idempotency-key-reused')
  })

  test('the same post twice is one call', async () => {
    const { dso } = town.keys
    const first = await post(dso, '/v1/flexibility-calls', callBody([3000, 3000]), 'key-c')
    const second = await post(dso, '/v1/flexibility-calls', callBody([3000, 3000]), 'key-c')
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(first.headers.get('location')).toBe(`/v1/flexibility-calls/${first.body.id}`)
    const other = await post(dso, '/v1/flexibility-calls', callBody([3000, 3000]), 'key-d')
    expect(other.body.id).not.toBe(first.body.id)
  })

  test('of many posts at once one enrols the resource and all name it', async () => {
    const { agg } = town.keys
    const body = { ...chargerBody('x', 'anna'), id: undefined, connection: { protocol: 'ocpp' } }
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post(agg, '/v1/resources', body, 'key-e')),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201))
    const ids = new Set(answers.map((answer) => answer.body.resource.id))
    expect(ids.size).toBe(1)
    // The password is shown once, to whoever was first, and kept nowhere.
    const passwords = answers.map((answer) => answer.body.password).filter((p) => p !== null)
    expect(passwords).toHaveLength(1)
    expect(passwords[0]).toMatch(/^[0-9a-f]{40}$/)
    const [id] = ids
    const stored = await stores.store.transaction((tx) => tx.resources.find(resourceId(id)))
    expect(canonicalJson(stored)).not.toContain(passwords[0])
  })

  test('a key of one organisation says nothing to another', async () => {
    const { agg, otherAgg } = town.keys
    const mine = await post(agg, '/v1/resources', chargerBody('charger-f', 'anna'), 'key-f')
    const theirs = await post(otherAgg, '/v1/resources', chargerBody('charger-g', 'bert'), 'key-f')
    expect([mine.status, theirs.status]).toEqual([201, 201])
    expect(theirs.body.resource.id).toBe('charger-g')
  })

  test('a refusal takes no key: the corrected request may use it', async () => {
    const { agg } = town.keys
    const wrong = chargerBody('charger-h', 'nobody')
    expect((await post(agg, '/v1/resources', wrong, 'key-h')).status).toBe(404)
    const right = await post(agg, '/v1/resources', chargerBody('charger-h', 'anna'), 'key-h')
    expect(right.status).toBe(201)
  })

  test('a repeated registration shows no key a second time', async () => {
    const body = { kind: 'aggregator', name: 'Star Pool' }
    const first = await post(service.operatorKey, '/v1/organisations', body, 'key-i')
    const second = await post(service.operatorKey, '/v1/organisations', body, 'key-i')
    expect(first.body.key).toMatch(/^gc_aggregator_[\w-]{49}$/)
    expect(second.body).toEqual({ organisation: first.body.organisation, key: null })
  })
})

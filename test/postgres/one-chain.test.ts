import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSimulatedSigner } from '#adapters/simulated/signer.ts'
import { createPostgresStore } from '#db/store.ts'
import { gatewayId, resourceId } from '#domain/ids.ts'
import { CHAIN_START, type DeviceReading } from '#domain/telemetry.ts'
import { addSeconds } from '#domain/time.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import type { Ports } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import type { TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { createMigratedDatabase } from './migrated-database.ts'
import { NOW } from './samples.ts'

const CHARGER = resourceId('charger-1')
const id = gatewayId('gateway-1')

let database: TestDatabase
let store: Store
beforeEach(async () => {
  database = await createMigratedDatabase()
  store = createPostgresStore({ url: database.url, log: recordingLog() })
})
afterEach(async () => {
  await store.close()
  await database.drop()
})

/** What a device says at every fifth second from one instant on. */
const said = (fromSeconds: number, count: number): DeviceReading[] =>
  Array.from({ length: count }, (_, i) => ({
    resourceId: CHARGER,
    at: addSeconds(NOW, fromSeconds + 5 * i),
    powerW: null,
    registerWh: fromSeconds + i,
    socBp: null,
  }))

test('a history that is imported while a device reports makes one chain, without a fork or a hole', async () => {
  const ports = {
    clock: { speed: 1, now: () => addSeconds(NOW, 10_000) },
    store,
    gateway: { id, signer: createSimulatedSigner('gateway-1') },
  } as Pick<Ports, 'clock' | 'store' | 'gateway'> as Ports
  const history = recordTelemetry(ports, said(0, 400), 'imported')
  const again = recordTelemetry(ports, said(0, 400), 'imported') // a client that lost patience
  const live = Array.from({ length: 20 }, (_, i) => recordTelemetry(ports, said(5000 + 5 * i, 1)))
  await Promise.all([history, again, ...live])

  const readings = await store.transaction((tx) =>
    tx.readings.between([CHARGER], NOW, addSeconds(NOW, 10_000)),
  )
  const chain = readings.toSorted((a, b) => a.sequence - b.sequence)
  expect(chain.map(({ sequence }) => sequence)).toEqual(chain.map((_, i) => i))
  expect(chain.map(({ previousHash }) => previousHash)).toEqual([
    CHAIN_START,
    ...chain.slice(0, -1).map(({ hash }) => hash),
  ])
  expect(chain).toHaveLength(420)
})

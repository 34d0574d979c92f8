import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPostgresStore } from '#db/store.ts'
import { addSeconds } from '#domain/time.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { Store } from '#store-ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import type { TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'
import { createMigratedDatabase } from './migrated-database.ts'
import { record, replay } from './recorded-store.ts'

let database: TestDatabase
let store: Store
let world: World
beforeEach(async () => {
  database = await createMigratedDatabase()
  store = createPostgresStore({ url: database.url, log: recordingLog() })
})
afterEach(async () => {
  await world.stop()
  await store.close()
  await database.drop()
})

test('PostgreSQL answers every question of a whole call as the memory store does', async () => {
  const program = aProgram()
  world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
  const recorded = record(world.store)
  await world.boot()
  const honest = aResource('charger-honest', 'charger', 120_000n)
  const liar = aResource('charger-liar', 'charger', 130_000n)
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [honest, liar, battery], program)
  await plugCharger(world, honest, 7000)
  await plugCharger(world, liar, 7000, { disobeys: true })
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const request = aRequest([9000, 9000])
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
  await requestFlexibility(world.ports(), dso, 'key-1', request)
  await world.passTo(addSeconds(WINDOW_START, -300))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(addSeconds(WINDOW_START, 1920))
  await world.passTo(addSeconds(WINDOW_START, 3600), () => runVerifiers(world))
  expect(await reconcileChain(world.ports())).toMatchObject({ reconciled: true })
  const state = await world.store.transaction(async (tx) => (await tx.calls.lock(call.id)).state)
  expect(state).toBe('paid')

  const asked = new Set(
    recorded.flatMap(({ calls }) => calls.map((c) => `${c.repository}.${c.method}`)),
  )
  const compared = await replay(recorded, store)
  expect(compared).toBeGreaterThan(2000)
  expect(asked.size).toBeGreaterThan(40)
}, 90_000)

import { afterEach, expect, it } from 'vitest'
import { callId, organisationId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { emergencyStop, stopsOf } from '#lifecycle/emergency-stop.ts'
import type { DeviceDriver } from '#ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aResource, dso, enrolAll, north, WINDOW_START } from '../support/builders.ts'
import { plugBattery } from '../support/simulated-call.ts'
import { wallTimer } from '../support/wall-timer.ts'

/** Devices, and how long each takes to answer anything, wall ms. */
const DEVICES = 500
const LATENCY_MS = 150
/** From the word to the last device's answer. */
const BAR_MS = 2000

const fleet = Array.from({ length: DEVICES }, (_, i) => aResource(`b${i}`, 'battery', 1n))
const timer = wallTimer

let world: World
afterEach(() => world.stop())

/** Devices at the end of a slow line. */
function slow(driver: DeviceDriver): DeviceDriver {
  return {
    ...driver,
    async apply(...args) {
      await timer.sleep(LATENCY_MS)
      return driver.apply(...args)
    },
    async readBack(...args) {
      await timer.sleep(LATENCY_MS)
      return driver.readBack(...args)
    },
  }
}

const everyOne = (kind: 'default' | 'limited') =>
  fleet.every(({ id }) => world.driver.device(id).effective(world.clock.now()).kind === kind)

async function until(done: () => boolean | Promise<boolean>, deadlineMs: number): Promise<void> {
  const end = timer.monotonicMs() + deadlineMs
  while (!(await done())) {
    if (timer.monotonicMs() > end) throw new Error(`not within ${deadlineMs} ms`)
    await timer.sleep(5)
  }
}

it(`an emergency stop reaches each of ${DEVICES} devices within 2 s`, async () => {
  world = createWorld({
    start: WINDOW_START,
    ...aProgram(),
    interpose: (ports, driver) => ({ ports: { ...ports, timer }, driver: slow(driver) }),
  })
  await world.boot()
  await enrolAll(world, fleet, aProgram())
  for (const battery of fleet) plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  const row = { callId: callId('call'), powerW: -3000, validFrom: WINDOW_START }
  const when = { validUntil: addSeconds(WINDOW_START, 3600), orderedAt: WINDOW_START }
  await world.store.transaction((tx) =>
    tx.setpoints.order(fleet.map(({ id }) => ({ resourceId: id, ...row, ...when }))),
  )
  await world.ports().wakeUps.notify('setpoints')
  await until(() => everyOne('limited'), 60_000)

  const by = { organisationId: dso, role: 'dso' } as const
  const began = timer.monotonicMs()
  await emergencyStop(world.ports(), by, { congestionPointId: north, reason: 'a line is down' })
  await until(() => everyOne('default'), 60_000)
  const tookMs = Math.round(timer.monotonicMs() - began)
  process.stdout.write(`${JSON.stringify({ devices: DEVICES, latencyMs: LATENCY_MS, tookMs })}\n`)
  expect(tookMs).toBeLessThanOrEqual(BAR_MS)

  const operator = { organisationId: organisationId('operator'), role: 'operator' } as const
  await until(async () => (await stopsOf(world.ports(), operator))[0]?.letGo === DEVICES, 60_000)
})

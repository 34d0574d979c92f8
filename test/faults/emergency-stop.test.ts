import { afterEach, expect, it } from 'vitest'
import type { Arming } from '#domain/arming.ts'
import { callId, organisationId, type ResourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { emergencyStop, stopsOf } from '#lifecycle/emergency-stop.ts'
import type { DeviceDriver } from '#ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aResource, dso, enrolAll, north, WINDOW_START } from '../support/builders.ts'
import { plugBattery } from '../support/simulated-call.ts'
import { FREQUENCY, VOLTAGE } from '../support/standby-world.ts'
import { wallTimer } from '../support/wall-timer.ts'

/** Devices, and how long each takes to answer anything, wall ms. */
const DEVICES = 500
const LATENCY_MS = 150
/** From the word to the last device's answer. */
const BAR_MS = 2000

const fleet = Array.from({ length: DEVICES }, (_, i) => aResource(`b${i}`, 'battery', 1n))
const timer = wallTimer

/** On which devices curves stand. */
const armed = new Set<ResourceId>()

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
    async arm(id, order, ...rest) {
      await timer.sleep(LATENCY_MS)
      await driver.arm?.(id, order, ...rest)
      if (order.armed === null) armed.delete(id)
      else armed.add(id)
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

/** A fleet that is connected, before anything is asked of it. */
async function connected(): Promise<void> {
  armed.clear()
  world = createWorld({
    start: WINDOW_START,
    ...aProgram(),
    interpose: (ports, driver) => ({ ports: { ...ports, timer }, driver: slow(driver) }),
  })
  await world.boot()
  await enrolAll(world, fleet, aProgram())
  const sees = { frequencyMilliHz: () => 50_000, voltageBp: () => 10_000 }
  for (const battery of fleet) plugBattery(world, battery, sees)
  await world.ports().wakeUps.notify('resources')
}

/** Half of them answer the frequency, half the voltage. */
function armingOf({ id: resourceId }: (typeof fleet)[number], i: number): Arming {
  const wanted = {
    callId: callId('call'),
    resourceId,
    reservedW: 3000,
    validFrom: WINDOW_START,
    validUntil: addSeconds(WINDOW_START, 3600),
    armedAt: null,
    refusal: null,
    recording: null,
  }
  const { curves, responseMs } = VOLTAGE.voltage
  return i % 2 === 0
    ? { ...wanted, droop: FREQUENCY.frequency.droop }
    : { ...wanted, answers: 'voltage', curves, responseMs, ratedW: 5000 }
}

it(`an emergency stop reaches each of ${DEVICES} devices within 2 s`, async () => {
  await connected()
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

it(`an emergency stop takes back the curves of each of ${DEVICES} devices within 2 s`, async () => {
  await connected()
  await world.store.transaction((tx) => tx.armings.want(fleet.map(armingOf)))
  await world.ports().wakeUps.notify('setpoints')
  await until(() => armed.size === DEVICES, 60_000)

  const by = { organisationId: dso, role: 'dso' } as const
  const began = timer.monotonicMs()
  await emergencyStop(world.ports(), by, { congestionPointId: north, reason: 'a line is down' })
  await until(() => armed.size === 0, 60_000)
  const tookMs = Math.round(timer.monotonicMs() - began)
  const figures = { armedDevices: DEVICES, latencyMs: LATENCY_MS, tookMs }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  expect(tookMs).toBeLessThanOrEqual(BAR_MS)

  const operator = { organisationId: organisationId('operator'), role: 'operator' } as const
  await until(async () => (await stopsOf(world.ports(), operator))[0]?.letGo === DEVICES, 60_000)
})

/** Stations that take a limit of 0 A and do not go there. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { join16, plugIn16 } from './station16.ts'
import type { WireStation } from './wire-station.ts'
import { charger, setpoint, startWorld, type World } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  await world.stop()
})

const pause = (version = 1) =>
  world.driver.apply(resource.id, setpoint(resource, { version, powerW: 0 }), 2_000)

function limits(station: WireStation): number[] {
  return station
    .callsOf('SetChargingProfile')
    .map((one) => one['csChargingProfiles'] as Record<string, unknown>)
    .filter((profile) => profile['chargingProfilePurpose'] === 'TxProfile')
    .map(
      (profile) => profile['chargingSchedule'] as { chargingSchedulePeriod: { limit: number }[] },
    )
    .map((schedule) => schedule.chargingSchedulePeriod[0]?.limit ?? Number.NaN)
}

/** What GetCompositeSchedule says, A. */
function says(station: WireStation, limit: number): void {
  station.answer('GetCompositeSchedule', {
    status: 'Accepted',
    connectorId: 1,
    chargingSchedule: {
      chargingRateUnit: 'A',
      chargingSchedulePeriod: [{ startPeriod: 0, limit, numberPhases: 3 }],
    },
  })
}

test('a station that says that another limit is in force is not taken for one that cannot pause', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await pause()
  says(station, 9)
  await world.driver.readBack(resource.id, 500)
  expect(world.driver.nextStrategy(resource.id)).toBe('TxProfile Relative A level 1')
  await pause()
  expect(limits(station)).toEqual([0, 0])
})

test('nor is one that was given more than 0', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 5_000 }), 500)
  expect(world.driver.nextStrategy(resource.id)).toBe('TxProfile Relative A level 1')
})

test('it is held at 6 A per phase instead, and says so from then on', async () => {
  const station = await join16(world)
  await plugIn16(station)
  expect(await pause()).toEqual({ strategy: 'TxProfile Absolute A level 1' })
  says(station, 0)
  await world.driver.readBack(resource.id, 500)
  expect(world.driver.nextStrategy(resource.id)).toBe('6 A at least')
  expect(world.heard.capabilities.at(-1)?.capability).toMatchObject({
    pauses: false,
    minimumW: 4_140,
  })
  const held = { strategy: 'TxProfile Absolute A level 1, 6 A at least', atLeastW: 4_140 }
  expect(await pause()).toEqual(held)
  expect(await pause(2)).toEqual(held)
  expect(limits(station)).toEqual([0, 6, 6])
})

test('one that does not follow its least either has shown nothing about pauses', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await pause()
  world.driver.nextStrategy(resource.id)
  await pause()
  expect(world.driver.nextStrategy(resource.id)).toBe('TxProfile Relative A level 1')
  expect(world.heard.capabilities.at(-1)?.capability.pauses).toBeNull()
  await pause()
  expect(limits(station)).toEqual([0, 6, 0])
})

test('another firmware may pause: after its boot 0 A is tried again', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await pause()
  world.driver.nextStrategy(resource.id)
  const before = world.heard.connected.length
  await station.call('BootNotification', {
    chargePointVendor: 'Wire',
    chargePointModel: 'One',
    firmwareVersion: '2',
  })
  await expect.poll(() => world.heard.connected.length, { timeout: 4_000 }).toBe(before + 1)
  expect(await pause()).toEqual({ strategy: 'TxProfile Absolute A level 1' })
})

test('that its car charges on is not taken for the end of a pause that never was', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await pause()
  expect(world.driver.nextStrategy(resource.id)).toBe('6 A at least')
  await pause()
  await station.call('StatusNotification', {
    connectorId: 1,
    errorCode: 'NoError',
    status: 'Charging',
  })
  await world.driver.readBack(resource.id, 500)
  expect(limits(station)).toEqual([0, 6])
  expect(world.heard.capabilities.at(-1)?.capability.pauses).toBe(false)
})

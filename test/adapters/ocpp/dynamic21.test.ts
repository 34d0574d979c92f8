import { afterEach, beforeEach, expect, test } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { type DeviceModel, event2x, join2x } from './station2x.ts'
import type { WireStation } from './wire-station.ts'
import { charger, setpoint, START, startWorld, until, type World } from './world.ts'

let world: World
let station: WireStation
const resource = charger()
const DYNAMIC: DeviceModel = {
  'SmartChargingCtrlr.RateUnit': 'W',
  'SmartChargingCtrlr.SupportsFeature[DynamicProfiles]': 'true',
  'SmartChargingCtrlr.SupportsFeature[MaxOfflineDuration]': 'true',
}
const V2X: DeviceModel = {
  ...DYNAMIC,
  'V2XChargingCtrlr.Enabled': 'true',
  'V2XChargingCtrlr.SupportedOperationModes': 'ChargingOnly,CentralSetpoint',
}

beforeEach(async () => {
  world = await startWorld({ tendIntervalMs: 20 })
})

afterEach(async () => {
  await world.stop()
})

async function charge(model: DeviceModel, answers: object = {}): Promise<void> {
  station = await join2x(world, 'ocpp2.1', model, answers)
  await event2x(station, 'Started')
}

function priority(activated: boolean) {
  return station.call('NotifyPriorityCharging', { transactionId: 'tx-1', activated })
}

test('while the driver wants full power a limit is refused; after it, it holds again', async () => {
  await charge(DYNAMIC)
  await priority(true)
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: expect.stringMatching(/priority charging/),
  })
  expect(world.heard.overrides).toEqual([{ id: resource.id, isOn: true }])
  await world.driver.apply(resource.id, setpoint(resource, { version: 2, powerW: null }), 500)
  await expect(
    world.driver.apply(resource.id, setpoint(resource, { version: 3 }), 500),
  ).rejects.toMatchObject({ code: 'device-refused' })
  expect(station.callsOf('SetChargingProfile')).toHaveLength(1)
  await priority(false)
  await until('the limit', () => station.callsOf('SetChargingProfile').length === 2)
})

test('a station that refuses Dynamic gets Absolute, and no updates', async () => {
  await charge(DYNAMIC, {
    SetChargingProfile: (payload: Record<string, unknown>) => {
      const { chargingProfileKind } = payload['chargingProfile'] as Record<string, unknown>
      return chargingProfileKind === 'Dynamic'
        ? { status: 'Rejected', statusInfo: { reasonCode: 'UnsupportedKind' } }
        : { status: 'Accepted' }
    },
  })
  for (const version of [1, 2]) {
    expect(await world.driver.apply(resource.id, setpoint(resource, { version }), 500)).toEqual({
      strategy: 'TxProfile Absolute W level 1',
    })
  }
  expect(station.callsOf('UpdateDynamicSchedule')).toEqual([])
})

test('a limit is one Dynamic profile, changed by updates that never carry it beyond its end', async () => {
  await charge(DYNAMIC)
  const apply = (version: number, powerW: number) =>
    world.driver.apply(resource.id, setpoint(resource, { version, powerW }), 500)
  expect(await apply(1, 4_200)).toEqual({ strategy: 'TxProfile Dynamic W level 1' })
  expect(station.callsOf('SetChargingProfile')[1]).toEqual({
    evseId: 1,
    chargingProfile: {
      id: 720_001,
      stackLevel: 1,
      chargingProfilePurpose: 'TxProfile',
      chargingProfileKind: 'Dynamic',
      transactionId: 'tx-1',
      maxOfflineDuration: 60,
      invalidAfterOfflineDuration: true,
      chargingSchedule: [
        {
          id: 720_001,
          duration: 300,
          chargingRateUnit: 'W',
          chargingSchedulePeriod: [{ startPeriod: 0, limit: 4_200, numberPhases: 3 }],
        },
      ],
    },
  })
  await apply(2, 5_000)
  expect(station.callsOf('UpdateDynamicSchedule')).toEqual([
    { chargingProfileId: 720_001, scheduleUpdate: { limit: 5_000 } },
  ])
  // Five minutes more would be longer than the window: it is set anew with what is left.
  world.clock.set(addSeconds(START, 1_600))
  await apply(3, 6_000)
  expect(station.callsOf('UpdateDynamicSchedule').length).toBeLessThan(10)
  expect(station.callsOf('SetChargingProfile').at(-1)).toMatchObject({
    chargingProfile: { chargingSchedule: [{ duration: 200 }] },
  })
})

test('it is renewed before it runs out, and no longer than it is wanted', async () => {
  await charge(DYNAMIC)
  await world.driver.apply(resource.id, setpoint(resource), 500)
  const updates = () => station.callsOf('UpdateDynamicSchedule').length
  for (let second = 0; second < 1_500; second += 60) {
    world.clock.set(addSeconds(START, second))
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  expect(updates()).toBeGreaterThanOrEqual(10)
  expect(station.callsOf('SetChargingProfile').length).toBeLessThanOrEqual(3)
  await world.driver.apply(resource.id, setpoint(resource, { version: 2, powerW: null }), 500)
  const before = updates()
  world.clock.set(addSeconds(START, 1_700))
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(updates()).toBe(before)
})

test('an update that is refused sets the profile anew; so does a new connection', async () => {
  await charge(DYNAMIC, {
    UpdateDynamicSchedule: { status: 'Rejected', statusInfo: { reasonCode: 'UnknownProfile' } },
  })
  await world.driver.apply(resource.id, setpoint(resource), 500)
  await world.driver.apply(resource.id, setpoint(resource, { version: 2 }), 500)
  expect(station.callsOf('SetChargingProfile')).toHaveLength(3)
  await station.close()
  await until('the disconnection', () => world.heard.disconnected.length === 1)
  station = await join2x(world, 'ocpp2.1', DYNAMIC)
  await world.driver.apply(resource.id, setpoint(resource, { version: 3 }), 500)
  expect(station.callsOf('UpdateDynamicSchedule')).toEqual([])
  expect(station.callsOf('SetChargingProfile')).toHaveLength(1)
})

test('a car that gives power back gets setpoints with their sign, and no limit beside them', async () => {
  await world.stop()
  const car = charger({ rating: { exportMaxW: 7_360 } })
  world = await startWorld({}, [car])
  await charge(V2X)
  await world.driver.apply(car.id, setpoint(car, { powerW: -9_000 }), 500)
  expect(station.callsOf('SetChargingProfile')[1]).toMatchObject({
    chargingProfile: {
      chargingSchedule: [
        {
          chargingSchedulePeriod: [
            { startPeriod: 0, operationMode: 'CentralSetpoint', setpoint: -7_360, numberPhases: 3 },
          ],
        },
      ],
    },
  })
  const told = JSON.stringify(station.callsOf('SetChargingProfile')[1])
  expect(told).not.toMatch(/"limit"|dischargeLimit/)
  await world.driver.apply(car.id, setpoint(car, { version: 2, powerW: 5_000 }), 500)
  await world.driver.apply(car.id, setpoint(car, { version: 3, powerW: -1_000 }), 500)
  expect(station.callsOf('UpdateDynamicSchedule').map((one) => one['scheduleUpdate'])).toEqual([
    { setpoint: 5_000 },
    { setpoint: -1_000 },
  ])
  station.answer('GetCompositeSchedule', {
    status: 'Accepted',
    schedule: {
      evseId: 1,
      duration: 60,
      scheduleStart: '2026-03-02T17:00:00Z',
      chargingRateUnit: 'W',
      chargingSchedulePeriod: [{ startPeriod: 0, setpoint: -7_360 }],
    },
  })
  expect(await world.driver.readBack(car.id, 500)).toEqual({ kind: 'limited', powerW: -7_360 })
})

test('a car that cannot give power back gets limits, whatever its station can do', async () => {
  await charge(V2X)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: -5_000 }), 500)
  expect(JSON.stringify(station.callsOf('SetChargingProfile')[1])).toMatch(/"limit":0/)
})

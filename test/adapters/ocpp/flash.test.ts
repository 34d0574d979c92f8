/** What is written into a charger's flash, counted. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Capability } from '#domain/capability.ts'
import { addSeconds, instant } from '#domain/time.ts'
import { join16, plugIn16 } from './station16.ts'
import { event2x, join2x } from './station2x.ts'
import type { WireStation } from './wire-station.ts'
import { charger, setpoint, START, startWorld, until, type World } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld({ tendIntervalMs: 20 })
})

afterEach(async () => {
  await world.stop()
})

function persistent(station: WireStation): string[] {
  return station
    .callsOf('SetChargingProfile')
    .map((one) => (one['csChargingProfiles'] ?? one['chargingProfile']) as Record<string, unknown>)
    .map((profile) => String(profile['chargingProfilePurpose']))
    .filter((purpose) => purpose !== 'TxProfile')
}

test('fifty windows with two limits each write nothing into flash', async () => {
  const station = await join16(world)
  await plugIn16(station)
  for (let i = 0; i < 50; i += 1) {
    const from = addSeconds(START, i * 3_600)
    const window = { validFrom: from, validUntil: addSeconds(from, 1_800) }
    world.clock.set(from)
    for (const [step, powerW] of [5_000, 7_000, null].entries()) {
      const version = i * 3 + step + 1
      await world.driver.apply(resource.id, setpoint(resource, { ...window, version, powerW }), 500)
    }
  }
  expect(persistent(station)).toEqual(['TxDefaultProfile'])
})

test('where only a default profile works it is written no more often than every 30 s', async () => {
  let accepted = 0
  const station = await join16(world, {
    SetChargingProfile: (payload: Record<string, unknown>) => {
      const profile = payload['csChargingProfiles'] as Record<string, unknown>
      const isDefault = profile['chargingProfilePurpose'] === 'TxDefaultProfile'
      const isTaken = isDefault && profile['stackLevel'] === 0
      if (isTaken) accepted += 1
      return { status: isTaken ? 'Accepted' : 'Rejected' }
    },
  })
  await plugIn16(station)
  let version = 0
  const apply = async (powerW: number | null) => {
    version += 1
    return await world.driver.apply(resource.id, setpoint(resource, { version, powerW }), 500)
  }
  const written = () => persistent(station).length
  const refusal = { code: 'device-unreachable', message: expect.stringMatching(/yet/) }
  await expect(apply(5_000)).rejects.toMatchObject(refusal)
  world.clock.set(addSeconds(START, 30))
  expect(await apply(5_000)).toEqual({ strategy: 'TxDefaultProfile Absolute A level 0' })
  const [profile] = station.callsOf('SetChargingProfile').slice(-1)
  expect(profile).toMatchObject({
    csChargingProfiles: {
      chargingProfileId: 710_001,
      chargingSchedule: {
        chargingSchedulePeriod: [
          { startPeriod: 0, limit: 7.2 },
          { startPeriod: 1_830, limit: 16 },
        ],
      },
    },
  })
  world.clock.set(addSeconds(START, 40))
  await apply(5_000)
  await expect(apply(6_000)).rejects.toMatchObject(refusal)
  await expect(apply(null)).rejects.toMatchObject({ code: 'device-unreachable' })
  world.clock.set(addSeconds(START, 61))
  await apply(null)
  expect(station.callsOf('SetChargingProfile').at(-1)).toMatchObject({
    csChargingProfiles: {
      chargingSchedule: { chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
    },
  })
  // One for the window and one to take it back; forms that were refused are no writes.
  expect(accepted).toBe(3)
  expect(written()).toBeGreaterThan(accepted)
})

test('the pace that a 2.1 station names holds for its defaults together', async () => {
  await world.stop()
  const second = charger({ connectorId: 2, password: 'd'.repeat(40) })
  world = await startWorld({ tendIntervalMs: 20 }, [resource, second])
  const station = await join2x(world, 'ocpp2.1', { 'SmartChargingCtrlr.UpdateRateLimit': '600' })
  expect(persistent(station)).toHaveLength(1)
  world.clock.set(instant(START + 599_000))
  await new Promise((resolve) => setTimeout(resolve, 80))
  expect(persistent(station)).toHaveLength(1)
  world.clock.set(instant(START + 600_000))
  await until('the second default', () => persistent(station).length === 2)
  expect(station.callsOf('SetChargingProfile').map((one) => one['evseId'])).toEqual([1, 2])
})

test('after a restart of the service the pace goes on, as it stands in what the device told', async () => {
  await (await join16(world)).close()
  const capability = world.heard.capabilities.at(-1)?.capability as Capability
  expect(capability.flashWrites).toEqual([
    { purpose: 'TxDefaultProfile', place: '1 level 0', at: START },
  ])
  await world.stop()
  world = await startWorld({ tendIntervalMs: 20 })
  await world.driver.attach(resource, capability)
  world.clock.set(addSeconds(START, 10))
  const station = await join16(world)
  expect(persistent(station)).toEqual([])
  world.clock.set(addSeconds(START, 29))
  await new Promise((resolve) => setTimeout(resolve, 80))
  expect(persistent(station)).toEqual([])
  world.clock.set(addSeconds(START, 30))
  await until('the default', () => persistent(station).length === 1)
  await until('its record', () => {
    const [write] = world.heard.capabilities.at(-1)?.capability.flashWrites ?? []
    return write?.at === addSeconds(START, 30)
  })
})

test('a 2.1 station that keeps profiles of a transaction in flash gets them at its pace', async () => {
  const station = await join2x(world, 'ocpp2.1', {
    'SmartChargingCtrlr.UpdateRateLimit': '60',
    'SmartChargingCtrlr.ChargingProfilePersistence[TxProfile]': 'true',
  })
  await event2x(station, 'Started')
  const apply = (version: number, powerW: number) =>
    world.driver.apply(resource.id, setpoint(resource, { version, powerW }), 500)
  await apply(1, 5_000)
  const before = station.callsOf('SetChargingProfile').length
  await apply(2, 5_000)
  await expect(apply(3, 6_000)).rejects.toMatchObject({ code: 'device-unreachable' })
  expect(station.callsOf('SetChargingProfile')).toHaveLength(before)
  world.clock.set(addSeconds(START, 60))
  await apply(4, 6_000)
  expect(station.callsOf('SetChargingProfile')).toHaveLength(before + 1)
})

test('a station that says that it was too soon is asked later, and not in other forms', async () => {
  const station = await join2x(world, 'ocpp2.1')
  await event2x(station, 'Started')
  station.answer('SetChargingProfile', {
    status: 'Rejected',
    statusInfo: { reasonCode: 'RateLimitExceeded' },
  })
  const before = station.callsOf('SetChargingProfile').length
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-unreachable',
    message: expect.stringMatching(/takes no other profile yet/),
  })
  expect(station.callsOf('SetChargingProfile')).toHaveLength(before + 1)
})

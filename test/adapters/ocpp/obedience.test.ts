/** Taken and not obeyed, and limits that somebody else set on a 1.6 station. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { join16, plugIn16 } from './station16.ts'
import { event2x, join2x } from './station2x.ts'
import { charger, setpoint, START, startWorld, until, type World } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld({ tendIntervalMs: 20 })
})

afterEach(async () => {
  await world.stop()
})

const composite = (limit: number) => ({
  status: 'Accepted',
  connectorId: 1,
  scheduleStart: '2026-03-02T17:00:00Z',
  chargingSchedule: {
    duration: 60,
    chargingRateUnit: 'A',
    chargingSchedulePeriod: [{ startPeriod: 0, limit, numberPhases: 3 }],
  },
})

test('a strategy is asked for a device that is not known', () => {
  expect(() => world.driver.nextStrategy(charger({ identity: 'CP-9' }).id)).toThrow('not known')
})

test('what is taken and not followed is cleared, with what others left, and given in the next form', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource), 500)
  expect(world.driver.nextStrategy(resource.id)).toBe('TxProfile Relative A level 1')
  const before = station.calls.length
  const { strategy } = await world.driver.apply(resource.id, setpoint(resource), 500)
  expect(strategy).toBe('TxProfile Relative A level 1')
  expect(station.calls.slice(before).map(({ action, payload }) => [action, payload])).toEqual([
    ['ClearChargingProfile', { id: 720_001 }],
    ['ClearChargingProfile', { connectorId: 1, chargingProfilePurpose: 'TxProfile' }],
    ['SetChargingProfile', expect.anything()],
  ])
  // From the start of the transaction, and ended by a date as well: whichever the station means.
  expect(station.callsOf('SetChargingProfile').at(-1)).toMatchObject({
    csChargingProfiles: {
      chargingProfileKind: 'Relative',
      validTo: '2026-03-02T17:30:00Z',
      chargingSchedule: { duration: 1_800 },
    },
  })
  expect(JSON.stringify(station.callsOf('SetChargingProfile').at(-1))).not.toContain('startSch')
})

test('a station that follows none of its forms has none left in the end, and begins again', async () => {
  const station = await join16(world)
  await plugIn16(station)
  const names: (string | null)[] = []
  do {
    names.push(world.driver.nextStrategy(resource.id))
  } while (names.at(-1) !== null && names.length < 50)
  expect(names).toHaveLength(16)
  expect(await world.driver.apply(resource.id, setpoint(resource), 500)).toEqual({
    strategy: 'TxProfile Absolute A level 1',
  })
})

test('one connector that does not follow changes nothing for the other', async () => {
  await world.stop()
  const second = charger({ connectorId: 2, password: 'd'.repeat(40) })
  world = await startWorld({}, [resource, second])
  const station = await join16(world)
  await plugIn16(station)
  const start = { idTag: 'TAG', meterStart: 1, timestamp: '2026-03-02T16:50:00Z' }
  await station.call('StartTransaction', { connectorId: 2, ...start })
  world.driver.nextStrategy(resource.id)
  const { strategy } = await world.driver.apply(second.id, setpoint(second), 500)
  expect(strategy).toBe('TxProfile Absolute A level 1')
})

test('a limit that the station does not find by its id is cleared by its place', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource), 500)
  station.answer('ClearChargingProfile', { status: 'Unknown' })
  await world.driver.apply(resource.id, setpoint(resource, { version: 2, powerW: null }), 500)
  expect(station.callsOf('ClearChargingProfile').slice(-2)).toEqual([
    { id: 720_001 },
    { connectorId: 1, chargingProfilePurpose: 'TxProfile', stackLevel: 1 },
  ])
})

test('less than ours for a moment is the station at work, and no limit of others', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 9_000 }), 500)
  station.answer('GetCompositeSchedule', composite(6))
  await world.driver.readBack(resource.id, 500)
  station.answer('GetCompositeSchedule', composite(13))
  world.clock.set(addSeconds(START, 31))
  await pause(80)
  expect(world.heard.limits).toEqual([])
})

test('less than ours and the default that stays is a limit of others, until it is gone', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 9_000 }), 500)
  station.answer('GetCompositeSchedule', composite(8))
  await world.driver.readBack(resource.id, 500)
  expect(world.heard.limits).toEqual([])
  world.clock.set(addSeconds(START, 31))
  await until('the limit', () => world.heard.limits.length === 1)
  const source = 'inferred from read-back'
  expect(world.heard.limits).toEqual([{ id: resource.id, limitW: 5_520, source }])
  station.answer('GetCompositeSchedule', composite(13))
  world.clock.set(addSeconds(START, 92))
  await until('the end of the limit', () => world.heard.limits.length === 2)
  expect(world.heard.limits[1]).toEqual({ id: resource.id, limitW: null, source })
})

test('our own limit, and one found after a restart, are not taken for those of others', async () => {
  const station = await join16(world, { GetCompositeSchedule: composite(6) })
  await world.driver.readBack(resource.id, 500)
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 4_200 }), 500)
  world.clock.set(addSeconds(START, 60))
  await world.driver.readBack(resource.id, 500)
  await pause(60)
  expect(world.heard.limits).toEqual([])
})

test('a 2.x station has a message for it: nothing is inferred there', async () => {
  const station = await join2x(world, 'ocpp2.0.1', { 'SmartChargingCtrlr.RateUnit': 'A' })
  await event2x(station, 'Started')
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 9_000 }), 500)
  const { chargingSchedule } = composite(8)
  const schedule = { evseId: 1, scheduleStart: '2026-03-02T17:00:00Z', ...chargingSchedule }
  station.answer('GetCompositeSchedule', { status: 'Accepted', schedule })
  world.clock.set(addSeconds(START, 60))
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'limited', powerW: 5_520 })
  expect(world.heard.limits).toEqual([])
})

test('a reason that names what is not taken saves the forms that share it', async () => {
  const station = await join2x(
    world,
    'ocpp2.0.1',
    {},
    {
      SetChargingProfile: (payload: Record<string, unknown>) => {
        const profile = payload['chargingProfile'] as Record<string, unknown>
        if (profile['chargingProfilePurpose'] !== 'TxProfile') return { status: 'Accepted' }
        return { status: 'Rejected', statusInfo: { reasonCode: 'UnsupportedPurpose' } }
      },
    },
  )
  await event2x(station, 'Started')
  world.clock.set(addSeconds(START, 60))
  const before = station.callsOf('SetChargingProfile').length
  expect(await world.driver.apply(resource.id, setpoint(resource), 500)).toEqual({
    strategy: 'TxDefaultProfile Absolute A level 1',
  })
  expect(station.callsOf('SetChargingProfile')).toHaveLength(before + 2)
})

test('a car that stays away after a pause is known for it, and so is one that comes back', async () => {
  const station = await join16(world)
  await plugIn16(station)
  const status = (what: string) =>
    station.call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: what })
  const known = () => {
    const { pauses, resumes } = world.heard.capabilities.at(-1)?.capability ?? {}
    return [pauses, resumes]
  }
  let version = 0
  const apply = async (powerW: number | null) => {
    version += 1
    const validUntil = addSeconds(world.clock.now(), 1_800)
    await world.driver.apply(resource.id, setpoint(resource, { version, powerW, validUntil }), 500)
  }
  expect(known()).toEqual([null, null])
  await apply(0)
  await status('SuspendedEVSE')
  expect(known()).toEqual([true, null])
  await apply(5_000)
  await status('SuspendedEV')
  world.clock.set(addSeconds(START, 600))
  await until('the judgement', () => known()[1] === false)
  await apply(0)
  await apply(null)
  await status('Charging')
  expect(known()).toEqual([true, true])
  expect(world.heard.capabilities).toHaveLength(4)
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { join16, meterValue16, plugIn16 } from './station16.ts'
import { charger, setpoint, START, startWorld, type World, until } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  await world.stop()
})

test('a station that is not connected cannot be reached', async () => {
  await expect(world.driver.apply(resource.id, setpoint(resource), 200)).rejects.toMatchObject({
    code: 'device-unreachable',
    message: 'station CP-1: not connected',
  })
  await expect(world.driver.readBack(resource.id, 200)).rejects.toMatchObject({
    code: 'device-unreachable',
  })
})

test('a limit without a transaction is refused, and holds for the car that comes', async () => {
  const station = await join16(world)
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: 'station CP-1 has no transaction running at 1',
  })
  const transactionId = await plugIn16(station)
  await until('the profile', () => station.callsOf('SetChargingProfile').length === 2)
  expect(station.callsOf('SetChargingProfile')[1]).toMatchObject({
    csChargingProfiles: { transactionId, chargingProfilePurpose: 'TxProfile' },
  })
})

test('where nothing was heard of a transaction yet, a limit waits for the word', async () => {
  const station = await join16(world)
  const applied = world.driver.apply(resource.id, setpoint(resource), 1_000)
  await station.call('MeterValues', {
    connectorId: 1,
    transactionId: 42,
    meterValue: [meterValue16(START, '7000', '100')],
  })
  await applied
  expect(station.callsOf('SetChargingProfile').at(-1)).toMatchObject({
    csChargingProfiles: { transactionId: 42 },
  })
})

test('a refusal names the status', async () => {
  const station = await join16(world)
  await plugIn16(station)
  station.answer('SetChargingProfile', { status: 'NotSupported' })
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: 'station CP-1 answered SetChargingProfile with NotSupported',
  })
})

test('a CALLERROR is a refusal that names its code', async () => {
  const station = await join16(world)
  await plugIn16(station)
  station.answer('SetChargingProfile', { error: 'PropertyConstraintViolation' })
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: expect.stringMatching(/PropertyConstraintViolation: as told/),
  })
})

test('an unanswered call meets its deadline, and the next one gets through', async () => {
  const station = await join16(world)
  await plugIn16(station)
  station.answer('SetChargingProfile', () => 'silence')
  const begun = performance.now()
  await expect(world.driver.apply(resource.id, setpoint(resource), 100)).rejects.toMatchObject({
    code: 'device-unreachable',
    message: 'station CP-1: no answer to SetChargingProfile within 100 ms',
  })
  expect(performance.now() - begun).toBeLessThan(400)
  station.answer('SetChargingProfile', { status: 'Accepted' })
  await world.driver.apply(resource.id, setpoint(resource, { version: 2 }), 500)
})

test('a setpoint older than one asked for before, or at its end, is refused', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource, { version: 5 }), 500)
  await expect(
    world.driver.apply(resource.id, setpoint(resource, { version: 4 }), 500),
  ).rejects.toMatchObject({
    code: 'device-refused',
    message: expect.stringMatching(/older than 5/),
  })
  world.clock.set(START + 1_800_000)
  await expect(
    world.driver.apply(resource.id, setpoint(resource, { version: 6 }), 500),
  ).rejects.toMatchObject({
    code: 'device-refused',
    message: expect.stringMatching(/ended at 2026-03-02T17:30:00Z/),
  })
})

test('a limit goes out on the running transaction with its end, cut to a tenth of an ampere', async () => {
  const station = await join16(world)
  const transactionId = await plugIn16(station)
  world.clock.set(START + 90_500)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 4_300 }), 500)
  expect(station.callsOf('SetChargingProfile')[1]).toEqual({
    connectorId: 1,
    csChargingProfiles: {
      chargingProfileId: 720_001,
      transactionId,
      stackLevel: 1,
      chargingProfilePurpose: 'TxProfile',
      chargingProfileKind: 'Absolute',
      chargingSchedule: {
        startSchedule: '2026-03-02T17:00:30Z',
        duration: 1_770,
        chargingRateUnit: 'A',
        chargingSchedulePeriod: [{ startPeriod: 0, limit: 6.2, numberPhases: 3 }],
      },
    },
  })
})

test('a station that takes only watts gets whole watts', async () => {
  const station = await join16(world, {
    GetConfiguration: {
      configurationKey: [
        { key: 'ChargingScheduleAllowedChargingRateUnit', readonly: true, value: 'Power' },
      ],
    },
  })
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 4_300 }), 500)
  expect(station.callsOf('SetChargingProfile')[1]).toMatchObject({
    csChargingProfiles: {
      chargingSchedule: {
        chargingRateUnit: 'W',
        chargingSchedulePeriod: [{ startPeriod: 0, limit: 4_300, numberPhases: 3 }],
      },
    },
  })
})

test('a station that refuses stack level 1 is tried with 0, and asked that way from then on', async () => {
  const station = await join16(world)
  await plugIn16(station)
  station.answer('SetChargingProfile', (payload) => {
    const profile = payload['csChargingProfiles'] as { stackLevel: number }
    return { status: profile.stackLevel === 0 ? 'Accepted' : 'Rejected' }
  })
  await world.driver.apply(resource.id, setpoint(resource), 500)
  await world.driver.apply(resource.id, setpoint(resource, { version: 2 }), 500)
  const levels = station
    .callsOf('SetChargingProfile')
    .map((one) => (one['csChargingProfiles'] as { stackLevel: number }).stackLevel)
  expect(levels).toEqual([0, 1, 0, 0])
})

test('no setpoint means the limit is cleared by its id, gone already or not', async () => {
  const station = await join16(world)
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource, { version: 2, powerW: null }), 500)
  expect(station.callsOf('ClearChargingProfile').at(-1)).toEqual({ id: 720_001 })
  station.answer('ClearChargingProfile', { status: 'Unknown' })
  await world.driver.apply(resource.id, setpoint(resource, { version: 3, powerW: null }), 500)
})

test('reading back tells the limit in watts, or that the default holds', async () => {
  const station = await join16(world)
  const schedule = (limit: number) => ({
    status: 'Accepted',
    connectorId: 1,
    scheduleStart: '2026-03-02T17:00:00Z',
    chargingSchedule: {
      duration: 60,
      chargingRateUnit: 'A',
      chargingSchedulePeriod: [{ startPeriod: 0, limit }],
    },
  })
  station.answer('GetCompositeSchedule', schedule(6.2))
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'limited', powerW: 4_278 })
  station.answer('GetCompositeSchedule', schedule(16))
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'default' })
  expect(station.callsOf('GetCompositeSchedule')[0]).toEqual({
    connectorId: 1,
    duration: 60,
    chargingRateUnit: 'A',
  })
})

test('where nothing can be read back the offered current tells, and without it nothing', async () => {
  const station = await join16(world)
  station.answer('GetCompositeSchedule', { status: 'Rejected' })
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'unknown' })
  const value = meterValue16(START, '4140', '1000')
  value.sampledValue.push({
    value: '6.0',
    measurand: 'Current.Offered',
    unit: 'A',
    context: 'Sample.Clock',
  })
  await station.call('MeterValues', { connectorId: 1, meterValue: [value] })
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'limited', powerW: 4_140 })
  // What was offered before a change says nothing about what holds after it.
  await plugIn16(station)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 9_000 }), 500)
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'unknown' })
})

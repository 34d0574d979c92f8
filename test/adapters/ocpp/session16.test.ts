import { afterEach, beforeEach, expect, test } from 'vitest'
import { addSeconds, formatInstant, instant } from '#domain/time.ts'
import { ANSWERS_16, BOOT_16, connectStation, type WireStation } from './wire-station.ts'
import { charger, PASSWORD, setpoint, START, startWorld, until, type World } from './world.ts'

let world: World
let station: WireStation
const resource = charger()

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  await world.stop()
})

async function dial(answers: object = {}): Promise<void> {
  station = await connectStation(world.driver.url('CP-1'), {
    password: PASSWORD,
    answers: { ...ANSWERS_16, ...answers },
  })
}

/** Connected, booted, set up. */
async function join(answers: object = {}): Promise<void> {
  await dial(answers)
  await station.call('BootNotification', BOOT_16)
  await until('the station to be set up', () => world.heard.connected.length > 0)
}

/** A car is plugged in at `at`; the answer's transaction id. */
async function plugIn(at = START): Promise<number> {
  const frame = await station.call('StartTransaction', {
    connectorId: 1,
    idTag: 'TAG',
    meterStart: 1_000,
    timestamp: formatInstant(at),
  })
  return (frame[2] as { transactionId: number }).transactionId
}

function meterValue(at: number, powerW: string, registerWh: string, context = 'Sample.Clock') {
  return {
    timestamp: formatInstant(instant(at)),
    sampledValue: [
      { value: powerW, measurand: 'Power.Active.Import', unit: 'W', context },
      { value: registerWh, measurand: 'Energy.Active.Import.Register', unit: 'Wh', context },
    ],
  }
}

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
  await join()
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: 'station CP-1 no transaction is running at 1',
  })
  const transactionId = await plugIn()
  await until('the profile', () => station.callsOf('SetChargingProfile').length === 2)
  expect(station.callsOf('SetChargingProfile')[1]).toMatchObject({
    csChargingProfiles: { transactionId, chargingProfilePurpose: 'TxProfile' },
  })
})

test('a refusal names the status', async () => {
  await join()
  await plugIn()
  station.answer('SetChargingProfile', { status: 'NotSupported' })
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: 'station CP-1 answered SetChargingProfile with NotSupported',
  })
})

test('a CALLERROR is a refusal that names its code', async () => {
  await join()
  await plugIn()
  station.answer('SetChargingProfile', { error: 'PropertyConstraintViolation' })
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: /PropertyConstraintViolation: as told/,
  })
})

test('an unanswered call meets its deadline, and the next one gets through', async () => {
  await join()
  await plugIn()
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
  await join()
  await plugIn()
  await world.driver.apply(resource.id, setpoint(resource, { version: 5 }), 500)
  await expect(
    world.driver.apply(resource.id, setpoint(resource, { version: 4 }), 500),
  ).rejects.toMatchObject({ code: 'device-refused', message: /older than 5/ })
  world.clock.set(START + 1_800_000)
  await expect(
    world.driver.apply(resource.id, setpoint(resource, { version: 6 }), 500),
  ).rejects.toMatchObject({ code: 'device-refused', message: /ended at 2026-03-02T17:30:00Z/ })
})

test('after the boot the station is told how to measure, cleared and given its default', async () => {
  await join()
  expect(world.heard.connected).toEqual([
    { id: resource.id, detail: 'OCPP 1.6, limits in A' },
  ])
  expect(station.callsOf('ChangeConfiguration')).toEqual([
    { key: 'ClockAlignedDataInterval', value: '30' },
    {
      key: 'MeterValuesAlignedData',
      value: 'Power.Active.Import,Energy.Active.Import.Register,Current.Offered',
    },
  ])
  expect(station.callsOf('ClearChargingProfile')).toEqual([
    { chargingProfilePurpose: 'TxProfile' },
    { chargingProfilePurpose: 'TxDefaultProfile' },
  ])
  expect(station.callsOf('SetChargingProfile')).toEqual([
    {
      connectorId: 1,
      csChargingProfiles: {
        chargingProfileId: 710_001,
        stackLevel: 0,
        chargingProfilePurpose: 'TxDefaultProfile',
        chargingProfileKind: 'Absolute',
        chargingSchedule: {
          startSchedule: '2026-03-02T16:59:00Z',
          chargingRateUnit: 'A',
          chargingSchedulePeriod: [{ startPeriod: 0, limit: 16, numberPhases: 3 }],
        },
      },
    },
  ])
})

test('the boot is answered in business time, and a station that never boots is set up, too', async () => {
  await dial()
  await until('the set-up', () => world.heard.connected.length === 1)
  const [, , answer] = await station.call('BootNotification', BOOT_16)
  expect(answer).toEqual({ status: 'Accepted', currentTime: '2026-03-02T17:00:00Z', interval: 300 })
})

test('a limit goes out on the running transaction with its end, cut to a tenth of an ampere', async () => {
  await join()
  const transactionId = await plugIn()
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
  await join({
    GetConfiguration: {
      configurationKey: [
        { key: 'ChargingScheduleAllowedChargingRateUnit', readonly: true, value: 'Power' },
      ],
    },
  })
  await plugIn()
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
  await join()
  await plugIn()
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
  await join()
  await plugIn()
  await world.driver.apply(resource.id, setpoint(resource, { version: 2, powerW: null }), 500)
  expect(station.callsOf('ClearChargingProfile').at(-1)).toEqual({ id: 720_001 })
  station.answer('ClearChargingProfile', { status: 'Unknown' })
  await world.driver.apply(resource.id, setpoint(resource, { version: 3, powerW: null }), 500)
})

test('reading back tells the limit in watts, or that the default holds', async () => {
  await join()
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
  await join()
  station.answer('GetCompositeSchedule', { status: 'Rejected' })
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'unknown' })
  const value = meterValue(START, '4140', '1000')
  value.sampledValue.push({
    value: '6.0',
    measurand: 'Current.Offered',
    unit: 'A',
    context: 'Sample.Clock',
  })
  await station.call('MeterValues', { connectorId: 1, meterValue: [value] })
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'limited', powerW: 4_140 })
})

test('clock-aligned values become readings with the stamp of the meter', async () => {
  await join()
  await station.call('MeterValues', {
    connectorId: 1,
    meterValue: [meterValue(START - 30_000, '6900.4', '1234')],
  })
  await station.call('MeterValues', {
    connectorId: 1,
    meterValue: [meterValue(START - 7_000, '6900', '1234', 'Sample.Periodic')],
  })
  expect(world.heard.readings).toEqual([
    {
      resourceId: resource.id,
      at: START - 30_000,
      powerW: 6_900,
      registerWh: 1_234,
      socBp: null,
    },
  ])
})

test('a stamp ahead of time or from a clock that was never set is left out and logged', async () => {
  await join()
  await station.call('MeterValues', {
    connectorId: 1,
    meterValue: [meterValue(START + 3_600_000, '1', '1'), meterValue(30_000, '1', '1')],
  })
  expect(world.heard.readings).toEqual([])
  const reasons = world.heard.log.map((line) => line.fields['why']).filter(Boolean)
  expect(reasons).toEqual(['its stamp cannot be right', 'its stamp cannot be right'])
})

test('start, needs and stop of a transaction become one session', async () => {
  await join()
  const transactionId = await plugIn()
  await station.call('DataTransfer', {
    vendorId: 'org.gridcall',
    messageId: 'ChargingNeeds',
    data: JSON.stringify({
      transactionId,
      energyAmount: 21_500,
      departureTime: '2026-03-03T06:30:00+01:00',
    }),
  })
  world.clock.set(START + 600_000)
  await station.call('StopTransaction', {
    transactionId,
    timestamp: formatInstant(addSeconds(START, 590)),
    meterStop: 2_000,
  })
  const base = { resourceId: resource.id, startedAt: START, startRegisterWh: 1_000 }
  const needs = { energyNeededWh: 21_500, departureAt: Date.UTC(2026, 2, 3, 5, 30) }
  expect(world.heard.sessions).toEqual([
    { ...base, endedAt: null, energyNeededWh: null, departureAt: null },
    { ...base, endedAt: null, ...needs },
    { ...base, endedAt: START + 590_000, ...needs },
  ])
})

test('charging needs that cannot be read are rejected, other vendors are unknown', async () => {
  await join()
  const ask = async (payload: Record<string, unknown>) =>
    (await station.call('DataTransfer', payload))[2]
  const ours = { vendorId: 'org.gridcall', messageId: 'ChargingNeeds' }
  expect(await ask({ ...ours, data: '{' })).toEqual({ status: 'Rejected' })
  expect(await ask({ ...ours, data: '{"transactionId":1,"energyAmount":-5}' })).toEqual({
    status: 'Rejected',
  })
  expect(await ask({ vendorId: 'com.example' })).toEqual({ status: 'UnknownVendorId' })
  expect(await ask({ ...ours, messageId: 'Other' })).toEqual({ status: 'UnknownMessageId' })
})

test('a start that is sent twice, with the same or another message id, is one transaction', async () => {
  await join()
  const start = {
    connectorId: 1,
    idTag: 'TAG',
    meterStart: 5,
    timestamp: '2026-03-02T16:58:20.250Z',
  }
  const first = await station.call('StartTransaction', start, 'm-1')
  const again = await station.call('StartTransaction', start, 'm-1')
  const retried = await station.call('StartTransaction', start, 'm-2')
  expect(again).toEqual(first)
  expect(retried[2]).toEqual(first[2])
  expect(world.heard.sessions).toHaveLength(1)
})

test('meter values that come after the stop do not bring the transaction back', async () => {
  await join()
  const transactionId = await plugIn()
  await station.call('StopTransaction', {
    transactionId,
    timestamp: formatInstant(START),
    meterStop: 1_000,
  })
  await station.call('MeterValues', {
    connectorId: 1,
    transactionId,
    meterValue: [meterValue(START, '0', '1000')],
  })
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: /no transaction/,
  })
  expect(world.heard.readings).toHaveLength(1)
})

test('a transaction that began before the service did is found by asking for meter values', async () => {
  const startedAt = addSeconds(START, -900)
  const transactionId = Math.floor(startedAt / 1000) - Date.UTC(2020, 0, 1) / 1000
  await dial({
    TriggerMessage: () => {
      setTimeout(() => {
        station.raw(
          JSON.stringify([
            2,
            'triggered',
            'MeterValues',
            { connectorId: 1, transactionId, meterValue: [meterValue(START, '11000', '9000')] },
          ]),
        )
      }, 20)
      return { status: 'Accepted' }
    },
  })
  await station.call('BootNotification', BOOT_16)
  await until('the set-up', () => world.heard.connected.length === 1)
  await world.driver.apply(resource.id, setpoint(resource), 500)
  world.clock.set(START + 60_000)
  await station.call('StopTransaction', {
    transactionId,
    timestamp: formatInstant(addSeconds(START, 50)),
    meterStop: 9_100,
  })
  expect(world.heard.sessions.at(-1)).toMatchObject({ startedAt, endedAt: START + 50_000 })
})

test('a reconnect without a new boot writes no default profile again', async () => {
  await join()
  await station.close()
  await until('the disconnection', () => world.heard.disconnected.length === 1)
  await join()
  await until('the second set-up', () => world.heard.connected.length === 2)
  expect(station.callsOf('SetChargingProfile')).toEqual([])
})

test('values by the period serve where a station refuses clock-aligned ones', async () => {
  await join({
    ChangeConfiguration: (payload: { key: string }) => ({
      status: payload.key === 'ClockAlignedDataInterval' ? 'NotSupported' : 'Accepted',
    }),
  })
  expect(world.heard.connected[0]?.detail).toContain('no clock-aligned meter values')
  expect(station.callsOf('ChangeConfiguration').map((one) => one['key'])).toEqual([
    'ClockAlignedDataInterval',
    'MeterValueSampleInterval',
    'MeterValuesSampledData',
  ])
  await station.call('MeterValues', {
    connectorId: 1,
    meterValue: [meterValue(START - 7_000, '6900', '1234', 'Sample.Periodic')],
  })
  expect(world.heard.readings).toHaveLength(1)
})

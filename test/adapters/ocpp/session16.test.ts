import { afterEach, beforeEach, expect, test } from 'vitest'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { dial16, join16, meterValue16, plugIn16 } from './station16.ts'
import { BOOT_16 } from './wire-station.ts'
import { charger, setpoint, START, startWorld, until, type World } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld({ setUpDeadlineMs: 500 })
})

afterEach(async () => {
  await world.stop()
})

/** One that does not wait long for a station to say that it has booted. */
async function impatientWorld(): Promise<void> {
  await world.stop()
  world = await startWorld({ setUpDeadlineMs: 500, bootGraceMs: 100 })
}

test('after the boot the station is told how to measure, cleared and given its default', async () => {
  const station = await join16(world)
  expect(world.heard.connected).toEqual([{ id: resource.id, detail: 'OCPP 1.6, limits in A' }])
  expect(station.callsOf('ChangeConfiguration')).toEqual([
    { key: 'ClockAlignedDataInterval', value: '30' },
    {
      key: 'MeterValuesAlignedData',
      value: 'Power.Active.Import,Energy.Active.Import.Register,Current.Offered',
    },
  ])
  expect(station.callsOf('ClearChargingProfile')).toEqual([
    { chargingProfilePurpose: 'TxProfile', stackLevel: 0 },
    { chargingProfilePurpose: 'TxProfile', stackLevel: 2 },
    { chargingProfilePurpose: 'TxProfile', stackLevel: 3 },
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
  await impatientWorld()
  const station = await dial16(world)
  await until('the set-up', () => world.heard.connected.length === 1)
  const [, , answer] = await station.call('BootNotification', BOOT_16)
  expect(answer).toEqual({ status: 'Accepted', currentTime: '2026-03-02T17:00:00Z', interval: 300 })
})

test('clock-aligned values become readings with the stamp of the meter', async () => {
  const station = await join16(world)
  await station.call('MeterValues', {
    connectorId: 1,
    meterValue: [meterValue16(START - 30_000, '6900.4', '1234')],
  })
  await station.call('MeterValues', {
    connectorId: 1,
    meterValue: [meterValue16(START - 7_000, '6900', '1234', 'Sample.Periodic')],
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
  const station = await join16(world)
  await station.call('MeterValues', {
    connectorId: 1,
    meterValue: [meterValue16(START + 3_600_000, '1', '1'), meterValue16(30_000, '1', '1')],
  })
  expect(world.heard.readings).toEqual([])
  const reasons = world.heard.log.map((line) => line.fields['why']).filter(Boolean)
  expect(reasons).toEqual(['its stamp cannot be right', 'its stamp cannot be right'])
})

test('start, needs and stop of a transaction become one session', async () => {
  const station = await join16(world)
  const transactionId = await plugIn16(station)
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
  const station = await join16(world)
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
  const station = await join16(world)
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

test('a start from a clock that was never set, sent again after a reconnect, is one transaction', async () => {
  const first = await join16(world)
  const start = { connectorId: 1, idTag: 'T', meterStart: 5, timestamp: '1970-01-01T00:00:09Z' }
  const answer = await first.call('StartTransaction', start)
  await first.close()
  await until('the disconnection', () => world.heard.disconnected.length === 1)
  world.clock.set(START + 90_000)
  const second = await join16(world)
  expect((await second.call('StartTransaction', start, 'another'))[2]).toEqual(answer[2])
  expect(world.heard.sessions).toHaveLength(1)
})

test('starts of one second at one connector are apart where tag or meter differ', async () => {
  const station = await join16(world)
  const start = { connectorId: 1, idTag: 'T', meterStart: 5, timestamp: formatInstant(START) }
  const ids: unknown[] = []
  for (const differs of [{}, { idTag: 'U' }, { meterStart: 6 }, {}]) {
    ids.push((await station.call('StartTransaction', { ...start, ...differs }))[2])
  }
  expect(new Set(ids.map((one) => JSON.stringify(one))).size).toBe(3)
  expect(ids[3]).toEqual(ids[0])
  expect(JSON.stringify(world.heard)).not.toContain('"U"')
})

test('a start that comes after its own meter values keeps the id that they told', async () => {
  const station = await join16(world)
  const transactionId = Math.floor((START - Date.UTC(2020, 0, 1)) / 1000)
  const meterValue = [meterValue16(START + 30_000, '7000', '1100')]
  await station.call('MeterValues', { connectorId: 1, transactionId, meterValue })
  expect(await plugIn16(station)).toBe(transactionId)
  expect(world.heard.sessions.at(-1)).toMatchObject({ startedAt: START, startRegisterWh: 1_000 })
})

test('two cars plugged in within one second are two transactions', async () => {
  await world.driver.attach(charger({ connectorId: 2 }))
  const station = await join16(world)
  const ids: unknown[] = []
  for (const connectorId of [1, 2, 2]) {
    const [, , answer] = await station.call('StartTransaction', {
      connectorId,
      idTag: 'TAG',
      meterStart: 0,
      timestamp: formatInstant(START),
    })
    ids.push((answer as { transactionId: number }).transactionId)
  }
  const [first, second, again] = ids
  expect(second).not.toBe(first)
  expect(again).toBe(second)
  expect(world.heard.sessions).toHaveLength(2)
})

test('a stop without a usable transaction id ends what runs', async () => {
  const station = await join16(world)
  await plugIn16(station)
  const stop = { transactionId: -1, timestamp: formatInstant(START), meterStop: 1_000 }
  expect((await station.call('StopTransaction', stop))[0]).toBe(3)
  expect(world.heard.sessions.at(-1)).toMatchObject({ startedAt: START, endedAt: START })
})

test('meter values that come after the stop do not bring the transaction back', async () => {
  const station = await join16(world)
  const transactionId = await plugIn16(station)
  await station.call('StopTransaction', {
    transactionId,
    timestamp: formatInstant(START),
    meterStop: 1_000,
  })
  await station.call('MeterValues', {
    connectorId: 1,
    transactionId,
    meterValue: [meterValue16(START, '0', '1000')],
  })
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: expect.stringMatching(/no transaction/),
  })
  expect(world.heard.readings).toHaveLength(1)
})

test('a transaction that began before the service did is found by asking for meter values', async () => {
  const startedAt = addSeconds(START, -900)
  const transactionId = Math.floor(startedAt / 1000) - Date.UTC(2020, 0, 1) / 1000
  const station = await dial16(world, {
    TriggerMessage: () => {
      setTimeout(() => {
        station.raw(
          JSON.stringify([
            2,
            'triggered',
            'MeterValues',
            { connectorId: 1, transactionId, meterValue: [meterValue16(START, '11000', '9000')] },
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

test('a reconnect writes no default profile again, not even after the same boot', async () => {
  const first = await join16(world)
  await first.close()
  await until('the disconnection', () => world.heard.disconnected.length === 1)
  const second = await join16(world)
  expect(second.callsOf('SetChargingProfile')).toEqual([])
})

test('a station that does not answer its first question is let go and can come back', async () => {
  await impatientWorld()
  const mute = await dial16(world, { GetConfiguration: () => 'silence' })
  expect(await mute.closed).toBe('1011 set-up failed')
  expect(world.heard.connected).toEqual([])
  await join16(world)
})

test('a station that passes over one thing in silence is set up all the same', async () => {
  await join16(world, { TriggerMessage: () => 'silence' })
  expect(world.heard.connected).toHaveLength(1)
})

test('another firmware is set up again on the same connection', async () => {
  const station = await join16(world)
  await station.call('BootNotification', { ...BOOT_16, firmwareVersion: '2' })
  await until('the second set-up', () => world.heard.connected.length === 2)
  expect(station.callsOf('SetChargingProfile')).toHaveLength(2)
})

test('values by the period serve where a station refuses clock-aligned ones', async () => {
  const station = await join16(world, {
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
    meterValue: [meterValue16(START - 7_000, '6900', '1234', 'Sample.Periodic')],
  })
  expect(world.heard.readings).toHaveLength(1)
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { StationOcpp16 } from '#simulations/devices/station-ocpp16.ts'
import type { Payload } from '#simulations/devices/ocpp-link.ts'
import type { ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { at, charger, iso, START, type StationWorld, stationWorld, visit } from './charger.ts'
import { Csms, until } from './csms.ts'

const REF = 'res-cp-01'
let csms: Csms
let stations: StationOcpp16[]

beforeEach(async () => {
  csms = new Csms()
  stations = []
  csms.passwords.set(REF, 'a5'.repeat(20))
  await csms.start()
})

afterEach(async () => {
  for (const station of stations) station.stop()
  await csms.stop()
  expect(csms.deviations).toEqual([])
})

async function connected(device: ScenarioCharger = charger()) {
  const world = stationWorld(device)
  const station = new StationOcpp16(world.parts)
  stations.push(station)
  station.connect({ url: csms.url(REF), password: 'a5'.repeat(20) })
  await until('the station has booted', () => station.ready)
  await configure('ClockAlignedDataInterval', '30')
  await configure(
    'MeterValuesAlignedData',
    'Power.Active.Import,Energy.Active.Import.Register,Current.Offered',
  )
  return { station, world }
}

async function configure(key: string, value: string): Promise<void> {
  expect(await csms.call(REF, 'ChangeConfiguration', { key, value })).toEqual({
    status: 'Accepted',
  })
}

function advance(world: StationWorld, station: StationOcpp16, seconds: number): void {
  world.clock.now = at(seconds)
  station.point.advance(world.clock.now)
}

async function transactionId(): Promise<number> {
  await until('a transaction is told', () => csms.of(REF, 'DataTransfer').length > 0)
  const data = JSON.parse(String(csms.of(REF, 'DataTransfer')[0]?.data)) as {
    transactionId: number
  }
  return data.transactionId
}

function txProfile(transaction: number, limit: number, seconds: number, unit = 'A'): Payload {
  return {
    connectorId: 1,
    csChargingProfiles: {
      chargingProfileId: 4711,
      transactionId: transaction,
      stackLevel: 1,
      chargingProfilePurpose: 'TxProfile',
      chargingProfileKind: 'Absolute',
      chargingSchedule: {
        startSchedule: iso(-60),
        duration: seconds + 60,
        chargingRateUnit: unit,
        chargingSchedulePeriod: [{ startPeriod: 0, limit, numberPhases: 1 }],
      },
    },
  }
}

const set = (payload: Payload) => csms.call(REF, 'SetChargingProfile', payload)

test('a wrong password never gets in, and the station keeps dialling', async () => {
  const station = new StationOcpp16(stationWorld(charger()).parts)
  stations.push(station)
  station.connect({ url: csms.url(REF), password: 'wrong' })
  await until('two dials are refused', () => csms.refusals >= 2)
  expect(station.ready).toBe(false)
})

test('nothing but the boot is sent until the boot is accepted', async () => {
  let pending = true
  csms.answers.set('BootNotification', () => ({
    status: pending ? 'Pending' : 'Accepted',
    currentTime: iso(0),
    interval: 1,
  }))
  const station = new StationOcpp16(stationWorld(charger()).parts)
  stations.push(station)
  station.connect({ url: csms.url(REF), password: 'a5'.repeat(20) })
  await until('a first boot', () => csms.received.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(csms.received.map(({ action }) => action)).toEqual(['BootNotification'])
  pending = false
  await until('the transaction is told', () => csms.of(REF, 'StartTransaction').length === 1)
  expect(csms.of(REF, 'BootNotification')).toHaveLength(2)
})

test('profiles that break a rule are rejected and change nothing', async () => {
  const { station } = await connected()
  const transaction = await transactionId()
  const good = txProfile(transaction, 10, 600)
  const broken = (over: Payload, schedule: Payload = {}): Payload => {
    const profile = good.csChargingProfiles as Payload & { chargingSchedule: Payload }
    const chargingSchedule = { ...profile.chargingSchedule, ...schedule }
    return { connectorId: 1, csChargingProfiles: { ...profile, ...over, chargingSchedule } }
  }
  const refused: [string, Payload][] = [
    ['another transaction', broken({ transactionId: transaction + 1 })],
    ['a stack level above the maximum', broken({ stackLevel: 6 })],
    ['a unit it does not take', broken({}, { chargingRateUnit: 'W' })],
    [
      'a first period that does not start at 0',
      broken(
        {},
        {
          chargingSchedulePeriod: [{ startPeriod: 10, limit: 8 }],
        },
      ),
    ],
    ['Relative with a start', broken({ chargingProfileKind: 'Relative' })],
    [
      'a station maximum on a connector',
      broken({ chargingProfilePurpose: 'ChargePointMaxProfile' }),
    ],
    ['a connector that is not there', { ...good, connectorId: 2 }],
  ]
  for (const [why, payload] of refused)
    expect(await set(payload), why).toEqual({ status: 'Rejected' })
  expect(station.point.limitW).toBe(7360)
})

test('a profile for a transaction is rejected where no car stands', async () => {
  await connected(charger({ visits: [] }))
  expect(await set(txProfile(1, 10, 600))).toEqual({ status: 'Rejected' })
})

test('an action it does not know is answered with NotImplemented', async () => {
  await connected()
  await expect(csms.call(REF, 'GetLocalListVersion', {})).rejects.toThrow('NotImplemented')
})

test('keys: unknown ones are named, fixed ones stay', async () => {
  await connected()
  const asked = { key: ['ChargingScheduleAllowedChargingRateUnit', 'Nonsense'] }
  expect(await csms.call(REF, 'GetConfiguration', asked)).toEqual({
    configurationKey: [
      { key: 'ChargingScheduleAllowedChargingRateUnit', value: 'Current', readonly: true },
    ],
    unknownKey: ['Nonsense'],
  })
  const change = (key: string, value: string) =>
    csms.call(REF, 'ChangeConfiguration', { key, value })
  expect(await change('Nonsense', '1')).toEqual({ status: 'NotSupported' })
  expect(await change('NumberOfConnectors', '2')).toEqual({ status: 'Rejected' })
  expect(await change('ClockAlignedDataInterval', 'often')).toEqual({ status: 'Rejected' })
})

test('it tells the transaction with the time of plug-in and what the driver needs', async () => {
  await connected()
  const transaction = await transactionId()
  const [start] = csms.of(REF, 'StartTransaction')
  expect(start).toEqual({
    connectorId: 1,
    idTag: 'tag-res-cp-01',
    meterStart: 1_000_000 - 7360,
    timestamp: iso(-3600),
  })
  const [needs] = csms.of(REF, 'DataTransfer')
  expect(needs).toMatchObject({ vendorId: 'org.gridcall', messageId: 'ChargingNeeds' })
  expect(JSON.parse(String(needs?.data))).toEqual({
    transactionId: transaction,
    energyAmount: 15_000,
    departureTime: iso(4 * 3600),
  })
})

test('a limit is accepted, read back, followed, and ends by itself', async () => {
  const { station, world } = await connected()
  const transaction = await transactionId()
  expect(await set(txProfile(transaction, 10, 300))).toEqual({ status: 'Accepted' })
  expect(world.setpoints).toEqual([{ powerW: 2300, validUntil: at(300) }])
  const asked = { connectorId: 1, duration: 600 }
  expect(await csms.call(REF, 'GetCompositeSchedule', asked)).toEqual({
    status: 'Accepted',
    connectorId: 1,
    scheduleStart: iso(0),
    chargingSchedule: {
      duration: 600,
      chargingRateUnit: 'A',
      chargingSchedulePeriod: [
        { startPeriod: 0, limit: 10, numberPhases: 1 },
        { startPeriod: 300, limit: 32, numberPhases: 1 },
      ],
    },
  })
  advance(world, station, 60)
  await until('two meter values', () => csms.of(REF, 'MeterValues').length === 2)
  expect(csms.of(REF, 'MeterValues')[1]).toEqual({
    connectorId: 1,
    transactionId: transaction,
    meterValue: [
      {
        timestamp: iso(60),
        sampledValue: [
          { value: '2300', unit: 'W', measurand: 'Power.Active.Import', context: 'Sample.Clock' },
          {
            value: String(station.point.registerWh),
            unit: 'Wh',
            measurand: 'Energy.Active.Import.Register',
            context: 'Sample.Clock',
          },
          { value: '10.0', unit: 'A', measurand: 'Current.Offered', context: 'Sample.Clock' },
        ],
      },
    ],
  })
  advance(world, station, 330)
  expect(world.defaults).toEqual([at(300)])
  expect(station.point.powerW).toBeCloseTo(7360, 3)
})

test('0 A pauses: SuspendedEVSE; clearing by id resumes, clearing again is Unknown', async () => {
  const { station, world } = await connected()
  await set(txProfile(await transactionId(), 0, 600))
  advance(world, station, 20)
  const last = () => csms.of(REF, 'StatusNotification').at(-1)?.status
  await until('suspended', () => last() === 'SuspendedEVSE')
  expect(await csms.call(REF, 'ClearChargingProfile', { id: 4711 })).toEqual({ status: 'Accepted' })
  expect(await csms.call(REF, 'ClearChargingProfile', { id: 4711 })).toEqual({ status: 'Unknown' })
  advance(world, station, 40)
  await until('charging again', () => last() === 'Charging')
})

test('a station in W takes W and tells W', async () => {
  const { world } = await connected(charger({ rateUnit: 'W' }))
  expect(await set(txProfile(await transactionId(), 3000.5, 300, 'W'))).toEqual({
    status: 'Accepted',
  })
  expect(world.setpoints[0]?.powerW).toBeCloseTo(3000.5, 6)
  const answer = await csms.call(REF, 'GetCompositeSchedule', { connectorId: 1, duration: 60 })
  expect(answer.chargingSchedule).toMatchObject({
    chargingRateUnit: 'W',
    chargingSchedulePeriod: [{ startPeriod: 0, limit: 3000.5 }],
  })
})

test('what is metered while the line is down arrives in order, without a new boot', async () => {
  const { station, world } = await connected()
  const transaction = await transactionId()
  csms.cut(REF)
  await until('the line is down', () => !station.ready)
  advance(world, station, 120)
  await until('the line is up again', () => csms.of(REF, 'MeterValues').length === 4)
  const stamps = csms.of(REF, 'MeterValues').map(({ meterValue, transactionId: id }) => {
    expect(id).toBe(transaction)
    return (meterValue as { timestamp: string }[])[0]?.timestamp
  })
  expect(stamps).toEqual([iso(30), iso(60), iso(90), iso(120)])
  expect(csms.of(REF, 'BootNotification')).toHaveLength(1)
  expect(csms.of(REF, 'StartTransaction')).toHaveLength(1)
})

test('a driver who leaves ends the transaction; an empty connector still reports 0 W', async () => {
  const leaving = visit({ departureAt: iso(45) })
  const { station, world } = await connected(charger({ visits: [leaving] }))
  const transaction = await transactionId()
  advance(world, station, 90)
  await until('the stop is told', () => csms.of(REF, 'StopTransaction').length === 1)
  expect(csms.of(REF, 'StopTransaction')[0]).toMatchObject({
    transactionId: transaction,
    timestamp: iso(45),
    reason: 'EVDisconnected',
  })
  await until('three meter values', () => csms.of(REF, 'MeterValues').length === 3)
  expect(csms.of(REF, 'MeterValues')[2]).not.toHaveProperty('transactionId')
  expect(JSON.stringify(csms.of(REF, 'MeterValues')[2])).toContain('"value":"0"')
})

test('triggered messages come after the answer', async () => {
  await connected()
  await transactionId()
  const trigger = (requestedMessage: string) =>
    csms.call(REF, 'TriggerMessage', { requestedMessage })
  expect(await trigger('FirmwareStatusNotification')).toEqual({ status: 'NotImplemented' })
  expect(await trigger('MeterValues')).toEqual({ status: 'Accepted' })
  await until('a triggered value', () => csms.of(REF, 'MeterValues').length === 1)
  expect(JSON.stringify(csms.of(REF, 'MeterValues')[0])).toContain('"context":"Trigger"')
  expect(await trigger('Heartbeat')).toEqual({ status: 'Accepted' })
  await until('a heartbeat', () => csms.of(REF, 'Heartbeat').length === 1)
})

test('a silent station keeps its line and sends no values', async () => {
  const { station, world } = await connected()
  await transactionId()
  station.fallSilent()
  advance(world, station, 90)
  await csms.call(REF, 'TriggerMessage', { requestedMessage: 'Heartbeat' })
  await until('a heartbeat', () => csms.of(REF, 'Heartbeat').length === 1)
  expect(csms.of(REF, 'MeterValues')).toEqual([])
  expect(START).toBe(at(0))
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Payload } from '#simulations/devices/ocpp-link.ts'
import { StationOcpp201 } from '#simulations/devices/station-ocpp201.ts'
import type { ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { at, charger, iso, START, type StationWorld, stationWorld, visit } from './charger.ts'
import { Csms, until } from './csms.ts'

const REF = 'res-cp-01'
const PASSWORD = '0c'.repeat(20)
const TRANSACTION = `${REF}-${START - 3_600_000}`
let csms: Csms
let stations: StationOcpp201[]

beforeEach(async () => {
  csms = new Csms()
  stations = []
  csms.passwords.set(REF, PASSWORD)
  await csms.start()
})

afterEach(async () => {
  for (const station of stations) station.stop()
  await csms.stop()
  expect(csms.deviations).toEqual([])
})

function device(over: Partial<ScenarioCharger> = {}): ScenarioCharger {
  return charger({ version: '2.0.1', rateUnit: 'W', ...over })
}

async function connected(over: Partial<ScenarioCharger> = {}) {
  const world = stationWorld(device(over))
  const station = new StationOcpp201(world.parts)
  stations.push(station)
  station.connect({ url: csms.url(REF), password: PASSWORD })
  await until('the station has booted', () => station.ready)
  const variable = (name: string, attributeValue: string) => ({
    component: { name: 'AlignedDataCtrlr' },
    variable: { name },
    attributeValue,
  })
  const measurands = 'Power.Active.Import,Energy.Active.Import.Register,Current.Offered'
  const answer = await csms.call(REF, 'SetVariables', {
    setVariableData: [variable('Interval', '30'), variable('Measurands', measurands)],
  })
  expect(JSON.stringify(answer).match(/"attributeStatus":"Accepted"/g)).toHaveLength(2)
  return { station, world }
}

function advance(world: StationWorld, station: StationOcpp201, seconds: number): void {
  world.clock.now = at(seconds)
  station.point.advance(world.clock.now)
}

function profile(over: Payload = {}, schedule: Payload = {}): Payload {
  return {
    evseId: 1,
    chargingProfile: {
      id: 4711,
      stackLevel: 1,
      chargingProfilePurpose: 'TxProfile',
      chargingProfileKind: 'Absolute',
      transactionId: TRANSACTION,
      chargingSchedule: [
        {
          id: 1,
          startSchedule: iso(-60),
          duration: 360,
          chargingRateUnit: 'W',
          chargingSchedulePeriod: [{ startPeriod: 0, limit: 3000, numberPhases: 1 }],
          ...schedule,
        },
      ],
      ...over,
    },
  }
}

const set = (payload: Payload) => csms.call(REF, 'SetChargingProfile', payload)

test('profiles that break a rule are rejected with its reason and change nothing', async () => {
  const { station } = await connected()
  const refused: [string, Payload][] = [
    ['TxNotFound', profile({ transactionId: 'another' })],
    ['InvalidProfile', profile({ stackLevel: 9 })],
    ['InvalidProfile', profile({ chargingProfilePurpose: 'ChargingStationMaxProfile' })],
    ['UnsupportedRateUnit', profile({}, { chargingRateUnit: 'A' })],
    ['InvalidSchedule', profile({ chargingProfileKind: 'Relative' })],
    ['InvalidSchedule', profile({}, { chargingSchedulePeriod: [{ startPeriod: 5, limit: 8 }] })],
    ['UnknownEvse', { ...profile(), evseId: 2 }],
    ['InvalidProfile', { ...profile(), evseId: 0 }],
  ]
  for (const [reasonCode, payload] of refused) {
    expect(await set(payload)).toEqual({ status: 'Rejected', statusInfo: { reasonCode } })
  }
  expect(station.point.limitW).toBe(7360)
})

test('another id at the same level is a duplicate while the first profile acts', async () => {
  const { world } = await connected()
  expect(await set(profile())).toEqual({ status: 'Accepted' })
  const other = profile({ id: 4712 })
  expect(await set(other)).toMatchObject({ statusInfo: { reasonCode: 'DuplicateProfile' } })
  world.clock.now = at(301)
  expect(await set(profile({ id: 4712 }, { startSchedule: iso(240) }))).toEqual({
    status: 'Accepted',
  })
})

test('a profile for a transaction is rejected where no car stands', async () => {
  await connected({ visits: [] })
  expect(await set(profile())).toMatchObject({ statusInfo: { reasonCode: 'TxNotFound' } })
})

test('variables: unknown ones and fixed ones are told apart', async () => {
  await connected()
  const rateUnit = { component: { name: 'SmartChargingCtrlr' }, variable: { name: 'RateUnit' } }
  const nonsense = { component: { name: 'SmartChargingCtrlr' }, variable: { name: 'Nonsense' } }
  const got = await csms.call(REF, 'GetVariables', { getVariableData: [rateUnit, nonsense] })
  expect(got.getVariableResult).toEqual([
    { ...rateUnit, attributeStatus: 'Accepted', attributeValue: 'W' },
    { ...nonsense, attributeStatus: 'UnknownVariable' },
  ])
  const setting = { setVariableData: [{ ...rateUnit, attributeValue: 'A' }] }
  const answer = await csms.call(REF, 'SetVariables', setting)
  expect(answer.setVariableResult).toMatchObject([{ attributeStatus: 'Rejected' }])
})

test('the base report names every variable', async () => {
  await connected()
  const asked = { requestId: 5, reportBase: 'FullInventory' }
  expect(await csms.call(REF, 'GetBaseReport', asked)).toEqual({ status: 'Accepted' })
  await until('a report', () => csms.of(REF, 'NotifyReport').length === 1)
  expect(JSON.stringify(csms.of(REF, 'NotifyReport')[0])).toContain('ProfileStackLevel')
})

test('it tells the transaction with the time of plug-in and what the driver needs', async () => {
  await connected()
  await until('needs are told', () => csms.of(REF, 'NotifyEVChargingNeeds').length === 1)
  expect(csms.of(REF, 'TransactionEvent')[0]).toMatchObject({
    eventType: 'Started',
    timestamp: iso(-3600),
    seqNo: 0,
    transactionInfo: { transactionId: TRANSACTION },
    evse: { id: 1, connectorId: 1 },
    meterValue: [{ timestamp: iso(-3600), sampledValue: [{ value: 1_000_000 - 7360 }] }],
  })
  expect(csms.of(REF, 'NotifyEVChargingNeeds')[0]).toEqual({
    evseId: 1,
    chargingNeeds: {
      requestedEnergyTransfer: 'AC_single_phase',
      departureTime: iso(4 * 3600),
      acChargingParameters: {
        energyAmount: 15_000,
        evMinCurrent: 6,
        evMaxCurrent: 32,
        evMaxVoltage: 230,
      },
    },
  })
})

test('a limit is accepted, read back, followed, and ends by itself', async () => {
  const { station, world } = await connected()
  expect(await set(profile())).toEqual({ status: 'Accepted' })
  expect(world.setpoints).toEqual([{ powerW: 3000, validUntil: at(300) }])
  const asked = { evseId: 1, duration: 600 }
  expect(await csms.call(REF, 'GetCompositeSchedule', asked)).toEqual({
    status: 'Accepted',
    schedule: {
      evseId: 1,
      duration: 600,
      scheduleStart: iso(0),
      chargingRateUnit: 'W',
      chargingSchedulePeriod: [
        { startPeriod: 0, limit: 3000, numberPhases: 1 },
        { startPeriod: 300, limit: 7360, numberPhases: 1 },
      ],
    },
  })
  advance(world, station, 60)
  const updates = () =>
    csms
      .of(REF, 'TransactionEvent')
      .filter(({ triggerReason }) => triggerReason === 'MeterValueClock')
  await until('two meter values', () => updates().length === 2)
  expect(updates()[1]).toMatchObject({
    eventType: 'Updated',
    timestamp: iso(60),
    offline: false,
    transactionInfo: { transactionId: TRANSACTION, chargingState: 'Charging' },
    meterValue: [
      {
        timestamp: iso(60),
        sampledValue: [
          { value: 3000, measurand: 'Power.Active.Import', unitOfMeasure: { unit: 'W' } },
          { value: station.point.registerWh, unitOfMeasure: { unit: 'Wh' } },
          { value: 13, unitOfMeasure: { unit: 'A' } },
        ],
      },
    ],
  })
  const numbers = csms.of(REF, 'TransactionEvent').map(({ seqNo }) => seqNo)
  expect(numbers).toEqual(numbers.map((_, index) => index))
  advance(world, station, 330)
  expect(world.defaults).toEqual([at(300)])
})

test('0 W pauses, clearing by id resumes, clearing again is Unknown', async () => {
  const { station, world } = await connected()
  await set(profile({}, { chargingSchedulePeriod: [{ startPeriod: 0, limit: 0 }] }))
  advance(world, station, 20)
  const state = () => {
    const last = csms.of(REF, 'TransactionEvent').at(-1)
    return (last?.transactionInfo as Payload | undefined)?.chargingState
  }
  await until('suspended', () => state() === 'SuspendedEVSE')
  const clear = () => csms.call(REF, 'ClearChargingProfile', { chargingProfileId: 4711 })
  expect(await clear()).toEqual({ status: 'Accepted' })
  expect(await clear()).toEqual({ status: 'Unknown' })
  advance(world, station, 40)
  await until('charging again', () => state() === 'Charging')
})

test('a driver who leaves ends the transaction; then values come as MeterValues', async () => {
  const { station, world } = await connected({ visits: [visit({ departureAt: iso(45) })] })
  advance(world, station, 90)
  await until('a value without a transaction', () => csms.of(REF, 'MeterValues').length === 2)
  expect(csms.of(REF, 'TransactionEvent').at(-1)).toMatchObject({
    eventType: 'Ended',
    timestamp: iso(45),
    triggerReason: 'EVDeparted',
    transactionInfo: { stoppedReason: 'EVDisconnected' },
  })
  expect(JSON.stringify(csms.of(REF, 'MeterValues')[1])).toContain('"value":0')
})

test('events made while the line is down are marked offline and arrive in order', async () => {
  const { station, world } = await connected()
  await until('needs are told', () => csms.of(REF, 'NotifyEVChargingNeeds').length === 1)
  csms.cut(REF)
  await until('the line is down', () => !station.ready)
  advance(world, station, 60)
  await until('the line is up again', () => csms.of(REF, 'TransactionEvent').length === 3)
  const events = csms.of(REF, 'TransactionEvent').slice(1)
  expect(events.map(({ offline }) => offline)).toEqual([true, true])
  expect(events.map(({ timestamp }) => timestamp)).toEqual([iso(30), iso(60)])
  expect(csms.of(REF, 'BootNotification')).toHaveLength(1)
})

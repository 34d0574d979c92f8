import { afterEach, beforeEach, expect, test } from 'vitest'
import { join16 } from './station16.ts'
import { join2x } from './station2x.ts'
import { ANSWERS_16, ANSWERS_201, BOOT_16, connectStation } from './wire-station.ts'
import { charger, PASSWORD, setpoint, START, startWorld, until, type World } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld({ setUpDeadlineMs: 500 })
})

afterEach(async () => {
  await world.stop()
})

const keys = (told: Record<string, string>) => ({
  GetConfiguration: {
    configurationKey: Object.entries(told).map(([key, value]) => ({ key, value, readonly: true })),
  },
})

const composite16 = (limit: number) => ({
  status: 'Accepted',
  connectorId: 1,
  chargingSchedule: {
    duration: 60,
    chargingRateUnit: 'A',
    chargingSchedulePeriod: [{ startPeriod: 0, limit }],
  },
})

test('a 1.6 station that tells nothing and takes no default is known for that', async () => {
  await join16(world, {
    GetConfiguration: { error: 'NotSupported' },
    SetChargingProfile: { status: 'NotSupported' },
    ChangeConfiguration: { status: 'Rejected' },
  })
  expect(world.heard.capabilities).toEqual([
    {
      id: resource.id,
      capability: {
        protocol: 'ocpp1.6',
        make: 'Wire',
        model: 'One',
        firmware: null,
        quirks: null,
        unit: 'A',
        phases: 3,
        minimumW: 4_140,
        stepW: 69,
        stackLevelMax: null,
        periodsMax: null,
        purposes: ['TxProfile'],
        kinds: ['Absolute', 'Relative'],
        pauses: null,
        resumes: null,
        readBack: 'none',
        meterIntervalSeconds: 30,
        signs: false,
        v2x: false,
        dynamic: false,
        offlineFallback: 'unlimited',
        updateEverySeconds: null,
      },
    },
  ])
})

test('what a 1.6 station tells by its keys is its capability', async () => {
  const station = await join16(world, {
    ...keys({
      ChargingScheduleAllowedChargingRateUnit: 'Power',
      ChargeProfileMaxStackLevel: '8',
      ChargingScheduleMaxPeriods: '24',
      SupportedFeatureProfiles: 'Core,SmartCharging,RemoteTrigger',
      NumberOfConnectors: '1',
      StopTransactionSignatureFormat: 'SR',
    }),
    GetCompositeSchedule: composite16(16),
  })
  expect(world.heard.capabilities[0]?.capability).toMatchObject({
    unit: 'W',
    minimumW: 4_140,
    stepW: 1,
    stackLevelMax: 8,
    periodsMax: 24,
    purposes: ['TxProfile', 'TxDefaultProfile', 'ChargePointMaxProfile'],
    readBack: 'composite',
    signs: true,
    offlineFallback: 'expires',
  })
  expect(station.callsOf('ChangeConfiguration').at(-1)).toEqual({
    key: 'StopTransactionSignatureFormat',
    value: 'MR',
  })
})

test('a maximum that an installer set is not replaced, nor is one of a station we share', async () => {
  const station = await join16(world, {
    ...keys({ NumberOfConnectors: '1' }),
    GetCompositeSchedule: composite16(10),
  })
  const purposes = () =>
    station
      .callsOf('SetChargingProfile')
      .map(
        ({ csChargingProfiles }) =>
          (csChargingProfiles as Record<string, unknown>)['chargingProfilePurpose'],
      )
  expect(purposes()).toEqual(['TxDefaultProfile'])
  station.answer('GetConfiguration', keys({ NumberOfConnectors: '2' }).GetConfiguration)
  station.answer('GetCompositeSchedule', composite16(32))
  await station.call('BootNotification', { ...BOOT_16, firmwareVersion: '2' })
  await until('the second set-up', () => world.heard.capabilities.length === 2)
  expect(purposes()).toEqual(['TxDefaultProfile', 'TxDefaultProfile'])
})

test('a 2.x station with no EVSE but ours gets a maximum, one with others does not', async () => {
  const schedule = {
    evseId: 0,
    duration: 60,
    scheduleStart: '2026-03-02T17:00:00Z',
    chargingRateUnit: 'A',
    chargingSchedulePeriod: [{ startPeriod: 0, limit: 32 }],
  }
  const answers = { GetCompositeSchedule: { status: 'Accepted', schedule } }
  const station = await join2x(world, 'ocpp2.0.1', {}, answers)
  expect(station.callsOf('SetChargingProfile')[0]).toMatchObject({
    evseId: 0,
    chargingProfile: { chargingProfilePurpose: 'ChargingStationMaxProfile', stackLevel: 0 },
  })
  expect(station.callsOf('SetChargingProfile')).toHaveLength(2)
  await world.stop()
  world = await startWorld()
  const shared = await join2x(
    world,
    'ocpp2.0.1',
    {},
    {
      ...answers,
      GetVariables: ANSWERS_201['GetVariables'],
    },
  )
  expect(shared.callsOf('SetChargingProfile').map((one) => one['evseId'])).toEqual([1])
})

test('a station that never boots is asked who it is', async () => {
  const boot = JSON.stringify([
    2,
    'b',
    'BootNotification',
    { ...BOOT_16, chargePointVendor: 'ABB' },
  ])
  await world.stop()
  world = await startWorld({ bootGraceMs: 20 })
  const station = await connectStation(world.driver.url('CP-1'), {
    password: PASSWORD,
    answers: {
      ...ANSWERS_16,
      TriggerMessage: (payload: Record<string, unknown>) => {
        if (payload['requestedMessage'] !== 'BootNotification') return { status: 'NotImplemented' }
        setTimeout(() => station.raw(boot), 20)
        return { status: 'Accepted' }
      },
    },
  })
  await until('the set-up', () => world.heard.connected.length > 0)
  expect(world.heard.capabilities.map(({ capability }) => capability.quirks)).toEqual([
    'abb-terra-ac',
  ])
})

test('a coarse raster is filled with values to steer by, and both are readings', async () => {
  await world.stop()
  world = await startWorld({ meteringIntervalSeconds: 900 })
  const station = await join16(world)
  expect(station.callsOf('ChangeConfiguration').map(({ key, value }) => [key, value])).toEqual([
    ['ClockAlignedDataInterval', '900'],
    ['MeterValuesAlignedData', expect.stringContaining('Power.Active.Import')],
    ['MeterValueSampleInterval', '30'],
    ['MeterValuesSampledData', expect.stringContaining('Power.Active.Import')],
  ])
  const sampledValue = [
    { value: '7000', measurand: 'Power.Active.Import', unit: 'W', context: 'Sample.Periodic' },
    { value: '1000', measurand: 'Energy.Active.Import.Register', context: 'Sample.Periodic' },
  ]
  await station.call('MeterValues', {
    connectorId: 1,
    meterValue: [{ timestamp: '2026-03-02T17:00:00Z', sampledValue }],
  })
  expect(world.heard.readings).toMatchObject([{ at: START, powerW: 7_000 }])
})

test('a 2.0.1 station is asked for nothing that only 2.1 has, and signs where it offers that', async () => {
  const station = await join2x(world, 'ocpp2.0.1', {
    'SmartChargingCtrlr.RateUnit': 'A,W',
    'SmartChargingCtrlr.ProfileStackLevel': '4',
    'SmartChargingCtrlr.PeriodsPerSchedule': '10',
    'AlignedDataCtrlr.SignReadings': 'false',
  })
  const asked = JSON.stringify(station.callsOf('GetVariables'))
  expect(asked).not.toMatch(/SupportsFeature|V2XChargingCtrlr|UpdateRateLimit|Measurands/)
  expect(world.heard.capabilities[0]?.capability).toMatchObject({
    protocol: 'ocpp2.0.1',
    firmware: '3.1',
    unit: 'A',
    stackLevelMax: 4,
    periodsMax: 10,
    signs: true,
    dynamic: false,
    v2x: false,
    updateEverySeconds: null,
  })
  expect(station.callsOf('SetVariables').map((one) => one['setVariableData'])).toContainEqual([
    {
      attributeValue: 'true',
      component: { name: 'AlignedDataCtrlr' },
      variable: { name: 'SignReadings' },
    },
  ])
})

test('what a 2.1 station supports is told, and its own ids are left to other systems', async () => {
  await world.stop()
  const car = charger({ rating: { exportMaxW: 11_040 } })
  world = await startWorld({}, [car])
  const station = await join2x(world, 'ocpp2.1', {
    'SmartChargingCtrlr.RateUnit': 'W',
    'SmartChargingCtrlr.ProfileStackLevel': '2',
    'SmartChargingCtrlr.SupportsFeature[DynamicProfiles]': 'true',
    'SmartChargingCtrlr.SupportsFeature[MaxOfflineDuration]': 'true',
    'SmartChargingCtrlr.UpdateRateLimit': '60',
    'SmartChargingCtrlr.MaxExternalConstraintsId': '900000',
    'V2XChargingCtrlr.Enabled': 'true',
    'V2XChargingCtrlr.SupportedOperationModes': 'ChargingOnly,CentralSetpoint',
  })
  expect(world.heard.capabilities[0]?.capability).toMatchObject({
    protocol: 'ocpp2.1',
    unit: 'W',
    kinds: ['Dynamic', 'Absolute', 'Relative'],
    v2x: true,
    dynamic: true,
    offlineFallback: 'default',
    updateEverySeconds: 60,
  })
  expect(station.callsOf('SetChargingProfile')[0]).toMatchObject({
    chargingProfile: { id: 1_610_001, chargingProfilePurpose: 'TxDefaultProfile' },
  })
  // For energy that is given back there are registers of their own.
  expect(JSON.stringify(station.callsOf('SetVariables'))).toContain('Energy.Active.Export.Register')
  expect(setpoint(car).resourceId).toBe(car.id)
})

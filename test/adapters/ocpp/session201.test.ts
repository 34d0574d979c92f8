import { afterEach, beforeEach, expect, test } from 'vitest'
import { addSeconds, formatInstant, instant } from '#domain/time.ts'
import { ANSWERS_201, BOOT_201, connectStation, type WireStation } from './wire-station.ts'
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

async function join(answers: object = {}): Promise<void> {
  station = await connectStation(world.driver.url('CP-1'), {
    protocols: ['ocpp2.0.1'],
    password: PASSWORD,
    answers: { ...ANSWERS_201, ...answers },
  })
  await station.call('BootNotification', BOOT_201)
  await until('the station to be set up', () => world.heard.connected.length > 0)
}

/** The payload of the answer. */
async function event(
  eventType: 'Started' | 'Updated' | 'Ended',
  at: number,
  more: Record<string, unknown> = {},
): Promise<unknown> {
  const frame = await station.call('TransactionEvent', {
    eventType,
    timestamp: formatInstant(instant(at)),
    triggerReason: 'Authorized',
    seqNo: 0,
    transactionInfo: { transactionId: 'tx-1' },
    evse: { id: 1, connectorId: 1 },
    ...more,
  })
  return frame[2]
}

function meterValue(at: number, powerW: number, registerKwh: number, context = 'Sample.Clock') {
  return {
    timestamp: formatInstant(instant(at)),
    sampledValue: [
      { value: powerW, measurand: 'Power.Active.Import', context, unitOfMeasure: { unit: 'W' } },
      {
        value: registerKwh,
        measurand: 'Energy.Active.Import.Register',
        context,
        unitOfMeasure: { unit: 'kWh' },
      },
    ],
  }
}

test('a refusal names the status and the reason, and is not tried in other forms', async () => {
  await join()
  await event('Started', START)
  station.answer('SetChargingProfile', {
    status: 'Rejected',
    statusInfo: { reasonCode: 'TxNotFound' },
  })
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: 'station CP-1 answered SetChargingProfile with Rejected (TxNotFound)',
  })
  expect(station.callsOf('SetChargingProfile')).toHaveLength(2)
})

test('a profile that another system left on our level is cleared, and ours is tried again', async () => {
  await join()
  await event('Started', START)
  let isForeignThere = true
  station.answer('ClearChargingProfile', () => {
    isForeignThere = false
    return { status: 'Accepted' }
  })
  station.answer('SetChargingProfile', () =>
    isForeignThere
      ? { status: 'Rejected', statusInfo: { reasonCode: 'DuplicateProfile' } }
      : { status: 'Accepted' },
  )
  await world.driver.apply(resource.id, setpoint(resource), 500)
  expect(station.callsOf('ClearChargingProfile').at(-1)).toEqual({
    chargingProfileCriteria: { chargingProfilePurpose: 'TxProfile', stackLevel: 1 },
  })
  expect(station.callsOf('SetChargingProfile')).toHaveLength(3)
})

test('a station without smart charging is connected, says so, and refuses', async () => {
  await join({ SetChargingProfile: { error: 'NotSupported' } })
  expect(world.heard.connected[0]?.detail).toContain('no default profile accepted')
  await event('Started', START)
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    code: 'device-refused',
    message: expect.stringMatching(/NotSupported/),
  })
})

test('an event of an unknown type is answered with an error that names it', async () => {
  await join()
  const frame = await station.call('TransactionEvent', {
    eventType: 'Paused',
    timestamp: formatInstant(START),
    triggerReason: 'Authorized',
    seqNo: 0,
    transactionInfo: { transactionId: 'tx-1' },
  })
  expect(frame.slice(2, 4)).toEqual([
    'PropertyConstraintViolation',
    'eventType must be equal to one of the allowed values',
  ])
})

test('after the boot the station is told how to measure, cleared and given its default', async () => {
  await join()
  expect(world.heard.connected).toEqual([{ id: resource.id, detail: 'OCPP 2.0.1, limits in A' }])
  expect(station.callsOf('SetVariables').map((one) => one['setVariableData'])).toEqual([
    [
      {
        attributeValue: '30',
        component: { name: 'AlignedDataCtrlr' },
        variable: { name: 'Interval' },
      },
    ],
    [
      {
        attributeValue: 'Power.Active.Import,Energy.Active.Import.Register,Current.Offered',
        component: { name: 'AlignedDataCtrlr' },
        variable: { name: 'Measurands' },
      },
    ],
  ])
  expect(station.callsOf('ClearChargingProfile')).toEqual([
    { chargingProfileCriteria: { chargingProfilePurpose: 'TxProfile', stackLevel: 0 } },
    { chargingProfileCriteria: { chargingProfilePurpose: 'TxProfile', stackLevel: 2 } },
    { chargingProfileCriteria: { chargingProfilePurpose: 'TxDefaultProfile' } },
  ])
  expect(station.callsOf('SetChargingProfile')).toEqual([
    {
      evseId: 1,
      chargingProfile: {
        id: 710_001,
        stackLevel: 0,
        chargingProfilePurpose: 'TxDefaultProfile',
        chargingProfileKind: 'Absolute',
        chargingSchedule: [
          {
            id: 710_001,
            startSchedule: '2026-03-02T16:59:00Z',
            chargingRateUnit: 'A',
            chargingSchedulePeriod: [{ startPeriod: 0, limit: 16, numberPhases: 3 }],
          },
        ],
      },
    },
  ])
})

test('a limit goes out on the running transaction, is read back and cleared', async () => {
  await join()
  await event('Started', START)
  await world.driver.apply(resource.id, setpoint(resource, { powerW: 0 }), 500)
  expect(station.callsOf('SetChargingProfile')[1]).toEqual({
    evseId: 1,
    chargingProfile: {
      id: 720_001,
      stackLevel: 1,
      chargingProfilePurpose: 'TxProfile',
      chargingProfileKind: 'Absolute',
      transactionId: 'tx-1',
      chargingSchedule: [
        {
          id: 720_001,
          startSchedule: '2026-03-02T16:59:00Z',
          duration: 1_860,
          chargingRateUnit: 'A',
          chargingSchedulePeriod: [{ startPeriod: 0, limit: 0, numberPhases: 3 }],
        },
      ],
    },
  })
  station.answer('GetCompositeSchedule', {
    status: 'Accepted',
    schedule: {
      evseId: 1,
      duration: 60,
      scheduleStart: formatInstant(START),
      chargingRateUnit: 'A',
      chargingSchedulePeriod: [{ startPeriod: 0, limit: 0 }],
    },
  })
  expect(await world.driver.readBack(resource.id, 500)).toEqual({ kind: 'limited', powerW: 0 })
  await world.driver.apply(resource.id, setpoint(resource, { version: 2, powerW: null }), 500)
  expect(station.callsOf('ClearChargingProfile').at(-1)).toEqual({ chargingProfileId: 720_001 })
})

test('needs told before the start and after it belong to the session', async () => {
  await join()
  const needs = (energyAmount: number) => ({
    evseId: 1,
    chargingNeeds: {
      requestedEnergyTransfer: 'AC_three_phase',
      departureTime: '2026-03-03T06:30:00Z',
      acChargingParameters: {
        energyAmount,
        evMinCurrent: 6,
        evMaxCurrent: 16,
        evMaxVoltage: 230,
      },
    },
  })
  expect((await station.call('NotifyEVChargingNeeds', needs(20_000)))[2]).toEqual({
    status: 'Processing',
  })
  await event('Started', START, {
    idToken: { idToken: 'X', type: 'ISO14443' },
    meterValue: [meterValue(START, 0, 1.5, 'Transaction.Begin')],
  })
  await station.call('NotifyEVChargingNeeds', needs(25_000))
  await event('Ended', START + 60_000, { evse: undefined })
  const base = {
    resourceId: resource.id,
    startedAt: START,
    startRegisterWh: 1_500,
    departureAt: Date.UTC(2026, 2, 3, 6, 30),
  }
  expect(world.heard.sessions).toEqual([
    { ...base, endedAt: null, energyNeededWh: 20_000 },
    { ...base, endedAt: null, energyNeededWh: 25_000 },
    { ...base, endedAt: START + 60_000, energyNeededWh: 25_000 },
  ])
})

test('events out of order and twice make one session with its end', async () => {
  await join()
  await event('Updated', START + 30_000)
  await event('Ended', START + 60_000)
  await event('Updated', START + 45_000)
  await event('Started', START)
  await event('Started', START)
  expect(world.heard.sessions).toHaveLength(1)
  expect(world.heard.sessions[0]).toMatchObject({ startedAt: START, endedAt: START + 60_000 })
  await expect(world.driver.apply(resource.id, setpoint(resource), 500)).rejects.toMatchObject({
    message: expect.stringMatching(/no transaction running/),
  })
})

test('the end of a transaction that nobody saw begin is told where its first value is', async () => {
  await join()
  await event('Updated', START + 30_000)
  await event('Ended', START + 60_000, {
    meterValue: [
      meterValue(START - 600_000, 0, 1.5, 'Transaction.Begin'),
      meterValue(START + 60_000, 0, 2.5, 'Transaction.End'),
    ],
  })
  expect(world.heard.sessions).toMatchObject([
    { startedAt: START - 600_000, endedAt: START + 60_000, startRegisterWh: 1_500 },
  ])
})

test('aligned values count inside a transaction and outside, each with its own stamp', async () => {
  await join()
  await event('Started', START, { meterValue: [meterValue(START, 0, 1.5, 'Transaction.Begin')] })
  await event('Updated', START + 30_000, {
    triggerReason: 'MeterValueClock',
    meterValue: [meterValue(START + 30_000, 7_200.2, 1.56, 'Other')],
  })
  await event('Updated', START + 31_000, {
    triggerReason: 'MeterValuePeriodic',
    meterValue: [meterValue(START + 31_000, 7_300, 1.57, 'Sample.Periodic')],
  })
  await event('Ended', START + 40_000)
  await station.call('MeterValues', {
    evseId: 1,
    meterValue: [meterValue(START + 60_000, 0, 1.6)],
  })
  const common = { resourceId: resource.id, socBp: null }
  expect(world.heard.readings).toEqual([
    { ...common, at: START + 30_000, powerW: 7_200, registerWh: 1_560 },
    { ...common, at: START + 60_000, powerW: 0, registerWh: 1_600 },
  ])
})

test('a transaction that runs already is found by asking for a transaction event', async () => {
  await join({
    TriggerMessage: (payload: Record<string, unknown>) => {
      expect(payload).toEqual({ requestedMessage: 'TransactionEvent', evse: { id: 1 } })
      setTimeout(() => {
        const update = {
          eventType: 'Updated',
          timestamp: formatInstant(addSeconds(START, -1)),
          triggerReason: 'Trigger',
          seqNo: 9,
          transactionInfo: { transactionId: 'tx-before' },
        }
        station.raw(JSON.stringify([2, 'triggered', 'TransactionEvent', update]))
      }, 20)
      return { status: 'Accepted' }
    },
  })
  await world.driver.apply(resource.id, setpoint(resource), 500)
  expect(station.callsOf('SetChargingProfile')[1]).toMatchObject({
    chargingProfile: { transactionId: 'tx-before' },
  })
})

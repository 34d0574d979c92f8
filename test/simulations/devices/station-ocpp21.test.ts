import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeStation } from '#simulations/devices/make-station.ts'
import type { Payload } from '#simulations/devices/ocpp-link.ts'
import type { Station } from '#simulations/devices/station.ts'
import { seededRandom } from '#simulations/random.ts'
import type { ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { at, charger, iso, START, stationWorld, visit } from './charger.ts'
import { Csms, until } from './csms.ts'

const REF = 'res-cp-21'
let csms: Csms
let station: Station | null

beforeEach(async () => {
  csms = new Csms()
  station = null
  csms.passwords.set(REF, 'a5'.repeat(20))
  await csms.start()
})

afterEach(async () => {
  station?.stop()
  await csms.stop()
  expect(csms.deviations).toEqual([])
})

async function connected(over: Partial<ScenarioCharger> = {}) {
  const device = charger({ ref: REF, version: '2.1', rateUnit: 'W', ...over })
  const world = stationWorld(device)
  const random = { line: seededRandom(1, 'line'), physics: seededRandom(1, 'physics') }
  const made = makeStation(device, START, random, world.parts.hooks)
  station = made
  made.connect({ url: csms.url(REF), password: 'a5'.repeat(20) })
  await until('the station has booted', () => made.ready)
  await until('a transaction', () => csms.of(REF, 'TransactionEvent').length > 0)
  const { transactionInfo } = csms.of(REF, 'TransactionEvent')[0] as {
    transactionInfo: { transactionId: string }
  }
  return {
    ...world,
    point: made.point,
    transaction: transactionInfo.transactionId,
    advance(seconds: number) {
      world.clock.now = at(seconds)
      made.point.advance(world.clock.now)
    },
  }
}

/** A bidirectional car that may give back 5 kW. */
const BIDIRECTIONAL = {
  rating: { ...charger().rating, exportMaxW: 5000 },
  visits: [visit({ car: { ...visit().car, socAtPlugIn: 0.6, dischargeMaxW: 5000 } })],
}

function dynamic(transactionId: string, period: Payload, more: Payload = {}): Payload {
  return {
    evseId: 1,
    chargingProfile: {
      id: 4711,
      stackLevel: 1,
      chargingProfilePurpose: 'TxProfile',
      chargingProfileKind: 'Dynamic',
      transactionId,
      ...more,
      chargingSchedule: [
        {
          id: 1,
          duration: 300,
          chargingRateUnit: 'W',
          chargingSchedulePeriod: [{ startPeriod: 0, numberPhases: 1, ...period }],
        },
      ],
    },
  }
}

const set = (payload: Payload) => csms.call(REF, 'SetChargingProfile', payload)
const update = (scheduleUpdate: Payload, chargingProfileId = 4711) =>
  csms.call(REF, 'UpdateDynamicSchedule', { chargingProfileId, scheduleUpdate })

describe('a Dynamic profile', () => {
  test('needs one period and no start, and an update needs such a profile', async () => {
    const { transaction, point } = await connected()
    const good = dynamic(transaction, { limit: 3000 })
    const profile = good.chargingProfile as { chargingSchedule: Payload[] }
    const started = { ...profile.chargingSchedule[0], startSchedule: iso(0) }
    const wrong = { ...good, chargingProfile: { ...profile, chargingSchedule: [started] } }
    expect(await set(wrong)).toMatchObject({ status: 'Rejected' })
    const both = { setpoint: 100, limit: 100, operationMode: 'CentralSetpoint' }
    expect(await set(dynamic(transaction, both))).toMatchObject({ status: 'Rejected' })
    expect(await update({ limit: 100 })).toMatchObject({ status: 'Rejected' })
    expect(point.limitW).toBe(7360)
  })

  test('is changed at once, writes no flash, and ends when nobody updates it', async () => {
    const { transaction, point, advance } = await connected()
    expect(await set(dynamic(transaction, { limit: 3000 }))).toEqual({ status: 'Accepted' })
    advance(200)
    expect(Math.round(point.powerW)).toBe(3000)
    expect(await update({ limit: 2000 })).toEqual({ status: 'Accepted' })
    advance(480)
    expect(Math.round(point.powerW)).toBe(2000)
    expect(point.stack.flashWrites).toBe(0)
    advance(520)
    expect(Math.round(point.powerW)).toBe(7360)
  })

  test('is void a while after the line is lost, and valid again when it is back', async () => {
    const { transaction, point, advance, clock } = await connected()
    const offline = { maxOfflineDuration: 60 }
    await set(dynamic(transaction, { limit: 3000 }, offline))
    advance(10)
    point.stack.lineChanged(clock.now, clock.now)
    advance(60)
    expect(Math.round(point.powerW)).toBe(3000)
    advance(80)
    expect(Math.round(point.powerW)).toBe(7360)
    point.stack.lineChanged(null, clock.now)
    advance(100)
    expect(Math.round(point.powerW)).toBe(3000)
  })

  test('is void for good where it says so', async () => {
    const { transaction, point, advance, clock } = await connected()
    const offline = { maxOfflineDuration: 60, invalidAfterOfflineDuration: true }
    await set(dynamic(transaction, { limit: 3000 }, offline))
    point.stack.lineChanged(clock.now, clock.now)
    advance(80)
    point.stack.lineChanged(null, clock.now)
    advance(100)
    expect(Math.round(point.powerW)).toBe(7360)
  })
})

describe('a car that can give back', () => {
  const below = { setpoint: -3000, operationMode: 'CentralSetpoint' }

  test('does, with a register of its own, and not below a fifth of its battery', async () => {
    const { transaction, point, advance } = await connected(BIDIRECTIONAL)
    const before = point.trueWh
    expect(await set(dynamic(transaction, below))).toEqual({ status: 'Accepted' })
    advance(250)
    expect(Math.round(point.powerW)).toBe(-3000)
    expect(point.readNow().exportWh).toBeGreaterThan(190)
    expect(point.trueWh).toBeLessThan(before)
    expect(await update({ setpoint: -9000 })).toEqual({ status: 'Accepted' })
    advance(260)
    expect(Math.round(point.powerW)).toBe(-5000)
  })

  test('says so before it is asked', async () => {
    const asked = [
      {
        component: { name: 'V2XChargingCtrlr' },
        variable: { name: 'SupportedOperationModes' },
      },
      {
        component: { name: 'SmartChargingCtrlr' },
        variable: { name: 'SupportsFeature', instance: 'DynamicProfiles' },
      },
    ]
    await connected(BIDIRECTIONAL)
    const { getVariableResult } = await csms.call(REF, 'GetVariables', { getVariableData: asked })
    expect((getVariableResult as Payload[]).map(({ attributeValue }) => attributeValue)).toEqual([
      'ChargingOnly,CentralSetpoint',
      'true',
    ])
  })

  test('one that cannot stays at nothing', async () => {
    const { transaction, point, advance } = await connected()
    await set(dynamic(transaction, below))
    advance(30)
    expect(point.powerW).toBe(0)
  })
})

describe('others interfere', () => {
  test('priority: the driver asks for full power, and says so; the limit no longer counts', async () => {
    const { transaction, point, advance } = await connected({ quirks: ['priority'] })
    await csms.call(REF, 'SetVariables', intervalOf30)
    await set(dynamic(transaction, { limit: 3000 }))
    advance(120)
    expect(Math.round(point.powerW)).toBe(3000)
    advance(250)
    await until('it is told', () => csms.of(REF, 'NotifyPriorityCharging').length === 1)
    expect(csms.of(REF, 'NotifyPriorityCharging')[0]).toMatchObject({ activated: true })
    expect(Math.round(point.powerW)).toBe(7360)
  })

  test('priority charging from afar needs a profile for it', async () => {
    const { transaction } = await connected()
    const use = () =>
      csms.call(REF, 'UsePriorityCharging', { transactionId: transaction, activate: true })
    expect(await use()).toEqual({ status: 'NoProfile' })
    const profile = dynamic(transaction, { limit: 6000 }) as { chargingProfile: Payload }
    const { transactionId: _, ...rest } = profile.chargingProfile
    const priority = { ...rest, id: 5, chargingProfilePurpose: 'PriorityCharging' }
    expect(await set({ evseId: 1, chargingProfile: priority })).toEqual({ status: 'Accepted' })
    expect(await use()).toEqual({ status: 'Accepted' })
    await until('it is told', () => csms.of(REF, 'NotifyPriorityCharging').length === 1)
  })

  test('external: an energy manager goes below our limit, and the station says so', async () => {
    const { transaction, point, advance } = await connected({ quirks: ['external'] })
    await csms.call(REF, 'SetVariables', intervalOf30)
    await set(dynamic(transaction, { limit: 3000 }))
    advance(250)
    await until('it is told', () => csms.of(REF, 'NotifyChargingLimit').length === 1)
    expect(csms.of(REF, 'NotifyChargingLimit')[0]).toMatchObject({
      chargingLimit: { chargingLimitSource: 'EMS' },
      chargingSchedule: [{ chargingSchedulePeriod: [{ limit: 1380 }] }],
    })
    expect(Math.round(point.powerW)).toBe(1380)
  })
})

describe('frames that came with 2.1', () => {
  test('values go out as a stream that nobody answers', async () => {
    const { advance } = await connected()
    await csms.call(REF, 'SetVariables', intervalOf30)
    await until('a stream', () => csms.of(REF, 'OpenPeriodicEventStream').length === 1)
    advance(30)
    await until('a value', () => csms.of(REF, 'NotifyPeriodicEventStream').length === 1)
    expect(csms.of(REF, 'NotifyPeriodicEventStream')[0]).toEqual({
      id: 1,
      pending: 0,
      basetime: iso(0),
      data: [{ t: 30, v: '7360' }],
    })
  })

  test('an answer that cannot be used is answered with CALLRESULTERROR', async () => {
    await connected()
    csms.answers.set('Heartbeat', () => ({}))
    await csms.call(REF, 'TriggerMessage', { requestedMessage: 'Heartbeat' })
    await until('an error', () => csms.resultErrors.length > 0)
    expect(csms.resultErrors[0]).toBe('OccurrenceConstraintViolation')
    csms.deviations.length = 0 // our own answer was the one without a time
  })
})

const intervalOf30 = {
  setVariableData: [
    {
      attributeValue: '30',
      component: { name: 'AlignedDataCtrlr' },
      variable: { name: 'Interval' },
    },
  ],
}

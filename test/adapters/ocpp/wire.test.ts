import fc from 'fast-check'
import { expect, test } from 'vitest'
import { meterValues, toReading } from '#adapters/ocpp/meter-values.ts'
import { setProfile16, setpointSchedule } from '#adapters/ocpp/schedules.ts'
import { deviation } from '#adapters/ocpp/schemas.ts'
import {
  effectiveLimit,
  effectiveOf,
  fromTimestamp,
  limitToWatts,
  rateUnitOf,
  startOfTransaction,
  toLimit,
  toSetpoint,
  toTimestamp,
  transactionIdOf,
} from '#adapters/ocpp/wire.ts'
import { addSeconds, instant } from '#domain/time.ts'
import { charger, setpoint, START } from './world.ts'

const { rating } = charger()
const onePhase = { ...rating, phases: 1, importMaxW: 7_360, importMinW: 1_380 } as const

test('a limit below the minimum is refused where the charger must not be paused', () => {
  const steady = { ...rating, pausable: false }
  expect(() => toLimit(4_000, steady, 'A')).toThrow('must not be paused')
  expect(toLimit(4_140, steady, 'A')).toBe(6)
})

test('a schedule that would end before it begins is refused', () => {
  const order = setpoint(charger(), { validUntil: addSeconds(START, -1) })
  expect(() => setpointSchedule(order, 5_000, rating, 'A', START)).toThrow('ended at')
  const inverted = setpoint(charger(), { validFrom: addSeconds(START, 1_800) })
  expect(() => setpointSchedule(inverted, 5_000, rating, 'A', START)).toThrow('ended at')
})

test('no limit ever lets through more than was ordered, and none lies between 0 and 6 A', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1_000, max: 60_000, noNaN: true }),
      fc.constantFrom(rating, onePhase, { ...rating, importMaxW: 22_080 }),
      fc.constantFrom('A' as const, 'W' as const),
      (powerW, of, unit) => {
        const limit = toLimit(powerW, of, unit)
        const through = unit === 'A' ? limit * 230 * of.phases : limit
        expect(through).toBeLessThanOrEqual(Math.max(0, powerW) + 1e-6)
        expect(through).toBeLessThanOrEqual(of.importMaxW + 1e-6)
        expect(through === 0 || through >= 6 * 230 * of.phases - 1e-6).toBe(true)
        expect(Number(limit.toFixed(unit === 'A' ? 1 : 0))).toBe(limit)
      },
    ),
  )
})

test('a setpoint never asks for more than was ordered, in its direction or in the other', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -60_000, max: 60_000, noNaN: true }),
      fc.constantFrom(
        { ...rating, exportMaxW: 11_040 },
        { ...onePhase, exportMaxW: 3_680 },
        { ...rating, exportMaxW: 0 },
      ),
      fc.constantFrom('A' as const, 'W' as const),
      (powerW, of, unit) => {
        const setpoint = toSetpoint(powerW, of, unit)
        const through = unit === 'A' ? setpoint * 230 * of.phases : setpoint
        expect(Math.abs(through)).toBeLessThanOrEqual(Math.abs(powerW) + 1e-6)
        expect(through).toBeLessThanOrEqual(of.importMaxW + 1e-6)
        expect(through).toBeGreaterThanOrEqual(-of.exportMaxW - 1e-6)
        expect(through === 0 || Math.sign(through) === Math.sign(powerW)).toBe(true)
        // Nothing between 0 and 6 A where it charges; giving back has no such floor.
        expect(through <= 0 || through >= 6 * 230 * of.phases - 1e-6).toBe(true)
        if (of.exportMaxW > 0 && powerW < 0) {
          expect(through - Math.max(powerW, -of.exportMaxW)).toBeLessThan(0.1 * 230 * of.phases)
        }
        expect(Number(setpoint.toFixed(unit === 'A' ? 1 : 0))).toBe(setpoint)
      },
    ),
  )
})

test('cutting to a tenth of an ampere gives away less than a tenth', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4_140, max: 11_040 }), (powerW) => {
      const back = limitToWatts(toLimit(powerW, rating, 'A'), 'A', 3)
      expect(powerW - back).toBeGreaterThanOrEqual(0)
      expect(powerW - back).toBeLessThan(69)
    }),
  )
})

test('exact amperes survive: no rounding error takes a tenth away', () => {
  for (let tenths = 60; tenths <= 320; tenths += 1) {
    const of = { ...onePhase, importMaxW: 7_360 }
    expect(toLimit(tenths * 23, of, 'A')).toBe(tenths / 10)
  }
})

test('each limit of one decimal passes the schema of 1.6', () => {
  const schedule = setpointSchedule(setpoint(charger()), 5_000, rating, 'A', START)
  const refused: number[] = []
  for (let tenths = 0; tenths <= 640; tenths += 1) {
    const [period] = schedule.chargingSchedulePeriod
    const chargingSchedulePeriod = [{ startPeriod: 0, ...period, limit: tenths / 10 }]
    const form = { purpose: 'TxProfile', kind: 'Absolute' } as const
    const parts = { ...form, id: 1, stackLevel: 1, transactionId: '7' }
    const request = setProfile16(1, {
      ...parts,
      schedule: { ...schedule, chargingSchedulePeriod } as typeof schedule,
    })
    const wrong = deviation('ocpp1.6', 'SetChargingProfile', 'Request', { ...request })
    if (wrong !== null) refused.push(tenths / 10)
  }
  expect(refused).toEqual([])
})

test('single-phase and three-phase chargers get their own amperes', () => {
  expect(toLimit(4_140, rating, 'A')).toBe(6)
  expect(toLimit(4_140, onePhase, 'A')).toBe(18)
  expect(toLimit(4_139, rating, 'A')).toBe(0)
  expect(toLimit(50_000, rating, 'A')).toBe(16)
  expect(toLimit(50_000, rating, 'W')).toBe(11_040)
  expect(toLimit(4_139, rating, 'W')).toBe(0)
})

test('what is read back is the default at the rated maximum and a limit below it', () => {
  expect(effectiveLimit(16, 'A', null, rating)).toEqual({ kind: 'default' })
  expect(effectiveLimit(16, 'A', 1, rating)).toEqual({ kind: 'default' })
  expect(effectiveLimit(32, 'A', null, rating)).toEqual({ kind: 'default' })
  expect(effectiveLimit(10, 'A', 1, rating)).toEqual({ kind: 'limited', powerW: 2_300 })
  expect(effectiveLimit(5_000, 'W', null, rating)).toEqual({ kind: 'limited', powerW: 5_000 })
  expect(effectiveOf({ chargingRateUnit: 'A', chargingSchedulePeriod: [] }, rating)).toEqual({
    kind: 'unknown',
  })
  expect(effectiveOf(null, rating)).toEqual({ kind: 'unknown' })
})

test('a setpoint that begins later begins later on the device, too', () => {
  const order = setpoint(charger(), { validFrom: addSeconds(START, 300) })
  expect(setpointSchedule(order, 5_000, rating, 'A', START)).toMatchObject({
    startSchedule: '2026-03-02T17:05:00Z',
    duration: 1_500,
  })
})

test('the end on the device is never after validUntil', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_799_000 }), fc.nat(999), (offset, fraction) => {
      const now = instant(START + offset)
      const order = setpoint(charger(), { validUntil: instant(START + 1_800_000 + fraction) })
      const { startSchedule, duration } = setpointSchedule(order, 5_000, rating, 'A', now)
      const end = Date.parse(startSchedule) + duration * 1000
      expect(end).toBeLessThanOrEqual(order.validUntil)
      expect(order.validUntil - end).toBeLessThan(1_000)
    }),
  )
})

test('stamps are read with offset, fraction, Z or none of it; nonsense is none', () => {
  const expected = Date.UTC(2026, 2, 2, 17, 0, 0)
  for (const text of [
    '2026-03-02T17:00:00Z',
    '2026-03-02T18:00:00+01:00',
    '2026-03-02T18:00:00+0100',
    '2026-03-02T17:00:00',
    '2026-03-02 17:00:00',
    '2026-03-02T17:00:00.000000Z',
    ' 2026-03-02T17:00:00z ',
  ]) {
    expect([text, fromTimestamp(text)]).toEqual([text, expected])
  }
  expect(fromTimestamp('2026-03-02T17:00:00.25Z')).toBe(expected + 250)
  for (const text of ['', 'yesterday', '2026-13-02T17:00:00Z', '2026-02-30T17:00:00Z', null]) {
    expect([text, fromTimestamp(text)]).toEqual([text, null])
  }
})

test('a stamp that comes again after the same or another one means what it did', () => {
  const one = '2026-03-02T17:00:00Z'
  const stamps = [one, one, 'yesterday', 'yesterday', one, null, one]
  const at = Date.UTC(2026, 2, 2, 17, 0, 0)
  expect(stamps.map(fromTimestamp)).toEqual([at, at, null, null, at, null, at])
  const written = [START, START, addSeconds(START, 1), START].map(toTimestamp)
  expect(new Set(written).size).toBe(2)
  expect(written.map(fromTimestamp)).toEqual([START, START, addSeconds(START, 1), START])
})

test('a station that names its units in either way is understood', () => {
  expect(rateUnitOf('Current,Power')).toBe('A')
  expect(rateUnitOf('A')).toBe('A')
  expect(rateUnitOf('Power')).toBe('W')
  expect(rateUnitOf('W')).toBe('W')
  expect(rateUnitOf('furlong')).toBeNull()
  expect(rateUnitOf(null)).toBeNull()
})

test('a transaction id of ours tells when the transaction began; foreign ones do not', () => {
  const id = transactionIdOf(START)
  expect(Number.isInteger(id) && id < 2 ** 31).toBe(true)
  expect(startOfTransaction(id, addSeconds(START, 3_600))).toBe(START)
  expect(startOfTransaction(7, START)).toBeNull()
  expect(startOfTransaction(id, addSeconds(START, -1))).toBeNull()
})

test('phases are summed, k units scaled, a total preferred, signed values left alone', () => {
  const at = '2026-03-02T17:00:00Z'
  const sampledValue = [
    { value: '1.1', measurand: 'Power.Active.Import', phase: 'L1', unit: 'kW' },
    { value: '1.2', measurand: 'Power.Active.Import', phase: 'L2-N', unit: 'kW' },
    { value: '1300', measurand: 'Power.Active.Import', phase: 'L3', unit: 'W' },
    { value: '1300', measurand: 'Power.Active.Import', phase: 'L3-N', unit: 'W' },
    { value: '1', format: 'SignedData', unit: 'Wh' },
    { value: '12.3456', unit: 'kWh' },
    { value: '99', phase: 'L1', unit: 'kWh' },
    { value: '55.5', measurand: 'SoC', unit: 'Percent', location: 'EV' },
    { value: '7', measurand: 'Power.Active.Import', unit: 'W', location: 'Inlet' },
  ]
  const [value] = meterValues(
    'ocpp1.6',
    { meterValue: [{ timestamp: at, sampledValue }] },
    'meterValue',
  )
  expect(value && toReading(charger().id, value)).toEqual({
    resourceId: charger().id,
    at: START,
    powerW: 3_600,
    registerWh: 12_346,
    socBp: 5_550,
  })
})

test('export lowers register and power; a multiplier of 2.0.1 scales', () => {
  const sampled = (measurand: string, value: number, unit: string, multiplier: number) => ({
    measurand,
    value,
    unitOfMeasure: { unit, multiplier },
  })
  const payload = {
    meterValue: [
      {
        timestamp: '2026-03-02T17:00:00Z',
        sampledValue: [
          sampled('Energy.Active.Import.Register', 50, 'Wh', 2),
          sampled('Energy.Active.Export.Register', 1, 'kWh', 0),
          sampled('Power.Active.Export', 2.5, 'W', 3),
        ],
      },
    ],
  }
  const [value] = meterValues('ocpp2.0.1', payload, 'meterValue')
  expect(value && toReading(charger().id, value)).toMatchObject({
    registerWh: 4_000,
    powerW: -2_500,
  })
})

test('without a register or a stamp there is no reading', () => {
  const sampledValue = [{ value: '1', measurand: 'Power.Active.Import' }]
  const payload = {
    list: [
      { timestamp: '2026-03-02T17:00:00Z', sampledValue },
      { timestamp: 'never', sampledValue: [{ value: '1' }] },
      { timestamp: '2026-03-02T17:00:00Z', sampledValue: [{ value: 'NaN' }] },
    ],
  }
  const readings = meterValues('ocpp1.6', payload, 'list').map((one) =>
    toReading(charger().id, one),
  )
  expect(readings).toEqual([null, null, null])
})

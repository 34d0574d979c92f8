import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type DischargeWatts,
  readEffectiveSetpoint,
  readMeterRecord,
  refusalOf,
  toConsumption,
  toDischarge,
} from '#adapters/opcua/wire.ts'
import { resourceId } from '#domain/ids.ts'
import { watts } from '#domain/units.ts'

const id = resourceId('battery')

test('a record that is not five finite numbers with a whole stamp is refused', () => {
  const refused = [
    undefined,
    'text',
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5, 6],
    [30_000, Number.NaN, 0, 0, 50],
    [30_000, 0, Number.POSITIVE_INFINITY, 0, 50],
    [0.5, 0, 0, 0, 50],
    [30_000, 0, 1e300, 0, 50],
    [30_000, '0', 0, 0, 50],
  ]
  for (const value of refused) {
    expect(() => readMeterRecord(id, value)).toThrow(RangeError)
  }
})

test('whatever numbers come as a record, whole ones come of it or a RangeError', () => {
  const isWhole = (numbers: Float64Array): boolean => {
    try {
      const reading = readMeterRecord(id, numbers)
      return reading === null || [reading.powerW, reading.registerWh].every(Number.isSafeInteger)
    } catch (error) {
      return error instanceof RangeError
    }
  }
  const stamped = fc.tuple(fc.nat(), fc.double(), fc.double(), fc.double(), fc.double())
  const records = fc.oneof(
    fc.float64Array({ maxLength: 6 }),
    stamped.map((n) => Float64Array.of(...n)),
  )
  fc.assert(
    fc.property(records, (numbers) => {
      expect(isWhole(numbers)).toBe(true)
    }),
  )
})

test('stamp 0 is no record yet', () => {
  expect(readMeterRecord(id, [0, 0, 0, 0, 0])).toBeNull()
})

test('a state of charge outside 0 to 100 % is not told', () => {
  for (const charge of [-1, 100.1, Number.NaN]) {
    expect(readMeterRecord(id, [1000, 0, 0, 0, charge])?.socBp).toBeNull()
  }
  expect(readMeterRecord(id, [1000, 0, 0, 0, 100])?.socBp).toBe(10_000)
})

test('discharge becomes negative consumption and negative zero never appears', () => {
  const reading = readMeterRecord(id, Float64Array.of(30_000, 1500.6, 10.2, 12.9, 42.426))
  expect(reading).toEqual({
    resourceId: id,
    at: 30_000,
    powerW: -1501,
    registerWh: -3,
    socBp: 4243,
  })
  const idle = readMeterRecord(id, [30_000, 0, 5, 5.2, 50])
  expect(Object.is(idle?.powerW, 0) && Object.is(idle?.registerWh, 0)).toBe(true)
})

test('both signs turned are the same power again', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), (power) => {
      expect(toConsumption(toDischarge(watts(power)))).toBe(power)
      expect(Object.is(toDischarge(watts(power)), -0)).toBe(false)
      expect(toConsumption(power as DischargeWatts) + power).toBe(0)
    }),
  )
})

test('in LOCAL control or with odd values nobody knows what is in force', () => {
  const unknown = { kind: 'unknown' }
  expect(readEffectiveSetpoint(true, 1000, 1)).toEqual(unknown)
  expect(readEffectiveSetpoint(true, 1000, undefined)).toEqual(unknown)
  expect(readEffectiveSetpoint(true, Number.NaN, 0)).toEqual(unknown)
  expect(readEffectiveSetpoint('yes', 1000, 0)).toEqual(unknown)
})

test('an enabled setpoint is read with our sign, and none is the default', () => {
  expect(readEffectiveSetpoint(true, 1000, 0)).toEqual({ kind: 'limited', powerW: -1000 })
  expect(readEffectiveSetpoint(false, 1000, 0)).toEqual({ kind: 'default' })
})

test('every answer but 0 is a refusal with words of its own', () => {
  const words = [1, 2, 3, 4, 99, undefined].map(refusalOf)
  expect(new Set(words).size).toBe(6)
  expect(words).not.toContain(null)
  expect(refusalOf(0)).toBeNull()
})

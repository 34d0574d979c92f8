import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Point, PointName, Product } from '#adapters/opcua/product.ts'
import { products } from '#adapters/opcua/product-list.ts'
import { gridcallBess } from '#adapters/opcua/products/gridcall-bess.ts'
import { plainPcs } from '#adapters/opcua/products/plain-pcs.ts'
import { sunspecDer } from '#adapters/opcua/products/sunspec-der.ts'
import {
  type DischargeWatts,
  fromPoint,
  powerFromProduct,
  powerToProduct,
  readEffectiveSetpoint,
  readMeterRecord,
  readNow,
  refusalOf,
  toConsumption,
  toDischarge,
  toPoint,
} from '#adapters/opcua/wire.ts'
import { resourceId } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
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

const inForce = (enabled: unknown, setpoint: unknown, mode: unknown, product = gridcallBess) =>
  readEffectiveSetpoint(
    product,
    new Map<PointName, unknown>([
      ['SetpointEnable', enabled],
      ['ActivePowerSetpoint', setpoint],
      ['ControlMode', mode],
    ]),
  )

test('in LOCAL control or with odd values nobody knows what is in force', () => {
  const unknown = { kind: 'unknown' }
  expect(inForce(true, 1000, 1)).toEqual(unknown)
  expect(inForce(true, 1000, undefined)).toEqual(unknown)
  expect(inForce(true, Number.NaN, 0)).toEqual(unknown)
  expect(inForce('yes', 1000, 0)).toEqual(unknown)
  expect(inForce(true, 1000, false, plainPcs)).toEqual(unknown)
})

test('an enabled setpoint is read with our sign, and none is the default', () => {
  expect(inForce(true, 1000, 0)).toEqual({ kind: 'limited', powerW: -1000 })
  expect(inForce(false, 1000, 0)).toEqual({ kind: 'default' })
  expect(inForce(1, 1000, 0, sunspecDer)).toEqual({ kind: 'limited', powerW: -1000 })
  expect(inForce(0, 1000, 0, sunspecDer)).toEqual({ kind: 'default' })
  expect(inForce(true, 1000, true, plainPcs)).toEqual({ kind: 'limited', powerW: 1000 })
})

test('each product has its own unit and sign, and what goes out comes back', () => {
  const setpointOf = (product: Product) => product.points.ActivePowerSetpoint as Point
  expect(toPoint(setpointOf(plainPcs), powerToProduct(plainPcs, watts(-2500)))).toBe(-2.5)
  expect(toPoint(setpointOf(sunspecDer), powerToProduct(sunspecDer, watts(-2500)))).toBe(2500)
  fc.assert(
    fc.property(
      fc.constantFrom(...products),
      fc.integer({ min: -1e6, max: 1e6 }),
      (product, power) => {
        const point = setpointOf(product)
        const back = fromPoint(point, toPoint(point, powerToProduct(product, watts(power))))
        expect(powerFromProduct(product, Number(back))).toBe(power)
      },
    ),
  )
})

test('registers of 64 bits and tenths of a percent are read as they are meant', () => {
  const { EnergyImported, StateOfCharge } = sunspecDer.points
  expect(fromPoint(EnergyImported as Point, [1, 5])).toBe(2 ** 32 + 5)
  expect(fromPoint(StateOfCharge as Point, 505)).toBeCloseTo(50.5, 9)
})

test('a reading without a register is none', () => {
  const values = new Map<PointName, unknown>([
    ['EnergyImported', 10_000.4],
    ['EnergyExported', 2000],
    ['StateOfCharge', 50],
  ])
  const reading = { resourceId: id, at: instant(5000), registerWh: 8000, socBp: 5000 }
  const read = (mean: number | null) => readNow(plainPcs, id, instant(5000), values, mean)
  expect(read(-1500.2)).toEqual({ ...reading, powerW: -1500 })
  expect(read(null)).toEqual({ ...reading, powerW: null })
  for (const broken of [undefined, Number.NaN, 'text']) {
    values.set('EnergyExported', broken)
    expect(() => read(0)).toThrow(RangeError)
  }
})

test('every answer but 0 is a refusal with words of its own', () => {
  const words = [1, 2, 3, 4, 99, undefined].map(refusalOf)
  expect(new Set(words).size).toBe(6)
  expect(words).not.toContain(null)
  expect(refusalOf(0)).toBeNull()
})

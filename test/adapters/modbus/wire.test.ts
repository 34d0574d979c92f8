import { describe, expect, test } from 'vitest'
import { decode, readPoints, scaled } from '#adapters/modbus/registers.ts'
import {
  type DischargeWatts,
  exceptionText,
  isAbsence,
  readCharge,
  percentWord,
  readEffective,
  readPower,
  readRegister,
  reversionSeconds,
  reversionWords,
  setpointWords,
  toConsumption,
  toDischarge,
} from '#adapters/modbus/wire.ts'
import { watts } from '#domain/units.ts'

describe('what is not implemented', () => {
  test.each([
    ['uint16', [0xffff]],
    ['enum16', [0xffff]],
    ['int16', [0x8000]],
    ['sunssf', [0x8000]],
    ['uint32', [0xffff, 0xffff]],
    ['int32', [0x8000, 0]],
    ['uint64', [0xffff, 0xffff, 0xffff, 0xffff]],
  ] as const)('%s says so by its own value', (type, words) => {
    expect(decode(type, words)).toBeNull()
  })

  test('a register too large for a number is not told', () => {
    expect(decode('uint64', [0x0100, 0, 0, 0])).toBeNull()
    expect(readRegister(null, 5, 0)).toBeNull()
    expect(readRegister(5, null, 0)).toBeNull()
    expect(readPower(null, 0)).toBeNull()
  })

  test('a point beyond the end of an older model, or of a model that is not there', async () => {
    const map = new Map([[713, { address: 100, length: 6 }]])
    const asked: number[][] = []
    const read = async (address: number, count: number) => {
      asked.push([address, count])
      return Array.from({ length: count }, (_, i) => 50 + i)
    }
    const values = await readPoints(read, map, ['SoC', 'Pct_SF', 'batterySoC'])
    expect(values).toEqual({ SoC: 50, Pct_SF: null, batterySoC: null })
    expect(asked).toEqual([[104, 1]])
  })
})

test('a width that does not fit its type is a bug that is told', () => {
  expect(() => decode('int32', [1])).toThrow('expected 2 registers of int32, got 1')
})

test('numbers come most significant register first, and signed where they are', () => {
  expect(decode('int16', [0xffff])).toBe(-1)
  expect(decode('int32', [0xffff, 0xec78])).toBe(-5000)
  expect(decode('uint32', [1, 2])).toBe(65_538)
  expect(decode('uint64', [0, 0, 1, 2])).toBe(65_538)
  expect(decode('text8', [0x4772, 0x6964, 0x0001, 0, 0, 0, 0, 0])).toBe('Grid')
  expect(decode('text8', [0, 0, 0, 0, 0, 0, 0, 0])).toBeNull()
})

test('neighbours come in one request, far points of one model in another', async () => {
  const map = new Map([[701, { address: 1000, length: 153 }]])
  const asked: number[][] = []
  const read = async (address: number, count: number) => {
    asked.push([address, count])
    return Array.from({ length: count }, () => 0)
  }
  await readPoints(read, map, ['W', 'TotWhAbs', 'TotWhInj', 'TotWh_SF'])
  expect(asked).toEqual([[1010, 111]])
  asked.length = 0
  await readPoints(read, map, ['ACType', 'W', 'TotWh_SF', 'W_SF'])
  expect(asked).toEqual([[1002, 119]])
})

test('scale factors keep tenths exact, in both directions', () => {
  expect(scaled(57, -1)).toBe(5.7)
  expect(scaled(3, 2)).toBe(300)
  expect(scaled(3, null)).toBe(3)
  expect(scaled('text', 0)).toBeNull()
})

test('the sign turns once each way, and 0 stays 0', () => {
  expect(toDischarge(watts(2000))).toBe(-2000)
  expect(toConsumption(4999.6 as DischargeWatts)).toBe(-5000)
  expect(Object.is(toDischarge(watts(0)), 0)).toBe(true)
  expect(Object.is(toConsumption(0.2 as DischargeWatts), 0)).toBe(true)
})

test('the register is what was taken less what was given, in whole Wh', () => {
  expect(readRegister(40_004, 30_000, -1)).toBe(1000)
  expect(readRegister(1, 4, 1)).toBe(-30)
})

test('a state of charge is in basis points, and only within 0 to 100 %', () => {
  expect(readCharge(6543, -2)).toBe(6543)
  expect(readCharge(65, null)).toBe(6500)
  expect(readCharge(101, 0)).toBeNull()
})

test('a percentage is cut towards 0, in the sign of the inverter and its scale', () => {
  expect(percentWord(watts(-1239), -1, 5000)).toBe(247)
  expect(percentWord(watts(1239), -1, 5000)).toBe(0x1_0000 - 247)
  expect(percentWord(watts(-5000), 0, 5000)).toBe(100)
  expect(percentWord(watts(-49), 0, 5000)).toBe(0)
  const percent = { WSetEna: 1, WSetMod: 0, WSet: null, WSetPct: 247 }
  expect(readEffective(percent, -1, 5000)).toEqual({ kind: 'limited', powerW: -1235 })
  expect(readEffective({ ...percent, WSetMod: 1 }, -1, 5000)).toEqual({ kind: 'unknown' })
})

test('a power goes out with its switch and its unit, in the inverter’s own grain', () => {
  expect(setpointWords(watts(5000), 0)).toEqual([1, 1, 0xffff, 0xec78])
  expect(setpointWords(watts(-5004), 1)).toEqual([1, 1, 0, 500])
  expect(setpointWords(watts(-7), -1)).toEqual([1, 1, 0, 70])
})

test('the timer ends at the instant or before it, and there is none for less than a second', () => {
  expect(reversionSeconds(999)).toBeNull()
  expect(reversionSeconds(1000)).toBe(1)
  expect(reversionSeconds(900_999)).toBe(900)
  expect(reversionWords(65_537)).toEqual([0, 1, 1])
})

test('what is in force is read only where it is sure', () => {
  expect(readEffective({ WSetEna: 0, WSetMod: 1, WSet: 500 }, 0)).toEqual({ kind: 'default' })
  expect(readEffective({ WSetEna: 1, WSetMod: 1, WSet: 500 }, 1)).toEqual({
    kind: 'limited',
    powerW: -5000,
  })
  expect(readEffective({ WSetEna: 1, WSetMod: 0, WSet: 500 }, 0)).toEqual({ kind: 'unknown' })
  expect(readEffective({ WSetEna: null, WSetMod: 1, WSet: 500 }, 0)).toEqual({ kind: 'unknown' })
  expect(readEffective({ WSetEna: 1, WSetMod: 1, WSet: null }, 0)).toEqual({ kind: 'unknown' })
})

test('an exception is told in words, and some say only "not now"', () => {
  expect(exceptionText(2)).toBe('the inverter refuses: it has no such register (exception 2)')
  expect(exceptionText(77)).toContain('exception 77')
  expect([1, 2, 3, 4, 5, 6, 10, 11].filter(isAbsence)).toEqual([5, 6, 10, 11])
})

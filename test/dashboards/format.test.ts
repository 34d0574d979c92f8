import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatCents,
  formatClock,
  formatDuration,
  formatEnergy,
  formatEuros,
  formatPower,
  formatPrice,
  formatThousandth,
  formatWatts,
  formatWindow,
  forReader,
  perMille,
  shortHex,
  splitEuros,
  sumMinor,
  zoneName,
} from '#dashboards/format.ts'

const ZONE = 'Europe/Amsterdam'
/** Figures and units are kept together by spaces that do not break. */
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ')

describe('money', () => {
  test('what is no whole number of minor units is refused', () => {
    for (const text of ['1.5', 'NaN', '1e3', 'one']) expect(() => formatEuros(text)).toThrow()
  })

  test.each([
    ['0', '€0.00'],
    ['1', '€0.000001'],
    ['10000', '€0.01'],
    ['450000', '€0.45'],
    ['1234567', '€1.234567'],
    ['1200000', '€1.20'],
    ['-500', '−€0.0005'],
    ['1234567890000', '€1,234,567.89'],
    // Above 2^53 a float would say …993.
    ['9007199254740993', '€9,007,199,254.740993'],
  ])('%s minor units are %s', (minor, text) => {
    expect(formatEuros(minor)).toBe(text)
  })

  test('no minor unit is lost or made up, whatever the amount', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (value) => {
        const { sign, cents, rest } = splitEuros(value.toString())
        const digits = cents.replaceAll(/[€,.]/g, '') + rest.padEnd(4, '0')
        expect(BigInt(digits) * (sign === '' ? 1n : -1n)).toBe(value)
        expect(cents).toMatch(/^€\d{1,3}(,\d{3})*\.\d\d$/)
        expect(rest).not.toMatch(/0$/)
      }),
    )
  })

  test('cents are whole cents, prices are per kWh', () => {
    expect(formatCents('64')).toBe('€0.64')
    expect(formatCents('123456')).toBe('€1,234.56')
    expect(formatPrice('450000')).toBe('€0.45 per kWh')
  })

  test('sums and shares are whole', () => {
    expect(sumMinor([])).toBe('0')
    expect(sumMinor(['9007199254740993', '1'])).toBe('9007199254740994')
    expect(perMille('1', '3')).toBe(333)
    expect(perMille('0', '0')).toBe(0)
  })
})

describe('power and energy', () => {
  test.each([
    [0, '0 W'],
    [34, '34 W'],
    [-999, '−999 W'],
    [1000, '1.0 kW'],
    [1380, '1.38 kW'],
    [11_966, '11.966 kW'],
    [-5200, '−5.2 kW'],
    [1_234_567, '1,234.567 kW'],
  ])('%i W is %s', (watts, text) => {
    expect(plain(formatPower(watts))).toBe(text)
  })

  test('energy is written the same way', () => {
    expect(plain(formatEnergy(130))).toBe('130 Wh')
    expect(plain(formatEnergy(6500))).toBe('6.5 kWh')
  })

  test('tables show every W', () => {
    expect(formatWatts(14_000)).toBe('14,000')
    expect(formatWatts(-1)).toBe('−1')
    expect(formatThousandth(7)).toBe('0.007')
  })
})

describe('time', () => {
  test.each([
    [0, '0 s'],
    [59_999, '59 s'],
    [270_000, '4 min 30 s'],
    [3_900_000, '1 h 05 min'],
    [-61_000, '1 min 01 s'],
    [51 * 3_600_000, '2 d 3 h'],
  ])('%i ms are %s', (ms, text) => {
    expect(plain(formatDuration(ms))).toBe(text)
  })

  test('a window is told once where it stays within a day, twice where it does not', () => {
    const winter = { start: '2026-01-14T16:00:00Z', end: '2026-01-14T16:30:00Z' }
    expect(formatWindow(winter, ZONE)).toBe('Wed, 14 Jan 2026, 17:00–17:30')
    const midnight = { start: '2026-01-14T22:45:00Z', end: '2026-01-14T23:15:00Z' }
    expect(formatWindow(midnight, ZONE)).toBe('Wed, 14 Jan 2026, 23:45 – Thu, 15 Jan 2026, 00:15')
  })

  test('the zone is the reader’s, in summer and in winter', () => {
    expect(formatClock('2026-07-01T16:00:00Z', ZONE)).toBe('18:00')
    expect(formatClock('2026-01-14T16:00:30Z', ZONE)).toBe('17:00:30')
    expect(zoneName('2026-01-14T16:00:00Z', ZONE)).toMatch(/CET|GMT\+1/)
    expect(zoneName('2026-07-01T16:00:00Z', ZONE)).toMatch(/CEST|GMT\+2/)
  })
})

describe('sentences of the service', () => {
  test('instants are told in the zone, the day once', () => {
    const sentence = 'From 2026-01-14T16:00:00Z to 2026-01-14T16:30:00Z the device delivered 5 Wh.'
    expect(forReader(sentence, ZONE)).toBe(
      'From Wed, 14 Jan 2026, 17:00 to 17:30 the device delivered 5 Wh.',
    )
  })

  test('amounts of minor units are told in euros, other numbers stay', () => {
    expect(forReader('escrow of 2983500 micro-EUR is locked', ZONE)).toBe(
      'escrow of €2.9835 is locked',
    )
    expect(forReader('paid out 845599, fee 16911, back to the DSO 2120990 micro-EUR', ZONE)).toBe(
      'paid out €0.845599, fee €0.016911, back to the DSO €2.12099',
    )
    expect(forReader('paid 357000 micro-EUR in epoch 1', ZONE)).toBe('paid €0.357 in epoch 1')
    expect(forReader('3 resources, 2 ordered', ZONE)).toBe('3 resources, 2 ordered')
  })

  test('a hash keeps its two ends', () => {
    expect(shortHex(`0x${'ab'.repeat(32)}`)).toBe('0xababab…abab')
    expect(shortHex('0x1234')).toBe('0x1234')
  })
})

import { describe, expect, it } from 'vitest'
import {
  readingBefore,
  readingsAround,
  seriesOfReadings,
  soundReadings,
} from '#domain/baseline/readings.ts'
import { seriesFromArray, seriesFromMap } from '#domain/baseline/series.ts'
import { resourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, instant, parseInstant } from '#domain/time.ts'

const AT = parseInstant('2026-01-12T16:00:00Z')
const reading = (at: Instant, registerWh: number, powerW: number | null = null): DeviceReading => ({
  resourceId: resourceId('r'),
  at,
  powerW,
  registerWh,
  socBp: null,
})
const CHARGER = { importMaxW: 7360, exportMaxW: 0 }
const BATTERY = { importMaxW: 5000, exportMaxW: 5000 }

/** Readings a quarter of an hour apart. */
const quarters = (...registers: number[]) =>
  registers.map((registerWh, i) => reading(addSeconds(AT, i * 900), registerWh))
const seriesOf = (readings: readonly DeviceReading[], rating = CHARGER) =>
  seriesOfReadings(readings, rating, 900, 900)

describe('what a device says and cannot be used', () => {
  it.each([
    ['no number', reading(AT, Number.NaN), 'not-a-number'],
    ['half a Wh', reading(AT, 0.5), 'not-a-number'],
    ['an endless power', reading(AT, 1, Number.POSITIVE_INFINITY), 'not-a-number'],
    ['a clock that was never set', reading(instant(0), 1), 'impossible-time'],
    ['a clock that overflowed', reading(instant(Date.UTC(2106, 1, 7)), 1), 'impossible-time'],
  ] as const)('%s is left out, with the reason', (_, bad, reason) => {
    const good = reading(addSeconds(AT, 900), 5)
    expect(soundReadings([bad, good])).toEqual({ sound: [good], leftOut: [{ at: bad.at, reason }] })
  })

  it('is kept once where it is said twice, and not at all where it differs', () => {
    const [first, second] = quarters(100, 200) as [DeviceReading, DeviceReading]
    expect(soundReadings([first, second, first])).toEqual({
      sound: [first, second],
      leftOut: [{ at: first.at, reason: 'repeated' }],
    })
    const other = { ...first, registerWh: 101 }
    expect(soundReadings([first, second, other])).toEqual({
      sound: [second],
      leftOut: [
        { at: first.at, reason: 'conflicting' },
        { at: first.at, reason: 'conflicting' },
      ],
    })
  })

  it('is put in order of time', () => {
    const readings = quarters(100, 200, 300)
    expect(soundReadings(readings.toReversed()).sound).toEqual(readings)
    expect(seriesOf(readings.toReversed()).whAt(AT)).toBe(100)
  })
})

describe('the energy of an interval is not known', () => {
  const fault = (readings: readonly DeviceReading[], rating = CHARGER) => {
    const series = seriesOf(readings, rating)
    expect(series.whAt(AT)).toBeNull()
    return series.faultAt?.(AT)
  }

  it('where a reading is missing or the gap is too long', () => {
    expect(fault(quarters(100))).toBe('missing-interval')
    expect(fault([reading(addSeconds(AT, -60), 1), reading(addSeconds(AT, 900), 2)])).toBe(
      'missing-interval',
    )
  })

  it('where the register of a device that cannot feed in falls: it was set back', () => {
    expect(fault(quarters(100_000, 50))).toBe('meter-reset')
  })

  it('where it moves by more than the device can: another meter, or another unit', () => {
    expect(fault(quarters(100, 100_000))).toBe('beyond-rating')
    expect(fault(quarters(100_000, 50), BATTERY)).toBe('beyond-rating')
  })
})

describe('the energy of an interval', () => {
  it('is the difference of registers, signed where the device can feed in', () => {
    expect(seriesOf(quarters(100, 1100)).whAt(AT)).toBe(1000)
    expect(seriesOf(quarters(2000, 1000), BATTERY).whAt(AT)).toBe(-1000)
    expect(seriesOf(quarters(100, 1100)).faultAt?.(AT)).toBeNull()
  })

  it('goes on behind a meter that was set back', () => {
    const series = seriesOf(quarters(100_000, 50, 350))
    expect(series.whAt(AT)).toBeNull()
    expect(series.whAt(addSeconds(AT, 900))).toBe(300)
  })

  it('is told by a map or an array, and unknown beside them', () => {
    expect(seriesFromMap(new Map([[AT, 5]])).whAt(AT)).toBe(5)
    const series = seriesFromArray(AT, 900, [1, null, Number.NaN, 4])
    const values = [-1, 0, 1, 2, 3, 4].map((i) => series.whAt(addSeconds(AT, i * 900)))
    expect(values).toEqual([null, 1, null, null, 4, null])
    expect(series.whAt(addSeconds(AT, 450))).toBeNull()
  })
})

describe('readings around boundaries', () => {
  it('are those on them, else one on each side that is near enough', () => {
    const readings = [-400, 0, 450, 800, 1000, 2700].map((s) => reading(addSeconds(AT, s), s))
    const kept = readingsAround(readings, [AT, addSeconds(AT, 900), addSeconds(AT, 1800)], 900)
    expect(kept.map(({ registerWh }) => registerWh)).toEqual([0, 800, 1000])
  })
})

describe('the reading before', () => {
  it('is the power of the last one at or before the instant', () => {
    const seen = [reading(addSeconds(AT, -60), 0, 10), reading(addSeconds(AT, -30), 0, 20)]
    expect(readingBefore([...seen, reading(addSeconds(AT, 30), 0, 99)], AT)).toBe(20)
    expect(readingBefore([], AT)).toBeNull()
  })

  it('comes from the registers where there is no power', () => {
    const seen = [reading(addSeconds(AT, -60), 100), reading(addSeconds(AT, -30), 110)]
    expect(readingBefore(seen, AT)).toBe(1200)
    expect(readingBefore(seen.slice(1), AT)).toBeNull()
  })
})

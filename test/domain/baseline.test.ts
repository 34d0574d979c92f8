import { describe, expect, it } from 'vitest'
import {
  baselineEnergy,
  completeDays,
  divideHalfEven,
  likeDays,
  meanOfLikeDays,
  readingBefore,
} from '#domain/baseline.ts'
import { resourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, formatInstant, type Instant, parseInstant } from '#domain/time.ts'

const ZONE = 'Europe/Amsterdam'
const reading = (at: Instant, registerWh: number, powerW: number | null = null): DeviceReading => ({
  resourceId: resourceId('r'),
  at,
  powerW,
  registerWh,
  socBp: null,
})

describe('like days', () => {
  it('of a working day are working days, newest first, at the same local time', () => {
    const monday = parseInstant('2026-01-12T16:00:00Z')
    const [friday, thursday] = likeDays([monday], ZONE, () => false)
    expect(friday?.periodStarts.map(formatInstant)).toEqual(['2026-01-09T16:00:00Z'])
    expect(thursday?.periodStarts.map(formatInstant)).toEqual(['2026-01-08T16:00:00Z'])
  })

  it('keep the local time across the change of clocks', () => {
    const afterChange = parseInstant('2026-03-30T15:00:00Z') // 17:00 local, summer time
    const [before] = likeDays([afterChange], ZONE, () => false)
    expect(before?.periodStarts.map(formatInstant)).toEqual(['2026-03-27T16:00:00Z'])
  })

  it('leave out a day on which the resource was called', () => {
    const monday = parseInstant('2026-01-12T16:00:00Z')
    const friday = parseInstant('2026-01-09T16:00:00Z')
    const [first] = likeDays([monday], ZONE, (start) => start === friday)
    expect(first?.periodStarts.map(formatInstant)).toEqual(['2026-01-08T16:00:00Z'])
  })
})

describe('the mean of like days', () => {
  const starts = [parseInstant('2026-01-12T16:00:00Z')]
  const days = likeDays(starts, ZONE, () => false)
  const history = days.slice(0, 12).flatMap((day, i) => {
    const start = day.periodStarts[0] as Instant
    return [reading(start, 1000), reading(addSeconds(start, 900), 1000 + 500 + i)]
  })
  history.sort((a, b) => a.at - b.at)

  it('is taken over the ten newest complete days', () => {
    const complete = completeDays(days, history, 900, 10)
    expect(complete.map((day) => day.wh[0])).toEqual([
      500, 501, 502, 503, 504, 505, 506, 507, 508, 509,
    ])
    expect(meanOfLikeDays(complete, 900)).toEqual([2018]) // 504.5 Wh in a quarter of an hour
  })

  it('drops a day with a missing reading', () => {
    const gap = history.filter((r) => r.at !== days[0]?.periodStarts[0])
    expect(completeDays(days, gap, 900, 10)[0]?.wh[0]).toBe(501)
  })

  it('does not exist with fewer than five complete days', () => {
    expect(meanOfLikeDays(completeDays(days, history, 900, 4), 900)).toBeNull()
  })
})

describe('the reading before', () => {
  it('is the power of the last one at or before the instant', () => {
    const at = parseInstant('2026-01-12T16:00:00Z')
    const seen = [reading(addSeconds(at, -60), 0, 10), reading(addSeconds(at, -30), 0, 20)]
    expect(readingBefore([...seen, reading(addSeconds(at, 30), 0, 99)], at)).toBe(20)
    expect(readingBefore([], at)).toBeNull()
  })

  it('comes from the registers where there is no power', () => {
    const at = parseInstant('2026-01-12T16:00:00Z')
    const seen = [reading(addSeconds(at, -60), 100), reading(addSeconds(at, -30), 110)]
    expect(readingBefore(seen, at)).toBe(1200)
  })
})

describe('rounding of a baseline', () => {
  it('is half to even, so that it has no drift, and works below zero', () => {
    expect([5, 15, 25, -5, -15].map((n) => divideHalfEven(n, 10))).toEqual([0, 2, 2, 0, -2])
    expect(baselineEnergy(7000, 900)).toBe(1750)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { congestionPointId, resourceId } from '#domain/ids.ts'
import {
  type AvailabilityReading,
  type ForecastQuestion,
  forecastFrom,
  forecastHeld,
  heldOn,
  likeDays,
} from '#domain/reliability/availability.ts'
import { addSeconds, type Instant, parseInstant } from '#domain/time.ts'

const PERIOD = 900
/** A Wednesday, 17:00 to 18:00 in Amsterdam; decided the evening before. */
const window = {
  start: parseInstant('2026-03-11T17:00:00+01:00'),
  end: parseInstant('2026-03-11T18:00:00+01:00'),
}
const decidedAt = parseInstant('2026-03-10T20:00:00+01:00')
const point = congestionPointId('cp-1')

/** The window's periods of a day that lies so many days before it. */
function periodsBefore(days: number): Instant[] {
  return [0, 1, 2, 3].map((period) => addSeconds(window.start, period * PERIOD - days * 86_400))
}

/** The nine newest days that are like it. */
const NINE = [1, 2, 5, 6, 7, 8, 9, 12, 13]

function reading(start: Instant, changes: Partial<AvailabilityReading> = {}): AvailabilityReading {
  return {
    resourceId: resourceId('r-1'),
    kind: 'charger',
    congestionPointId: point,
    start,
    powerW: 7_000,
    energyWh: null,
    knownAt: addSeconds(start, PERIOD),
    ...changes,
  }
}

/** Four weeks; on the n-th day before, the device could give n hundreds of W. */
const fourWeeks = Array.from({ length: 28 }, (_, i) => i + 1).flatMap((back) =>
  periodsBefore(back).map((start) => reading(start, { powerW: back * 100 })),
)

function forecast(
  readings: readonly AvailabilityReading[],
  changes: Partial<ForecastQuestion> = {},
) {
  return forecastHeld({
    readings,
    window,
    decidedAt,
    periodSeconds: PERIOD,
    timeZone: 'Europe/Amsterdam',
    holidays: new Set(),
    ...changes,
  })
}

describe('the forecast of what is held for a whole window', () => {
  it('is none from fewer than nine like days', () => {
    const of = (days: number[]) =>
      forecast(days.flatMap((back) => periodsBefore(back).map((at) => reading(at))))
    expect(of(NINE.slice(0, 8))).toEqual([])
    expect(of([])).toEqual([])
    expect(of(NINE)).toMatchObject([{ days: { length: 9 } }])
  })

  it('counts a day as nothing on which a whole class was silent', () => {
    const silent = NINE.filter((back) => back !== 5).flatMap((back) =>
      periodsBefore(back).map((at) => reading(at)),
    )
    expect(forecast(silent)).toMatchObject([{ p10W: 0, p50W: 7_000, days: { length: 9 } }])
  })

  it('counts silence from when a class has devices, and not what may still come in', () => {
    const time = {
      window,
      periodSeconds: PERIOD,
      timeZone: 'Europe/Amsterdam',
      holidays: new Set<string>(),
    }
    const days = likeDays({ ...time, decidedAt })
    const group = { congestionPointId: point, kind: 'battery' as const }
    const held = days.map((day, i) => heldOn(day, [], window, i < 9 ? [group] : []))
    expect(forecastFrom(held)).toMatchObject([{ p90W: 0, devices: 0, days: { length: 9 } }])
    expect(forecastFrom(held.slice(1))).toEqual([])
    const [last] = days
    const early = likeDays({ ...time, decidedAt: parseInstant('2026-03-10T18:14:59+01:00') })
    const late = likeDays({ ...time, decidedAt: parseInstant('2026-03-10T18:15:00+01:00') })
    expect([early[0]?.date, late[0]?.date, last?.date]).toEqual([
      '2026-03-09',
      '2026-03-10',
      '2026-03-10',
    ])
  })

  it('tells how many devices it rests on', () => {
    const two = NINE.flatMap((back) =>
      periodsBefore(back).map((at) =>
        reading(at, { resourceId: resourceId(back < 6 ? 'a' : 'b') }),
      ),
    )
    expect(forecast(two)).toMatchObject([{ devices: 2, p10W: 7_000 }])
  })

  it('looks at working days for a working day, and at holidays with the weekends', () => {
    const [plain] = forecast(fourWeeks)
    expect(plain?.days).toHaveLength(20)
    expect(plain?.days.slice(0, 4)).toEqual([
      '2026-03-10',
      '2026-03-09',
      '2026-03-06',
      '2026-03-05',
    ])
    const [quiet] = forecast(fourWeeks, { holidays: new Set(['2026-03-11', '2026-03-10']) })
    expect(quiet?.days.slice(0, 3)).toEqual(['2026-03-10', '2026-03-08', '2026-03-07'])
  })

  it('tells the ranks of its days', () => {
    // Twenty working days: 1, 2, 5, 6, 7, 8, 9, 12 … 28 hundreds of W.
    const [found] = forecast(fourWeeks)
    expect(found?.p10W).toBeCloseTo(200 + 0.1 * 300, 6)
    expect(found?.p50W).toBe(1_450)
    expect(found?.p90W).toBeGreaterThan(2_500)
  })

  it('counts the least of a window, what the energy lasts for, and a gap as nothing', () => {
    const days = NINE.flatMap((back) =>
      periodsBefore(back).flatMap((start, period) => [
        reading(start, { resourceId: resourceId('dips'), powerW: period === 2 ? 1_000 : 9_000 }),
        reading(start, { resourceId: resourceId('small'), powerW: 5_000, energyWh: 2_000 }),
        ...(period === 3 ? [] : [reading(start, { resourceId: resourceId('gap') })]),
      ]),
    )
    expect(forecast(days)).toMatchObject([{ p10W: 3_000, p50W: 3_000, p90W: 3_000 }])
  })

  it('keeps classes and congestion points apart', () => {
    const days = NINE.flatMap((back) =>
      periodsBefore(back).flatMap((start) => [
        reading(start),
        reading(start, { resourceId: resourceId('b'), kind: 'battery', powerW: 2_000 }),
        reading(start, {
          resourceId: resourceId('c'),
          congestionPointId: congestionPointId('cp-2'),
          powerW: 1_000,
        }),
      ]),
    )
    const told = forecast(days).map(({ congestionPointId: at, kind, p50W }) => [at, kind, p50W])
    expect(told).toEqual([
      ['cp-1', 'charger', 7_000],
      ['cp-1', 'battery', 2_000],
      ['cp-2', 'charger', 1_000],
    ])
  })

  it('meets the same local time on the other side of a change of clocks', () => {
    const summer = {
      start: parseInstant('2026-03-31T17:00:00+02:00'),
      end: parseInstant('2026-03-31T18:00:00+02:00'),
    }
    const winter = [17, 18, 19, 20, 23, 24, 25, 26, 27].map((day) => `2026-03-${day}T16:00:00Z`)
    const days = [...winter, '2026-03-30T15:00:00Z'].flatMap((start) =>
      [0, 1, 2, 3].map((period) => reading(addSeconds(parseInstant(start), period * PERIOD))),
    )
    const told = forecast(days, { window: summer, decidedAt: summer.start })
    expect(told).toMatchObject([{ p10W: 7_000, days: { length: 10 } }])
  })
})

describe('what becomes known later', () => {
  it('is used once it is known, in the place of what was known before', () => {
    const [first] = forecast(fourWeeks)
    const corrected = fourWeeks.map((one) => ({
      ...one,
      powerW: 50,
      knownAt: addSeconds(decidedAt, 3600),
    }))
    const both = [...corrected, ...fourWeeks]
    expect(forecast(both)[0]).toEqual(first)
    expect(forecast(both, { decidedAt: addSeconds(decidedAt, 7200) })[0]?.p50W).toBe(50)
  })

  it('never changes an earlier forecast, whatever it says', () => {
    const later = fc.record({
      back: fc.integer({ min: -3, max: 28 }),
      period: fc.integer({ min: 0, max: 3 }),
      powerW: fc.integer({ min: 0, max: 50_000 }),
      delay: fc.integer({ min: 1, max: 10_000_000 }),
      who: fc.constantFrom('r-1', 'r-2', 'r-3'),
      kind: fc.constantFrom('charger' as const, 'battery' as const),
    })
    const before = forecast(fourWeeks)
    expect(before).toHaveLength(1)
    fc.assert(
      fc.property(fc.array(later, { maxLength: 60 }), fc.boolean(), (told, first) => {
        const known = told.map(({ back, period, powerW, delay, who, kind }) => {
          const start = addSeconds(window.start, period * PERIOD - back * 86_400)
          const knownAt = addSeconds(decidedAt, delay)
          return reading(start, { resourceId: resourceId(who), kind, powerW, knownAt })
        })
        const all = first ? [...known, ...fourWeeks] : [...fourWeeks, ...known]
        expect(forecast(all)).toEqual(before)
      }),
    )
  })

  it('is not let in by a stamp that claims to know the future', () => {
    const today = periodsBefore(0).map((start) => reading(start, { knownAt: decidedAt, powerW: 1 }))
    const early = forecast([...fourWeeks, ...today], { decidedAt: addSeconds(window.start, -60) })
    expect(early).toEqual(forecast(fourWeeks, { decidedAt: addSeconds(window.start, -60) }))
  })
})

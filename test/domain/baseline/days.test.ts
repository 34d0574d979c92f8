import { describe, expect, it } from 'vitest'
import { computeBaseline } from '#domain/baseline/engine.ts'
import type { BaselineInput } from '#domain/baseline/input.ts'
import type { DayRules } from '#domain/baseline/method.ts'
import {
  aMethod,
  anInput,
  halfHours,
  meterOf,
  MIDNIGHT_1970,
  toldBy,
  workingDaysBefore,
} from '../../support/meter-days.ts'

/** A Wednesday; the six working days before it, newest first. */
const CALL = '2026-02-18'
const DAYS = workingDaysBefore(CALL, 6)
const [TUESDAY, MONDAY, FRIDAY, THURSDAY] = DAYS as [string, string, string, string]
const WINDOW = halfHours(CALL, '17:00')

/** One value a working day, newest first. */
function told(
  values: readonly (number | null)[],
  rules: Partial<DayRules> = {},
  changes: Partial<BaselineInput> = {},
) {
  const days = values.map((wh, i) => [DAYS[i] as string, { '17:00': wh }] as const)
  const meter = meterOf(Object.fromEntries(days))
  return computeBaseline(aMethod(rules), anInput(WINDOW, meter, changes))
}

const pool = (select: DayRules['pool']['select'], size = 10, minDays = 1) => ({
  pool: { size, lookbackDays: 45, select, minDays },
})
const used = (result: ReturnType<typeof told>) =>
  result.kind === 'baseline' ? result.daysUsed : result.reason

describe('there is no baseline', () => {
  it('with fewer usable days than the method asks for', () => {
    const result = told([1, 2, 3, 4], pool({ by: 'all' }, 10, 5))
    expect(result).toMatchObject({
      reason: 'too-few-days',
      expected: '5 usable days',
      got: '4 among the 45 days before 2026-02-18',
    })
  })

  it('where call days in a row have frozen it', () => {
    const callDays = new Set(DAYS.slice(0, 3))
    expect(toldBy(told([1, 2, 3, 4], { callDaysInRowMax: 2 }, { callDays }))).toBe(
      'frozen-by-calls',
    )
    expect(toldBy(told([1, 2, 3, 4], { callDaysInRowMax: 3 }, { callDays }))).toEqual([4])
  })

  it('where what stands between the call and the newest usable day was called or is missing', () => {
    const callDays = new Set([TUESDAY, FRIDAY])
    const rules = { callDaysInRowMax: 1 }
    expect(toldBy(told([1, null, 3, 4], rules, { callDays }))).toBe('frozen-by-calls')
    expect(toldBy(told([1, 2, 3, 4], rules, { callDays }))).toEqual([3])
  })

  it('of a window that is empty, out of order, with gaps, or in 1970 or 2106', () => {
    const at = (...starts: number[]) =>
      toldBy(computeBaseline(aMethod(), anInput(starts as never, new Map())))
    const [start = 0] = WINDOW
    expect(at()).toBe('impossible-window')
    expect(at(start, start)).toBe('impossible-window')
    expect(at(start, start + 3_600_000)).toBe('impossible-window')
    expect(at(start + 1_800_000, start)).toBe('impossible-window')
    expect(at(MIDNIGHT_1970)).toBe('bad-value')
    expect(at(Date.UTC(2106, 0, 1))).toBe('bad-value')
    expect(at(Number.NaN)).toBe('bad-value')
  })

  it.each([Number.NaN, 0.5, Number.POSITIVE_INFINITY, 1e15])('from %d Wh', (wh) => {
    const meter = new Map([[halfHours(TUESDAY, '17:00')[0] as number, wh]])
    const history = { whAt: (start: number) => meter.get(start) ?? null }
    const result = computeBaseline(aMethod(), { ...anInput(WINDOW, new Map()), history })
    expect(toldBy(result)).toBe('bad-value')
  })

  it('in a time zone that does not exist', () => {
    const input = anInput(WINDOW, new Map(), { timeZone: 'Europe/Nowhere' })
    expect(() => computeBaseline(aMethod(), input)).toThrow(RangeError)
  })
})

describe('a day does not count', () => {
  const expectDropped = (result: ReturnType<typeof told>, date: string, reason: string) =>
    expect(result.dropped).toContainEqual({ date, reason })

  it('when the unit was called on it', () => {
    const result = told([1, 2, 3], {}, { callDays: new Set([TUESDAY]) })
    expectDropped(result, TUESDAY, 'call-day')
    expect(used(result)).toEqual([MONDAY, FRIDAY])
  })

  it('when it is a holiday that the method leaves out, and is no working day otherwise', () => {
    const exclude = { ...aMethod().days.exclude, holidays: true }
    const holidays = new Set([TUESDAY])
    // A holiday is no working day: of a working day's call it is not even a like day.
    expect(used(told([1, 2], { exclude }, { holidays }))).toEqual([MONDAY])
    const every = told([1, 2], { exclude, dayTypes: 'every-day' }, { holidays })
    expectDropped(every, TUESDAY, 'holiday')
  })

  it('when it is the day before the call and the method says so', () => {
    const exclude = { ...aMethod().days.exclude, dayBeforeCall: true }
    const result = told([1, 2], { exclude })
    expectDropped(result, TUESDAY, 'day-before-call')
    expect(toldBy(result)).toEqual([2])
  })

  it('when it is older than the limit', () => {
    const result = told([1, 2, 3], { staleDays: 2 })
    expect(used(result)).toEqual([TUESDAY, MONDAY])
    expectDropped(result, FRIDAY, 'stale')
  })

  it('when an outage touches one of its periods', () => {
    const [start = 0] = halfHours(MONDAY, '17:00')
    const outage = { start: (start + 1_799_000) as never, end: (start + 7_200_000) as never }
    const result = told([1, 2, 3], {}, { outages: [outage] })
    expectDropped(result, MONDAY, 'outage')
    const beside = { start: (start + 1_800_000) as never, end: (start + 7_200_000) as never }
    expect(used(told([1, 2, 3], {}, { outages: [beside] }))).toEqual([TUESDAY, MONDAY, FRIDAY])
  })

  it('when a reading is missing, unless the method takes the mean of what exists', () => {
    expectDropped(told([1, null, 3]), MONDAY, 'missing-interval')
    const window = halfHours(CALL, '17:00', 2)
    const meter = meterOf({
      [TUESDAY]: { '17:00': 10, '17:30': 20 },
      [MONDAY]: { '17:00': 30 },
    })
    const of = (rules: Partial<DayRules>) =>
      toldBy(computeBaseline(aMethod(rules), anInput(window, meter)))
    expect(of({})).toEqual([10, 20])
    expect(of({ missing: 'mean-of-existing' })).toEqual([20, 20])
  })

  it('when it used next to nothing, by the mean of the pool', () => {
    const exclude = {
      ...aMethod().days.exclude,
      lowUsage: { belowBp: 2500, of: 'pool-mean' as const },
    }
    // A quarter of the mean of 100, 20, 100 and 100 is 20: that is not below it; 19 of 79.75 is.
    expect(used(told([100, 20, 100, 100], { exclude }))).toHaveLength(4)
    const result = told([100, 19, 100, 100, 50], { exclude, ...pool({ by: 'all' }, 4) })
    expectDropped(result, MONDAY, 'low-usage')
    expect(used(result)).toEqual([TUESDAY, FRIDAY, THURSDAY, DAYS[4]])
  })

  it('when it used next to nothing, by the largest of the look-back', () => {
    const exclude = {
      ...aMethod().days.exclude,
      lowUsage: { belowBp: 2500, of: 'lookback-max' as const },
    }
    const rules = { exclude, ...pool({ by: 'all' }, 2) }
    expect(used(told([30, 24, 26, 10, 100], rules))).toEqual([TUESDAY, FRIDAY])
    // A unit that feeds in has no low usage.
    expect(used(told([-30, -24, -26], rules))).toEqual([TUESDAY, MONDAY])
  })

  it('but stands in where call days would leave too few and the method lets it', () => {
    const callDays = new Set([TUESDAY, FRIDAY])
    const rules = { fallback: 'call-days' as const, ...pool({ by: 'all' }, 10, 3) }
    const result = told([1, 2, 3, 4], rules, { callDays })
    expect(used(result)).toEqual([TUESDAY, MONDAY, THURSDAY])
    expect(result.dropped).toContainEqual({ date: FRIDAY, reason: 'call-day' })
  })
})

describe('days are alike', () => {
  const meter = meterOf({
    '2026-02-17': { '17:00': 1 }, // Tuesday
    '2026-02-15': { '17:00': 10 }, // Sunday
    '2026-02-14': { '17:00': 100 }, // Saturday
    '2026-02-11': { '17:00': 1000 }, // Wednesday
  })
  const of = (
    date: string,
    dayTypes: DayRules['dayTypes'],
    changes: Partial<BaselineInput> = {},
  ) => {
    const input = anInput(halfHours(date, '17:00'), meter, changes)
    const result = computeBaseline(aMethod({ dayTypes }), input)
    return result.kind === 'baseline' ? result.daysUsed : result.reason
  }

  it('by working day or not', () => {
    expect(of('2026-02-18', 'wd-nwd')).toEqual(['2026-02-17', '2026-02-11'])
    expect(of('2026-02-21', 'wd-nwd')).toEqual(['2026-02-15', '2026-02-14'])
  })

  it('by working day, Saturday, and Sunday with holidays', () => {
    expect(of('2026-02-21', 'wd-sat-sunhol')).toEqual(['2026-02-14'])
    expect(of('2026-02-18', 'wd-sat-sunhol', { holidays: new Set(['2026-02-18']) })).toEqual([
      '2026-02-15',
    ])
  })

  it('by the name of the day, a holiday being a Sunday', () => {
    expect(of('2026-02-18', 'same-weekday')).toEqual(['2026-02-11'])
    expect(of('2026-02-22', 'same-weekday', { holidays: new Set(['2026-02-17']) })).toEqual([
      '2026-02-17',
      '2026-02-15',
    ])
  })

  it('all of them', () => {
    expect(of('2026-02-18', 'every-day')).toHaveLength(4)
  })

  it('with a pool of its own where the call’s day is no working day', () => {
    const nonWorkingPool = { size: 1, lookbackDays: 10, select: { by: 'all' as const }, minDays: 1 }
    const method = aMethod({ nonWorkingPool })
    const sunday = anInput(halfHours('2026-02-22', '17:00'), meter)
    expect(computeBaseline(method, sunday)).toMatchObject({ daysUsed: ['2026-02-15'] })
    expect(computeBaseline(method, anInput(WINDOW, meter))).toMatchObject({
      daysUsed: ['2026-02-17', '2026-02-11'],
    })
  })
})

describe('of the pool are chosen', () => {
  it('the highest, the lowest or the middle by the mean over the window', () => {
    const values = [10, 40, 20, 50, 30]
    const of = (by: 'high' | 'low' | 'mid', days: number) =>
      toldBy(told(values, pool({ by, days }, 5, 3)))
    expect(of('high', 2)).toEqual([45])
    expect(of('low', 2)).toEqual([15])
    expect(of('mid', 3)).toEqual([30])
  })

  it('without as many highest and lowest however full the pool is', () => {
    expect(toldBy(told([10, 40, 20], pool({ by: 'mid', days: 3 }, 5, 3)))).toEqual([20])
  })

  it('of equal days the newer or the older first', () => {
    const values = [10, 10, 10]
    const high = pool({ by: 'high', days: 1 })
    expect(used(told(values, { ...high, tie: 'newer' }))).toEqual([TUESDAY])
    expect(used(told(values, { ...high, tie: 'older' }))).toEqual([FRIDAY])
  })

  it('the days as warm as the call’s, and none whose temperature is not known', () => {
    const maxTemperatures = new Map([
      [CALL, 100],
      [TUESDAY, 150],
      [MONDAY, 90],
      [FRIDAY, 111],
    ])
    const closest = pool({ by: 'closest-temperature', days: 2 }, 45)
    const result = told([1, 2, 4, 1000], closest, { maxTemperatures })
    expect(used(result)).toEqual([MONDAY, FRIDAY])
    expect(result.dropped).toContainEqual({ date: THURSDAY, reason: 'no-temperature' })
    maxTemperatures.delete(CALL)
    expect(toldBy(told([1, 2, 4], closest, { maxTemperatures }))).toBe('missing-input')
  })

  it('and weighted, newest first', () => {
    const rules = { ...pool({ by: 'all' }, 3), weights: [3, 2, 1] }
    expect(toldBy(told([60, 30, 12], rules))).toEqual([42])
  })
})

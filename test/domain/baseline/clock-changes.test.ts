import { describe, expect, it } from 'vitest'
import { computeBaseline } from '#domain/baseline/engine.ts'
import { calendarOf } from '#domain/baseline/local-day.ts'
import type { Adjustment } from '#domain/baseline/method.ts'
import { formatInstant } from '#domain/time.ts'
import {
  aMethod,
  anInput,
  halfHours,
  localInstants,
  LONDON,
  meterOf,
  toldBy,
} from '../../support/meter-days.ts'

/*
 * Europe/London: on Sunday 29 March 2026 01:00 to 02:00 does not exist, on Sunday 25 October 2026
 * it comes twice. Saturdays stand beside Sundays.
 */
const SPRING = '2026-03-29'
const AUTUMN = '2026-10-25'

/** One hour that ends where the window begins. */
const LAST_HOUR: Adjustment = {
  kind: 'additive',
  anchor: 'window-start',
  stretch: { fromSeconds: 3600, untilSeconds: 0 },
  cap: null,
  direction: 'both',
  additiveWhenSigned: true,
  missing: 'refuse',
}

describe('a calendar day', () => {
  it.each([
    [SPRING, 46],
    ['2026-03-30', 48],
    [AUTUMN, 50],
  ])('%s has %i half-hours', (date, count) => {
    const { start, end } = calendarOf(LONDON).day(Date.parse(date) / 86_400_000)
    expect((end - start) / 1_800_000).toBe(count)
  })

  it('has no instant for a time that is skipped, and two for one that is repeated', () => {
    expect(localInstants(SPRING, '01:30')).toEqual([])
    expect(localInstants(AUTUMN, '01:30').map(formatInstant)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:30:00Z',
    ])
  })

  it('begins later where the clocks change at midnight', () => {
    const day = calendarOf('America/Santiago').day(Date.parse('2026-09-06') / 86_400_000)
    expect((day.end - day.start) / 3_600_000).toBe(23)
    expect(day.date).toBe('2026-09-06')
  })
})

describe('a history day on which the clocks change', () => {
  it('gives both copies of the repeated period to the mean', () => {
    const window = halfHours('2026-10-31', '01:30') // a Saturday
    const meter = meterOf({ '2026-10-24': { '01:30': 100 } })
    const [first, second] = localInstants(AUTUMN, '01:30')
    meter.set(first as number, 400).set(second as number, 700)
    expect(toldBy(computeBaseline(aMethod(), anInput(window, meter)))).toEqual([400])
  })

  it('does not count where one of the copies has no reading', () => {
    const window = halfHours('2026-10-31', '01:30')
    const meter = meterOf({ '2026-10-24': { '01:30': 100 } })
    meter.set(localInstants(AUTUMN, '01:30')[0] as number, 400)
    const result = computeBaseline(aMethod(), anInput(window, meter))
    expect(toldBy(result)).toEqual([100])
    expect(result.dropped).toContainEqual({ date: AUTUMN, reason: 'missing-interval' })
  })

  it('leaves a period that it skips to the other days, and gives those that it has', () => {
    const window = halfHours('2026-04-04', '00:30', 2) // 00:30 and 01:00
    const meter = meterOf({
      '2026-03-28': { '00:30': 10, '01:00': 20 },
      [SPRING]: { '00:30': 30 },
    })
    const result = computeBaseline(aMethod(), anInput(window, meter))
    expect(toldBy(result)).toEqual([20, 20])
    expect(result.kind === 'baseline' && result.daysUsed).toEqual([SPRING, '2026-03-28'])
  })

  it('is no measure of a window that it skips whole', () => {
    const window = halfHours('2026-04-04', '01:00', 2)
    const meter = meterOf({ '2026-03-28': { '01:00': 20, '01:30': 20 }, [SPRING]: { '00:30': 9 } })
    const result = computeBaseline(aMethod(), anInput(window, meter))
    expect(result.dropped[0]).toEqual({ date: SPRING, reason: 'no-such-local-time' })
    expect(toldBy(result)).toEqual([20, 20])
  })

  it('is refused where a period is left that no chosen day has', () => {
    const window = halfHours('2026-04-04', '00:30', 2)
    const meter = meterOf({ [SPRING]: { '00:30': 30 } })
    expect(toldBy(computeBaseline(aMethod(), anInput(window, meter)))).toBe('no-history-for-period')
  })
})

describe('a call on a day on which the clocks change', () => {
  it('has one baseline in both copies of the repeated hour', () => {
    const window = halfHours(AUTUMN, '01:00', 4) // 01:00, 01:30, and both once more
    const meter = meterOf({ '2026-10-24': { '01:00': 100, '01:30': 200 } })
    expect(toldBy(computeBaseline(aMethod(), anInput(window, meter)))).toEqual([100, 200, 100, 200])
  })

  it('goes by the clock on the wall behind the skipped hour', () => {
    const window = halfHours(SPRING, '00:30', 2) // 00:30, then 02:00
    const meter = meterOf({ '2026-03-28': { '00:30': 1, '01:00': 2, '02:00': 3 } })
    expect(toldBy(computeBaseline(aMethod(), anInput(window, meter)))).toEqual([1, 3])
  })
})

describe('an adjustment over a change of the clocks', () => {
  const method = aMethod({}, { adjustment: LAST_HOUR })

  it('reads elapsed hours of the call’s day, and the same local times of the others', () => {
    const window = halfHours(AUTUMN, '02:00') // the hour before is the second 01:00 to 02:00
    const meter = meterOf({ '2026-10-24': { '01:00': 10, '01:30': 20, '02:00': 100 } })
    const [, one] = localInstants(AUTUMN, '01:00')
    const [, half] = localInstants(AUTUMN, '01:30')
    meter.set(one as number, 40).set(half as number, 50)
    // 45 measured against 15 usual; the first copies are not read.
    expect(toldBy(computeBaseline(method, anInput(window, meter)))).toEqual([130])
  })

  it('reads across the skipped hour in spring', () => {
    const window = halfHours(SPRING, '02:00') // the hour before is 00:00 to 01:00
    const meter = meterOf({
      '2026-03-28': { '00:00': 10, '00:30': 20, '01:00': 999, '01:30': 999, '02:00': 100 },
      [SPRING]: { '00:00': 5, '00:30': 5 },
    })
    expect(toldBy(computeBaseline(method, anInput(window, meter)))).toEqual([90])
  })

  it('leaves out of both means what no earlier day has', () => {
    const window = halfHours('2026-04-04', '02:00')
    const meter = meterOf({
      [SPRING]: { '00:30': 10, '02:00': 100 },
      '2026-04-04': { '00:30': 25, '01:00': 1, '01:30': 999 },
    })
    // Of 01:00 and 01:30 the only like day has neither: there is nothing to compare with.
    expect(toldBy(computeBaseline(method, anInput(window, meter)))).toEqual([100])
    const longer = { ...LAST_HOUR, stretch: { fromSeconds: 5400, untilSeconds: 0 } }
    const three = aMethod({}, { adjustment: longer })
    expect(toldBy(computeBaseline(three, anInput(window, meter)))).toEqual([115])
  })
})

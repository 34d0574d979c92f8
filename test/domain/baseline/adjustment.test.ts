import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { computeBaseline } from '#domain/baseline/engine.ts'
import type { BaselineInput } from '#domain/baseline/input.ts'
import type { Adjustment, BaselineMethod } from '#domain/baseline/method.ts'
import { BUILT_IN_METHODS } from '#domain/baseline/methods.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { baselineMethod } from '../../support/builders.ts'
import {
  aMethod,
  anInput,
  halfHours,
  meterOf,
  toldBy,
  workingDaysBefore,
} from '../../support/meter-days.ts'

const CALL = '2026-02-18'
const [TUESDAY = ''] = workingDaysBefore(CALL, 1)
const WINDOW = halfHours(CALL, '17:00', 2)
const START = WINDOW[0] as Instant

const RULE: Adjustment = {
  kind: 'additive',
  anchor: 'window-start',
  stretch: { fromSeconds: 3600, untilSeconds: 0 },
  cap: null,
  direction: 'both',
  additiveWhenSigned: true,
  missing: 'refuse',
}
const CAP = { lowBp: -2000, highBp: 2000, reference: 'window-mean' as const }

/** Usual: 100 and 300 Wh in the window, 200 before it; today `today` Wh before it. */
function told(
  rule: Partial<Adjustment>,
  today: number | null,
  changes: Partial<BaselineInput> = {},
) {
  const meter = meterOf({
    [TUESDAY]: { '16:00': 200, '16:30': 200, '17:00': 100, '17:30': 300 },
    [CALL]: { '16:00': today, '16:30': today },
  })
  const method = aMethod({}, { adjustment: { ...RULE, ...rule } })
  return computeBaseline(method, anInput(WINDOW, meter, changes))
}

describe('an adjustment', () => {
  it('shifts, or scales, to the level of the call’s own day', () => {
    expect(toldBy(told({}, 250))).toEqual([150, 350])
    expect(toldBy(told({ kind: 'multiplicative' }, 250))).toEqual([125, 375])
  })

  it('is capped by the mean of the window, or period by period', () => {
    expect(toldBy(told({ cap: CAP }, 900))).toEqual([140, 340])
    expect(toldBy(told({ cap: { ...CAP, reference: 'period' } }, 900))).toEqual([120, 360])
    expect(toldBy(told({ cap: CAP, kind: 'multiplicative' }, 0))).toEqual([80, 240])
    expect(told({ cap: CAP }, 900)).toMatchObject({ adjustment: { isCapped: true } })
    expect(told({ cap: CAP }, 210)).toMatchObject({ adjustment: { isCapped: false } })
  })

  it('goes one way only where the method says so', () => {
    expect(toldBy(told({ direction: 'up' }, 150))).toEqual([100, 300])
    expect(toldBy(told({ direction: 'down' }, 150))).toEqual([50, 250])
    expect(toldBy(told({ direction: 'down', kind: 'multiplicative' }, 250))).toEqual([100, 300])
  })

  it('is refused, or left out, where a reading of its stretch is missing', () => {
    expect(toldBy(told({}, null))).toBe('missing-interval')
    expect(toldBy(told({ missing: 'unadjusted' }, null))).toEqual([100, 300])
  })

  it('of a unit that can feed in is always a shift', () => {
    const scaled = { kind: 'multiplicative' as const }
    expect(toldBy(told(scaled, -100, { signed: true }))).toEqual([-200, 0])
    expect(toldBy(told({ ...scaled, additiveWhenSigned: false }, -100, { signed: true }))).toEqual([
      -50, -150,
    ])
  })

  it('by a ratio is none where nothing is usual', () => {
    const meter = meterOf({
      [TUESDAY]: { '16:00': 5, '16:30': -5, '17:00': 100, '17:30': 300 },
      [CALL]: { '16:00': 50, '16:30': 50 },
    })
    const method = aMethod({}, { adjustment: { ...RULE, kind: 'multiplicative' } })
    expect(toldBy(computeBaseline(method, anInput(WINDOW, meter)))).toEqual([100, 300])
  })

  it('floors at zero, last of all, where the method says so', () => {
    const meter = meterOf({
      [TUESDAY]: { '16:00': 200, '16:30': 200, '17:00': 100, '17:30': 300 },
      [CALL]: { '16:00': 50, '16:30': 50 },
    })
    const method = aMethod({}, { adjustment: RULE, floorAtZero: true })
    expect(toldBy(computeBaseline(method, anInput(WINDOW, meter)))).toEqual([0, 150])
  })

  it('is rounded once, half to even, or down', () => {
    const days = workingDaysBefore(CALL, 2)
    const meter = meterOf({
      [days[0] as string]: { '17:00': 1 },
      [days[1] as string]: { '17:00': 2 },
    })
    const input = anInput(WINDOW.slice(0, 1), meter)
    expect(computeBaseline(aMethod(), input)).toMatchObject({
      periods: [{ numerator: 3n, denominator: 2n, wh: 2 }],
    })
    const floored = aMethod({}, { rounding: 'floor' })
    expect(toldBy(computeBaseline(floored, input))).toEqual([1])
  })
})

describe('whoever knows of the window beforehand', () => {
  const notifiedAt = addSeconds(START, -1800)

  it('is refused every method that reads on after the notification', () => {
    const bendable = BUILT_IN_METHODS.filter(
      (method) =>
        toldBy(computeBaseline(method, anInput(WINDOW, new Map(), { notifiedAt }))) ===
        'window-known-beforehand',
    )
    expect(bendable.map(({ name }) => name)).toEqual([
      'dfs-2022-like',
      'mean-10-of-10-add-3h-no-gap',
      'mean-10-of-10-add-1h-no-gap',
      'state-based-ev',
      'state-based-ev-capped',
      'meter-before',
      'meter-before-after-3-2',
      'reading-before',
    ])
  })

  it('moves nothing by what is drawn after the notification', () => {
    const rule = { anchor: 'notification' as const, cap: CAP }
    const meter = meterOf({
      [TUESDAY]: { '15:30': 200, '16:00': 200, '16:30': 200, '17:00': 100, '17:30': 300 },
      [CALL]: { '15:30': 200, '16:00': 200, '16:30': 9_000 },
    })
    const method = aMethod({}, { adjustment: { ...RULE, ...rule } })
    const input = anInput(WINDOW, meter, { notifiedAt })
    expect(toldBy(computeBaseline(method, input))).toEqual([100, 300])
  })

  it('has the period of the notification left out whole', () => {
    const meter = meterOf({
      [TUESDAY]: { '15:00': 200, '15:30': 200, '16:00': 200, '17:00': 100, '17:30': 300 },
      [CALL]: { '15:00': 220, '15:30': 220, '16:00': 9_000 },
    })
    const method = aMethod({}, { adjustment: { ...RULE, anchor: 'notification' } })
    const input = anInput(WINDOW, meter, { notifiedAt: addSeconds(START, -1801) })
    expect(toldBy(computeBaseline(method, input))).toEqual([120, 320])
  })

  it('gains at most the cap’s width of the baseline, however much is burnt', () => {
    const energies = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 6, maxLength: 6 })
    fc.assert(
      fc.property(energies, fc.integer({ min: 0, max: 1e6 }), (usual, burnt) => {
        const of = (extra: number) => toldBy(told20(usual, extra))
        const [plain, burning] = [of(0), of(burnt)] as [number[], number[]]
        const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
        const inWindow = (usual[4] ?? 0) + (usual[5] ?? 0)
        // Two periods, each rounded once in both.
        expect(sum(burning) - sum(plain)).toBeLessThanOrEqual(inWindow * 0.4 + 2)
      }),
      { seed: 11, numRuns: 300 },
    )
  })
})

/** ±20 % by the two hours before; the day before drew `usual`, today the same and more. */
function told20(usual: readonly number[], extra: number) {
  const clocks = ['15:00', '15:30', '16:00', '16:30', '17:00', '17:30']
  const day = Object.fromEntries(clocks.map((clock, i) => [clock, usual[i] ?? 0]))
  const today = Object.fromEntries(
    clocks.slice(0, 4).map((clock, i) => [clock, (usual[i] ?? 0) + extra]),
  )
  const stretch = { fromSeconds: 7200, untilSeconds: 0 }
  const method: BaselineMethod = aMethod({}, { adjustment: { ...RULE, cap: CAP, stretch } })
  return computeBaseline(method, anInput(WINDOW, meterOf({ [TUESDAY]: day, [CALL]: today })))
}

describe('without earlier days', () => {
  const of = (name: string, changes: Partial<BaselineInput>, meter = meterOf({})) =>
    toldBy(computeBaseline(baselineMethod(name), anInput(WINDOW, meter, changes)))
  const before = { '16:30': 210 }

  it('a needed schedule, profile, level, group or reading that is not there is a refusal', () => {
    for (const name of [
      'nominated',
      'deemed-profile',
      'firm-level',
      'control-group',
      'reading-before',
    ]) {
      expect(of(name, {})).toBe('missing-input')
    }
    expect(of('meter-before', {})).toBe('missing-interval')
    const control = { series: { whAt: () => 10 }, controlCount: 9, count: 20 }
    expect(of('control-group', { control })).toBe('missing-input')
    expect(of('firm-level', { firmLevelW: 0.5 })).toBe('bad-value')
    expect(of('deemed-profile', { deemed: { profileW: [1, 2, 3, 4, 5, 6, 7], count: 1 } })).toBe(
      'missing-input',
    )
  })

  it('each says what stands in its place', () => {
    const nominated = { whAt: (start: number) => (start === START ? 7 : 8) }
    expect(of('nominated', { nominated })).toEqual([7, 8])
    expect(of('zero', {})).toEqual([0, 0])
    expect(of('firm-level', { firmLevelW: 1001 })).toEqual([500, 500])
    expect(of('reading-before', { lastReadingW: -3000 })).toEqual([-1500, -1500])
    const profileW = Array.from({ length: 24 }, (_, hour) => hour * 100)
    expect(of('deemed-profile', { deemed: { profileW, count: 3 } })).toEqual([2550, 2550])
    const control = { series: { whAt: () => 100 }, controlCount: 10, count: 25 }
    expect(of('control-group', { control })).toEqual([250, 250])
    expect(of('meter-before', {}, meterOf({ [CALL]: before }))).toEqual([210, 210])
  })

  it('a meter before and after is one mean of both, an hour off either end', () => {
    const early = { '13:00': 1, '13:30': 2, '14:00': 3, '14:30': 4, '15:00': 5, '15:30': 6 }
    const late = { '19:00': 100, '19:30': 200, '20:00': 300, '20:30': 379 }
    const meter = meterOf({ [CALL]: { ...early, '16:00': 999, '18:30': 999, ...late } })
    expect(of('meter-before-after-3-2', {}, meter)).toEqual([100, 100])
  })
})

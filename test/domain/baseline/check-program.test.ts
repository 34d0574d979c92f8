import { describe, expect, it } from 'vitest'
import { checkBaselines } from '#domain/baseline/check-program.ts'
import { CLASS_DEFAULTS } from '#domain/baseline/class-defaults.ts'
import type { BaselineMethod, HistoryMethod } from '#domain/baseline/method.ts'
import { methodHash } from '#domain/baseline/method.ts'
import { BUILT_IN_METHODS, builtInMethod } from '#domain/baseline/methods.ts'
import { DomainError } from '#domain/errors.ts'
import type { Program } from '#domain/program.ts'
import { aProgram, baselineMethod } from '../../support/builders.ts'

/** The one problem that a program is refused for. */
function refused(changes: Partial<Program>) {
  try {
    checkBaselines(aProgram(changes))
  } catch (error) {
    if (error instanceof DomainError) return error.problems[0]
    throw error
  }
  return null
}

const add3h = baselineMethod('mean-10-of-10-add-3h') as HistoryMethod

/** A rule of one's own: a built-in with changes, under another name. */
function own(changes: Partial<HistoryMethod>): Partial<Program> {
  return { chargerBaseline: { ...add3h, name: 'ours', ...changes } }
}
const adjusted = (changes: Partial<NonNullable<HistoryMethod['adjustment']>>) =>
  own({ adjustment: { ...(add3h.adjustment as NonNullable<typeof add3h.adjustment>), ...changes } })
const days = (changes: Partial<HistoryMethod['days']>) =>
  own({ days: { ...add3h.days, ...changes } })

describe('a program is refused', () => {
  it.each([
    [
      'a cap whose low bound is above its high one',
      adjusted({ cap: { lowBp: 2000, highBp: -2000, reference: 'period' } }),
      {
        field: 'chargerBaseline.adjustment.cap.lowBp',
        expected: 'a whole number from -10000 to 0',
        got: '2000',
      },
    ],
    [
      'an adjustment that ends before it begins',
      adjusted({ stretch: { fromSeconds: 3600, untilSeconds: 7200 } }),
      {
        field: 'chargerBaseline.adjustment.stretch',
        expected: 'whole seconds, from further away than until, within 172800',
        got: '3600 until 7200',
      },
    ],
    [
      'an adjustment that does not fit the settlement periods',
      adjusted({ stretch: { fromSeconds: 1000, untilSeconds: 0 } }),
      {
        field: 'chargerBaseline.adjustment.stretch',
        expected: 'multiples of the period of 900 s',
        got: '1000 until 0',
      },
    ],
    [
      'a pool that chooses more days than it holds',
      days({ pool: { ...add3h.days.pool, select: { by: 'high', days: 11 } } }),
      {
        field: 'chargerBaseline.days.pool.select.days',
        expected: 'a whole number from 1 to 10',
        got: '11',
      },
    ],
    [
      'a middle that cannot be cut evenly',
      days({ pool: { ...add3h.days.pool, select: { by: 'mid', days: 7 } } }),
      {
        field: 'chargerBaseline.days.pool.select.days',
        expected: 'as many days as leave an even number of 10 to drop',
        got: '7',
      },
    ],
    [
      'weights for other days than are chosen',
      days({ weights: [1, 2] }),
      { field: 'chargerBaseline.days.weights', expected: 'a weight for each of 10 days', got: '2' },
    ],
    [
      'a method for other periods',
      own({ resolutionSeconds: 1800 }),
      { field: 'chargerBaseline.resolutionSeconds', expected: 'periods of 1800 s', got: '900 s' },
    ],
    [
      'other data under the name of a built-in',
      own({ name: 'mean-10-of-10' }),
      {
        field: 'chargerBaseline.name',
        expected: 'a name of its own for a rule that is not mean-10-of-10 1',
        got: 'mean-10-of-10 1',
      },
    ],
    [
      'a method whose figures nobody files',
      { batteryBaseline: baselineMethod('nominated') },
      {
        field: 'batteryBaseline.family',
        expected: 'a method whose figures the service has',
        got: 'nominated',
      },
    ],
    [
      'a deemed baseline without a profile',
      { batteryBaseline: baselineMethod('deemed-profile') },
      { field: 'deemedProfileW', expected: 'W per slot of the local day', got: 'nothing' },
    ],
    [
      'a deemed profile whose slots do not hold whole periods',
      { deemedProfileW: [1, 2, 3, 4, 5, 6, 7] },
      {
        field: 'deemedProfileW',
        expected: 'equal slots of a day that periods of 900 s fit in',
        got: '7',
      },
    ],
    [
      'chargers without a curve when they are offered',
      { chargerBaseline: baselineMethod('meter-before') },
      {
        field: 'chargerBaseline.family',
        expected: 'a method that has a curve when a charger is offered',
        got: 'same-day',
      },
    ],
    [
      'a holiday that is no date',
      { holidays: ['2026-12-25', '25.12.2026'] },
      { field: 'holidays[1]', expected: 'a date, YYYY-MM-DD', got: '25.12.2026' },
    ],
  ] as const)('for %s', (_, changes, problem) => {
    expect(refused(changes as Partial<Program>)).toEqual(problem)
  })
})

describe('a program whose windows can be known beforehand', () => {
  const known = (method: BaselineMethod): Partial<Program> => ({
    notice: 'known',
    noticeSeconds: 1800,
    chargerBaseline: method,
    batteryBaseline: baselineMethod('zero'),
  })

  it('is refused every method that reads on after the notification, or without a cap', () => {
    const allowed = BUILT_IN_METHODS.filter((method) => refused(known(method)) === null)
    expect(allowed.map(({ name }) => name)).toEqual([
      'mean-10-of-10',
      'mid-8-of-10',
      'high-5-of-10',
      'high-4-of-5',
      'residential-5-of-10',
      'nyiso-like',
      'caiso-10-of-10-like',
      'mean-10-of-10-add-20',
      'mean-10-of-10-mult-20',
      'mean-10-of-10-notified',
      'zero',
    ])
  })

  it('says which readings are too late', () => {
    expect(refused(known(baselineMethod('state-based-ev')))).toEqual({
      field: 'chargerBaseline',
      expected: 'readings up to 1800 s before a window that can be known',
      got: 'state-based-ev, up to 0 s before',
    })
    expect(
      refused({ ...known(baselineMethod('mean-10-of-10-add-20')), noticeSeconds: 7200 }),
    ).toEqual({
      field: 'chargerBaseline',
      expected: 'readings up to 7200 s before a window that can be known',
      got: 'mean-10-of-10-add-20, up to 3600 s before',
    })
  })

  it('asks for a cap where an adjustment has none', () => {
    expect(refused(known(add3h))).toEqual({
      field: 'chargerBaseline.adjustment.cap',
      expected: 'a cap, since the window can be known',
      got: 'null',
    })
  })
})

describe('built-in methods', () => {
  it('have one name and version each, and a hash that tells any change', () => {
    const names = BUILT_IN_METHODS.map(({ name, version }) => `${name} ${version}`)
    const hashes = BUILT_IN_METHODS.map(methodHash)
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(hashes).size).toBe(hashes.length)
    const changed = { ...add3h, rounding: 'floor' as const }
    expect(methodHash(changed)).not.toBe(methodHash(add3h))
  })

  it('are found by name, in a version or the newest', () => {
    expect(builtInMethod('zero')?.version).toBe(1)
    expect(builtInMethod('zero', 1)?.family).toBe('zero')
    expect(builtInMethod('zero', 2)).toBeNull()
    expect(builtInMethod('constructor')).toBeNull()
  })

  it('call themselves a reading of a rule book that was not checked, and none compliant', () => {
    const like = BUILT_IN_METHODS.filter(({ name }) => /bl01|nyiso|pjm|caiso/.test(name))
    expect(like.map(({ status }) => status)).toEqual(like.map(() => 'reading'))
    expect(like.every(({ name }) => name.endsWith('-like'))).toBe(true)
  })

  it('are what the defaults per device class name, each with a reason', () => {
    for (const { method, reason } of CLASS_DEFAULTS) {
      expect(builtInMethod(method)).not.toBeNull()
      expect(reason.length).toBeGreaterThan(40)
    }
  })
})

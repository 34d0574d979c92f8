import { describe, expect, test } from 'vitest'
import { accuracyOf, type Outcome, runMethod } from '#commands/backtest/accuracy.ts'
import { attackBefore, attackBlindly, gamingRatio } from '#commands/backtest/gaming.ts'
import { inputFor, parseWindow, placebosOf, type Trial } from '#commands/backtest/placebo.ts'
import { checkBeforeWindows } from '#commands/backtest/pre-window.ts'
import type { Series } from '#commands/backtest/series.ts'
import { best, methodsFor, studyWindow } from '#commands/backtest/study.ts'
import { zeroResponse } from '#commands/backtest/zero-response.ts'
import { builtInMethod } from '#domain/baseline/methods.ts'
import { type Instant, instant, parseInstant } from '#domain/time.ts'

const HALF_HOUR_MS = 1_800_000
const DAYS = 70
const WINDOW = parseWindow('10:00-12:00', 1_800)

/** A fleet with one shape and another level every day; in London over a change of clocks. */
function trial(levelOf: (day: number) => number, changes: Partial<Trial> = {}): Trial {
  const from = parseInstant('2024-02-05T00:00Z') // a Monday; the clocks change on 31 March
  const wh = new Map<Instant, number>()
  for (let at = 0; at < DAYS * 48; at += 1) {
    const shape = 1_000 + 100 * (at % 48)
    wh.set(instant(from + at * HALF_HOUR_MS), Math.round(shape * levelOf(Math.floor(at / 48))))
  }
  const series: Series = { intervalSeconds: 1_800, wh }
  return { series, timeZone: 'Europe/London', holidays: new Set(), firstDay: 46, ...changes }
}

const swinging = trial((day) => 1 + 0.3 * Math.sin(day))

function method(name: string) {
  const found = builtInMethod(name)
  if (found === null) throw new Error(`no method ${name}`)
  return found
}

function outcome(date: string, baselineWh: number[], meteredWh: number[]): Outcome {
  const day = { date, dayOfWeek: 1, starts: [], minutes: [] }
  return { placebo: { date, dayOfWeek: 1, day, periodStarts: [], meteredWh }, baselineWh }
}

describe('placebo windows', () => {
  test('working days only, from the first day on, without holidays', () => {
    const { windows } = placebosOf(swinging, WINDOW)
    expect(windows.map(({ date }) => date).slice(0, 3)).toEqual([
      '2024-03-22',
      '2024-03-25',
      '2024-03-26',
    ])
    expect(windows).toHaveLength(16)
    const holidays = new Set(['2024-03-25'])
    expect(placebosOf({ ...swinging, holidays }, WINDOW).windows).toHaveLength(15)
  })

  test('a window keeps to the clock on the wall when the clocks change', () => {
    const { windows } = placebosOf(swinging, WINDOW)
    const hours = windows.map(({ periodStarts }) => new Date(periodStarts[0] ?? 0).getUTCHours())
    expect(new Set(hours.slice(0, 6))).toEqual(new Set([10]))
    expect(new Set(hours.slice(6))).toEqual(new Set([9]))
  })

  test('a day with a missing half-hour has no window and is no history', () => {
    const wh = new Map(swinging.series.wh)
    wh.delete(parseInstant('2024-03-25T03:00Z'))
    const found = placebosOf({ ...swinging, series: { intervalSeconds: 1_800, wh } }, WINDOW)
    expect(found.incompleteDays).toEqual(['2024-03-25'])
    expect(found.windows).toHaveLength(15)
    expect(found.history.whAt(parseInstant('2024-03-25T10:00Z'))).toBeNull()
    expect(found.history.whAt(parseInstant('2024-03-26T10:00Z'))).not.toBeNull()
  })

  test('a file without any is refused, and what is missing is named', () => {
    const short = { ...swinging, firstDay: 400 }
    expect(() => studyWindow(short, WINDOW, [method('mean-10-of-10')])).toThrow(
      '10:00-12:00: expected a working day after 400 days of history',
    )
    const wh = new Map([...swinging.series.wh].filter(([at]) => at % 86_400_000 !== 0))
    const holes = { ...swinging, series: { intervalSeconds: 1_800, wh } }
    expect(() => studyWindow(holes, WINDOW, [])).toThrow(/days have a missing interval: 2024-02-0/)
  })

  test.each(['10-12', '10:00-10:00', '12:00-10:00', '10:10-12:00', '23:00-24:30', '25:00-26:00'])(
    'a window of %s is refused',
    (text) => expect(() => parseWindow(text, 1_800)).toThrow('--window: expected HH:MM-HH:MM'),
  )

  test('an unknown method, and one that needs more than a meter, are refused', () => {
    expect(() => methodsFor(['mean-of-11'])).toThrow(/^--methods: .*got mean-of-11/)
    expect(() => methodsFor(['nominated'])).toThrow(/^--methods/)
  })
})

describe('error and bias', () => {
  test('are shares of the mean load; a baseline that is too high has a bias above 0', () => {
    const outcomes = [
      outcome('2024-03-01', [110, 90], [100, 100]),
      outcome('2024-03-04', [120, 100], [100, 100]),
    ]
    const accuracy = accuracyOf(outcomes)
    expect(accuracy?.biasPercent).toBeCloseTo(5, 10)
    expect(accuracy?.rrmsePercent).toBeCloseTo(Math.sqrt((100 + 100 + 400) / 4), 10)
    expect(accuracyOf([])).toBeNull()
    expect(accuracyOf([outcome('2024-03-01', [1], [0])])).toBeNull()
  })

  test('a fleet with one shape is told exactly at its own level, and badly by a mean', () => {
    const study = studyWindow(swinging, WINDOW, methodsFor([]))
    const of = (name: string) => study.methods.find((one) => one.method.name === name)?.accuracy
    expect(of('state-based-ev')?.rrmsePercent).toBeLessThan(0.5)
    expect(of('mean-10-of-10')?.rrmsePercent).toBeGreaterThan(15)
    expect(best(study.methods)?.method.name).toBe('state-based-ev')
  })

  test('a method with fewer windows than others is not the best of them', () => {
    const study = studyWindow({ ...swinging, firstDay: 8 }, WINDOW, methodsFor([]))
    const counts = study.methods.map(({ run }) => run.outcomes.length)
    expect(Math.min(...counts)).toBeLessThan(Math.max(...counts))
    expect(best(study.methods)?.run.outcomes.length).toBe(Math.max(...counts))
  })
})

test('no response: the sign is kept within a month, and a dead band lets noise go unpaid', () => {
  const paid = zeroResponse([
    outcome('2024-03-01', [100], [106]), // 6 to make up in March
    outcome('2024-03-04', [100], [90]), // 10 delivered, 5 of them beyond the band
    outcome('2024-04-01', [100], [104]),
  ])
  expect(paid?.paid['each-window-alone']).toBeCloseTo(1000 / 300, 10)
  expect(paid?.paid['dead-band']).toBeCloseTo(500 / 300, 10)
  expect(paid?.paid['monthly-net']).toBeCloseTo(400 / 300, 10)
  expect(paid?.signed).toBeCloseTo(0, 10)
  expect(zeroResponse([])).toBeNull()
})

describe('load burnt before a window', () => {
  const { windows, history } = placebosOf(swinging, WINDOW)
  const inputOf = (placebo: (typeof windows)[number]) => inputFor(swinging, placebo, history)
  const attack = (name: string, noticeSeconds: number, guessed = false) =>
    attackBefore(method(name), windows, inputOf, { noticeSeconds, powerW: 10_000, guessed })

  test('ours is refused when anybody was told, and is worth its silence', () => {
    expect(attack('state-based-ev', 1_800).windows).toBe(0)
    expect(gamingRatio(attack('state-based-ev', 1_800, true))).toBeGreaterThan(1)
  })

  test('without a cap two thirds of three hours come back in two', () => {
    expect(attack('mean-10-of-10-add-3h-no-gap', 10_800).windows).toBe(0)
    const guessed = attack('mean-10-of-10-add-3h-no-gap', 10_800, true)
    expect(gamingRatio(guessed)).toBeCloseTo(2 / 3, 3)
  })

  test('a reading held flat gives back every watt for the whole window', () => {
    expect(gamingRatio(attack('reading-before', 1_800, true))).toBeCloseTo(4, 3)
    expect(gamingRatio(attack('meter-before', 1_800, true))).toBeCloseTo(4, 3)
  })

  test('what is read ends with the notification: nothing comes back', () => {
    const told = attack('mean-10-of-10-notified', 10_800)
    expect(told.windows).toBe(windows.length)
    expect(gamingRatio(told)).toBe(0)
  })

  test('a half-hour at random hits the one before the window once in as many', () => {
    const found = attackBlindly(method('state-based-ev'), windows, inputOf, {
      powerW: 10_000,
      fromMinute: 0,
      untilMinute: 1_440,
      shuffle: (halfHours) => [...halfHours],
    })
    const rounds = 48
    expect(found.inflatedWh).toBe(rounds * windows.length * 5_000)
    expect(gamingRatio(found)).toBeGreaterThan(0)
    expect(gamingRatio(found)).toBeLessThan(0.05)
  })
})

describe('the check of the half-hour before a window', () => {
  const flagged = (wh: ReadonlyMap<Instant, number>) => {
    const series: Series = { intervalSeconds: 1_800, wh }
    const placebos = placebosOf({ ...swinging, series }, WINDOW)
    const checks = checkBeforeWindows(placebos, series, 10_000)
    return new Map(checks.map(({ name, flaggedPercent }) => [name, flaggedPercent]))
  }

  test('sees what is above three deviations, and never a fleet that keeps its habit', () => {
    const found = flagged(swinging.series.wh)
    expect(found.get('honest')).toBe(0)
    expect(found.get('raised above 3 sigma')).toBe(100)
  })

  test('sees a half-hour that was burnt on one day in sixteen', () => {
    const burnt = new Map(swinging.series.wh)
    const at = parseInstant('2024-04-02T08:30Z') // 09:30 in London's summer
    burnt.set(at, (burnt.get(at) ?? 0) + 5_000)
    expect(flagged(burnt).get('honest')).toBeCloseTo(100 / 16, 10)
  })
})

test('a window that a method refuses is counted by its reason', () => {
  const { windows, history } = placebosOf({ ...swinging, firstDay: 1 }, WINDOW)
  const run = runMethod(method('mean-10-of-10'), windows, (placebo) =>
    inputFor(swinging, placebo, history),
  )
  expect(run.refusals.get('too-few-days')).toBe(4)
  expect(run.outcomes).toHaveLength(windows.length - 4)
})

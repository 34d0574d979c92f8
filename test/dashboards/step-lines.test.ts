import { describe, expect, test } from 'vitest'
import { stepLines } from '#dashboards/shared/step-lines.ts'

const at = (minute: number) => new Date(minute * 60_000).toISOString()
const period = (from: number, to: number) => ({ start: at(from), end: at(to) })
const PERIODS = [period(0, 15), period(15, 30)]
const minutes = (seconds: readonly (number | null)[] = []) => seconds.map((s) => (s ?? 0) / 60)

describe('steps of a chart', () => {
  test('what is not measured at all is not drawn', () => {
    const [, line] = stepLines(PERIODS, [{ of: () => 5, until: null }])
    expect(line).toEqual([null, null, null])
  })

  test('a plan holds from each period’s start to the end of the last', () => {
    const [xs, line] = stepLines(PERIODS, [
      { of: (i) => [9000, 8000][i] ?? null, until: Number.POSITIVE_INFINITY },
    ])
    expect(minutes(xs)).toEqual([0, 15, 30])
    expect(line).toEqual([9000, 8000, 8000])
  })

  test('what is being measured ends where the meters have told, and not at its period’s end', () => {
    const plan = { of: () => 1000, until: Number.POSITIVE_INFINITY }
    const [xs, , line] = stepLines(PERIODS, [
      plan,
      { of: (i) => [7000, 6000][i] ?? null, until: 20 * 60_000 },
    ])
    expect(minutes(xs)).toEqual([0, 15, 20, 30])
    expect(line).toEqual([7000, 6000, 6000, null])
  })

  test('measured exactly to a period’s end, the step reaches that end', () => {
    const [xs, line] = stepLines(PERIODS, [
      { of: (i) => (i === 0 ? 7000 : null), until: 15 * 60_000 },
    ])
    expect(minutes(xs)).toEqual([0, 15, 22.5, 30])
    expect(line).toEqual([7000, 7000, null, null])
  })

  test('a period without a figure is a gap for its line only', () => {
    const three = [...PERIODS, period(30, 45)]
    const until = Number.POSITIVE_INFINITY
    const [xs, broken, whole] = stepLines(three, [
      { of: (i) => [1, null, 3][i] ?? null, until },
      { of: (i) => i, until },
    ])
    expect(minutes(xs)).toEqual([0, 15, 22.5, 30, 45])
    expect(broken).toEqual([1, 1, null, 3, 3])
    expect(whole).toEqual([0, 1, 1, 2, 2])
  })
})

import { expect, test } from 'vitest'
import { computeBaseline } from '#domain/baseline/engine.ts'
import type { BaselineInput } from '#domain/baseline/input.ts'
import { BUILT_IN_METHODS } from '#domain/baseline/methods.ts'
import { formatInstant } from '#domain/time.ts'
import { dayOf } from './calendar.ts'
import { callDate } from './days.ts'
import { generatedMeter } from './meters.ts'
import { ORACLES } from './methods.ts'

/** Half-even and floats: the oracle does not round. */
const WITHIN_WH = 1

type Met = { baselines: number; refusals: number }

/** Engine and reference on so many generated meters, one test for each built-in method. */
export function agreementTests(count: number): void {
  const meters = Array.from({ length: count }, (_, seed) => ({ seed, input: generatedMeter(seed) }))

  test('the generated meters hold days of 46, 48 and 50 half-hours in both zones', () => {
    const lengths = new Set(
      meters.map(({ input }) => {
        const { timeZone } = input
        return `${timeZone} ${dayOf(callDate(input), timeZone, 1_800).length}`
      }),
    )
    for (const zone of ['Europe/London', 'America/Los_Angeles']) {
      for (const length of [46, 48, 50]) expect(lengths).toContain(`${zone} ${length}`)
    }
  })

  test.each(BUILT_IN_METHODS.map((method) => [method.name, method] as const))(
    `the engine says what the reference says of %s, to 1 Wh, on ${count} generated meters`,
    (name, method) => {
      const met: Met = { baselines: 0, refusals: 0 }
      for (const { seed, input } of meters) {
        const expected = ORACLES[name]?.(input) ?? null
        const found = computeBaseline(method, input)
        const got = found.kind === 'baseline' ? found.periods.map(({ wh }) => wh) : null
        if (!agree(got, expected)) expect.fail(told(name, seed, input, got, expected, found))
        if (got === null) met.refusals += 1
        else met.baselines += 1
      }
      expect(met.baselines).toBeGreaterThan(count / 5)
    },
  )
}

function agree(got: readonly number[] | null, expected: readonly number[] | null): boolean {
  if (got === null || expected === null) return got === expected
  return (
    got.length === expected.length &&
    got.every((wh, at) => Math.abs(wh - (expected[at] ?? Number.NaN)) <= WITHIN_WH)
  )
}

/** All that repeats it by hand. */
function told(
  name: string,
  seed: number,
  input: BaselineInput,
  got: readonly number[] | null,
  expected: readonly number[] | null,
  found: ReturnType<typeof computeBaseline>,
): string {
  const start = input.periodStarts[0]
  const why = found.kind === 'refused' ? `${found.reason}: ${found.got}` : found.daysUsed.join(' ')
  return (
    `${name}, meter ${seed}, ${input.timeZone}, ${start === undefined ? '' : formatInstant(start)}` +
    `, ${input.resolutionSeconds} s, signed ${input.signed}: got ${got?.join(' ') ?? 'none'} ` +
    `(${why}), expected ${expected?.join(' ') ?? 'none'}`
  )
}

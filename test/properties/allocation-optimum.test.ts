import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { load, solve } from '#adapters/highs/solve.ts'
import { modelOf } from '#adapters/highs/wire.ts'
import { allocationProgram } from '#domain/allocation/allocation-program.ts'
import { greedyPlan } from '#domain/allocation/greedy-plan.ts'
import { addRow, type Draft } from '#domain/allocation/linear-program.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { type Plan, pricedCost, solverReasons, unservedPriceOf } from '#domain/allocation/limits.ts'
import { bruteForce } from '../support/brute-force.ts'
import { anInstance, anOddInstance, type Instance } from '../support/limits.ts'

let highs: Awaited<ReturnType<typeof load>>

beforeAll(async () => {
  highs = await load()
})

/** The plans of the solver for many instances in one program: between them no row has terms. */
function solved(instances: readonly Instance[]): Plan[] {
  const draft: Draft = { columns: [], rows: [] }
  const reads = instances.map(({ devices, wanted }) => {
    const { program, plan } = allocationProgram(devices, wanted)
    const first = draft.columns.length
    draft.columns.push(...program.columns)
    for (const { terms, sense, bound } of program.rows) {
      const moved = terms.map(([column, coefficient]) => [column + first, coefficient] as const)
      addRow(draft, moved, sense, bound)
    }
    return (values: Float64Array) => plan(values.subarray(first))
  })
  const task = { model: modelOf(draft), start: null, timeLimitSeconds: 60, workMax: 1e9 }
  const { status, values, isOptimal } = solve(highs, task)
  if (values === null || !isOptimal) throw new Error(`HiGHS: ${status}`)
  return reads.map((read) => read(values))
}

describe('the greedy where it claims to be exact', { timeout: 60_000 }, () => {
  test('costs no more than the linear program of HiGHS, on 1,000 instances', () => {
    let short = 0
    const fifty = fc.array(anInstance, { minLength: 50, maxLength: 50 })
    fc.assert(
      fc.property(fifty, (instances) => {
        const optima = solved(instances)
        instances.forEach(({ devices, wanted }, i) => {
          expect(solverReasons(devices, wanted)).toEqual([])
          const plan = greedyPlan(devices, wanted)
          const best = pricedCost(devices, wanted, optima[i] as Plan)
          expect(pricedCost(devices, wanted, plan)).toBeLessThanOrEqual(best * (1 + 1e-6) + 1e-3)
          if (plan.unservedWh > 1) short += 1
        })
      }),
      { numRuns: 20 },
    )
    expect(short).toBeGreaterThan(100)
  })
})

describe('a plan for the solver to begin from', () => {
  test('lies within every row and bound of its program, at what it costs', () => {
    fc.assert(
      fc.property(anOddInstance, ({ devices, wanted }) => {
        const begun = meritFill(devices, wanted)
        const { from, plan } = allocationProgram(devices, wanted)
        const { columns, rows, start = [] } = from(begun)
        const values = Array.from(start)
        for (const { terms, sense, bound } of rows) {
          const sum = terms.reduce((all, [column, by]) => all + by * (values[column] as number), 0)
          if (sense !== '>=') expect(sum).toBeLessThanOrEqual(bound + 1e-9)
          if (sense !== '<=') expect(sum).toBeGreaterThanOrEqual(bound - 1e-9)
        }
        const cents = columns.reduce((sum, { cost, max, isBinary }, i) => {
          const value = values[i] as number
          expect(value).toBeLessThanOrEqual(max + 1e-9)
          if (isBinary === true) expect([0, 1]).toContain(value)
          return sum + cost * value
        }, 0)
        expect(cents * 10_000).toBeCloseTo(pricedCost(devices, wanted, begun), 3)
        expect(plan(values)).toEqual(begun)
      }),
    )
  })
})

describe('the solver with least powers, stops, least times on, all or nothing', {
  timeout: 60_000,
}, () => {
  test('is within 0.1 % of the best of all combinations, and within every limit', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(anOddInstance, ({ devices, wanted }) => {
        for (const reason of solverReasons(devices, wanted)) seen.add(reason)
        const [plan] = solved([{ devices, wanted }])
        const mine = pricedCost(devices, wanted, plan as Plan)
        const best = bruteForce(devices, wanted, unservedPriceOf(devices))
        expect(mine).toBeLessThanOrEqual(best * 1.001)
        expect(mine).toBeGreaterThanOrEqual(best * (1 - 1e-6))
      }),
      { numRuns: 60 },
    )
    expect([...seen].sort()).toEqual([
      'all-or-nothing',
      'changing-limits',
      'minimum-on-time',
      'minimum-power',
    ])
  })
})

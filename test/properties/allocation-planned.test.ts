import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { load, solve } from '#adapters/highs/solve.ts'
import { modelOf } from '#adapters/highs/wire.ts'
import {
  type Limits,
  pricedCost,
  solverReasons,
  unservedPriceOf,
  type Wanted,
} from '#domain/allocation/limits.ts'
import type { LinearProgram, Solution } from '#domain/allocation/linear-program.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { DomainError } from '#domain/errors.ts'
import { planAllocation } from '#lifecycle/plan-allocation.ts'
import type { Solver } from '#ports.ts'
import { bruteForce } from '../support/brute-force.ts'
import { anInstanceWithSmallOnes, anUnevenInstance, breaches } from '../support/limits.ts'

let highs: Awaited<ReturnType<typeof load>>

beforeAll(async () => {
  highs = await load()
})

/** HiGHS in this thread; ended as if by its deadline, with the first that it found, or with none. */
function solver(ends: 'done' | 'late' | 'never'): Solver {
  return {
    async solve(program: LinearProgram): Promise<Solution> {
      if (ends === 'never') throw new DomainError('unavailable', 'no answer')
      const { start = null } = program
      const begun = start === null ? null : Float64Array.from(start)
      const task = { model: modelOf(program), start: begun, timeLimitSeconds: 60, workMax: 1e9 }
      const found: Pick<Solution, 'values' | 'costMin'>[] = []
      const answer = solve(highs, task, (one) => found.push(one))
      const { status, values, isOptimal, costMin } = answer
      const [first] = found
      if (ends === 'late' && first) return { ...first, isOptimal: false, isLate: true }
      if (values === null) throw new Error(`HiGHS: ${status}`)
      return { values, isOptimal, costMin }
    },
  }
}

/** What stays unserved for want of power at its price: it is no part of what is compared. */
function unavoidable(devices: readonly Limits[], { powerW, hours }: Wanted): number {
  const wh = powerW.reduce((sum, askedW, t) => {
    const most = devices.reduce((all, { maxW, stopW = [], stopToW = stopW, effect = 1 }) => {
      return all + effect * Math.max(maxW[t] ?? 0, stopToW[t] ?? 0)
    }, 0)
    return sum + Math.max(0, askedW - most) * (hours[t] ?? 0)
  }, 0)
  return (wh * unservedPriceOf(devices)) / 1_000
}

const options = { deadlineMs: 1_000 }

describe('an allocation as it is ordered, with effects, unequal periods, a peak beyond all', {
  timeout: 60_000,
}, () => {
  test('costs no more than 0.1 % above the best of all combinations in whole kW, within every limit', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(anUnevenInstance, async ({ devices, wanted }) => {
        for (const reason of solverReasons(devices, wanted)) seen.add(reason)
        const plan = await planAllocation(solver('done'), devices, wanted, options)
        expect(breaches(devices, wanted, plan, 1)).toEqual([])
        const base = unavoidable(devices, wanted)
        const mine = pricedCost(devices, wanted, plan) - base
        const best = bruteForce(devices, wanted, unservedPriceOf(devices)) - base
        expect(mine).toBeLessThanOrEqual(best * 1.001 + 1e-3)
      }),
      { numRuns: 100 },
    )
    expect(seen).toContain('unequal-periods')
  })

  test('is within every limit and no dearer than merit order when the solver is late or never done', async () => {
    const late = fc.constantFrom<'late' | 'never'>('late', 'never')
    await fc.assert(
      fc.asyncProperty(anInstanceWithSmallOnes, late, async ({ devices, wanted }, ends) => {
        const plan = await planAllocation(solver(ends), devices, wanted, options)
        expect(breaches(devices, wanted, plan, 1)).toEqual([])
        const merit = meritFill(devices, wanted, { stepW: 100 })
        const cost = pricedCost(devices, wanted, merit)
        expect(pricedCost(devices, wanted, plan)).toBeLessThanOrEqual(cost * (1 + 1e-9))
      }),
      { numRuns: 100 },
    )
  })
})

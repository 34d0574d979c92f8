import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { load } from '#adapters/highs/solve.ts'
import { leastOvershoots, replay } from '#commands/bench/rebound-optimum.ts'
import { planRebound } from '#domain/rebound.ts'
import { aCase } from '../support/rebound.ts'

let highs: Awaited<ReturnType<typeof load>>

beforeAll(async () => {
  highs = await load()
})

describe('recharging after the window', { timeout: 60_000 }, () => {
  test('passes the room only where every schedule does, and then by no more than it must', () => {
    const seen = { kept: 0, passed: 0 }
    const fifty = fc.array(aCase, { minLength: 50, maxLength: 50 })
    fc.assert(
      fc.property(fifty, (cases) => {
        const least = leastOvershoots(highs, cases)
        cases.forEach((one, k) => {
          const plan = planRebound(one.recoveries, one.periods)
          const { sums } = replay(one, plan)
          const most = Math.ceil((least[k] as number) - 1e-4)
          expect(plan.overshootW).toBeLessThanOrEqual(most)
          one.periods.forEach(({ roomW }, t) =>
            expect(sums[t]).toBeLessThanOrEqual((roomW ?? 0) + most),
          )
          seen[most === 0 ? 'kept' : 'passed'] += 1
        })
      }),
      { numRuns: 20 },
    )
    expect(seen.kept).toBeGreaterThan(200)
    expect(seen.passed).toBeGreaterThan(100)
  })

  test('has every car ready by its departure, less a Wh for each hour', () => {
    fc.assert(
      fc.property(aCase, (one) => {
        const plan = planRebound(one.recoveries, one.periods)
        const { inTime } = replay(one, plan)
        one.recoveries.forEach(({ neededWh }, i) => {
          expect(inTime[i]).toBeGreaterThanOrEqual(neededWh - one.periods.length - 0.1)
        })
        expect(plan.unreadyWh).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  test('lets nobody take more, before its turn, than it was held at or needs to be ready', () => {
    fc.assert(
      fc.property(aCase, ({ recoveries, periods }) => {
        // Nobody has to be ready: then a turn is kept by all.
        const free = recoveries.map((one) => ({ ...one, neededWh: 0, readyBy: null }))
        const plan = planRebound(free, periods)
        plan.restarts.forEach(({ parts, restartsAt }, i) => {
          const { restartFrom, heldW } = free[i] as (typeof free)[number]
          for (const { start, limitW } of parts) {
            if (start < restartFrom) expect(limitW).toBeLessThanOrEqual(heldW)
          }
          expect(restartsAt).toBeGreaterThanOrEqual(
            Math.min(restartFrom, ...periods.map(({ end }) => end)),
          )
        })
        expect(plan.overshootW).toBe(0)
      }),
      { numRuns: 200 },
    )
  })
})

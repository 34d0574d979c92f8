import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { load, solve } from '#adapters/highs/solve.ts'
import { modelOf } from '#adapters/highs/wire.ts'
import { planRebound, type ReboundPeriod } from '#domain/rebound.ts'
import { findRebound } from '#lifecycle/find-rebound.ts'
import type { Solver } from '#ports.ts'
import { type ReboundCase, replay } from '#commands/bench/rebound-optimum.ts'
import { aRecovery, periodsWith } from '../support/rebound.ts'

const KW = 1000

let solver: Solver

beforeAll(async () => {
  const highs = await load()
  solver = {
    async solve(program) {
      const limits = { timeLimitSeconds: 15, workMax: Number.POSITIVE_INFINITY }
      const answer = solve(highs, { model: modelOf(program), start: null, ...limits })
      const { status, values, isOptimal, costMin } = answer
      if (values === null) throw new Error(`HiGHS: ${status}`)
      return { values, isOptimal, costMin }
    },
  }
})

/**
 * Two or three cars in whole kW and hours, each with a least power, all of them leaving some time.
 */
const aPacking: fc.Arbitrary<ReboundCase> = fc
  .record({
    roomsKw: fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 2, maxLength: 3 }),
    cars: fc.array(
      fc.record({
        minKw: fc.integer({ min: 1, max: 3 }),
        moreKw: fc.integer({ min: 0, max: 3 }),
        kwh: fc.integer({ min: 1, max: 8 }),
        leavesIn: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 2, maxLength: 3 },
    ),
  })
  .map(({ roomsKw, cars }) => {
    const periods = periodsWith(roomsKw.map((kw) => kw * KW))
    const recoveries = cars.map(({ minKw, moreKw, kwh, leavesIn }, i) => {
      const hours = Math.min(leavesIn, roomsKw.length)
      const powerMaxW = (minKw + moreKw) * KW
      const neededWh = Math.min(kwh * KW, powerMaxW * hours)
      const readyBy = (periods[hours - 1] as ReboundPeriod).end
      const needs = { neededWh, energyWh: neededWh, readyBy }
      return aRecovery(`r${i}`, { powerMaxW, minimumW: minKw * KW, ...needs })
    })
    return { recoveries, periods }
  })

/** Whether any schedule in whole kW keeps the room with every car ready, by trying all. */
function isPossible({ recoveries, periods }: ReboundCase): boolean {
  const left = periods.map(({ roomW }) => roomW ?? 0)
  const place = (i: number, t: number, openWh: number): boolean => {
    const one = recoveries[i]
    if (one === undefined) return true
    if (openWh <= 0) return place(i + 1, 0, recoveries[i + 1]?.neededWh ?? 0)
    const period = periods[t]
    if (period === undefined || one.readyBy === null || period.end > one.readyBy) return false
    for (let powerW = 0; powerW <= Math.min(one.powerMaxW, left[t] ?? 0); powerW += KW) {
      if (powerW > 0 && powerW < one.minimumW) continue
      left[t] = (left[t] ?? 0) - powerW
      const found = place(i, t + 1, openWh - powerW)
      left[t] = (left[t] ?? 0) + powerW
      if (found) return true
    }
    return false
  }
  return place(0, 0, recoveries[0]?.neededWh ?? 0)
}

describe('recharging after the window, with least powers', { timeout: 60_000 }, () => {
  test('passes the room only where no schedule keeps it', async () => {
    const seen = { possible: 0, impossible: 0, solved: 0 }
    await fc.assert(
      fc.asyncProperty(aPacking, async (one) => {
        const plan = await findRebound(solver, { own: one.recoveries, others: [] }, one.periods)
        const possible = isPossible(one)
        seen[possible ? 'possible' : 'impossible'] += 1
        const alone = planRebound(one.recoveries, one.periods)
        if (alone.overshootW > plan.overshootW) seen.solved += 1
        if (possible) expect(plan.overshootW).toBe(0)
        else expect(plan.overshootW).toBeGreaterThan(0)
      }),
      { numRuns: 200 },
    )
    expect(seen.possible).toBeGreaterThan(25)
    expect(seen.impossible).toBeGreaterThan(25)
    expect(seen.solved).toBeGreaterThan(0)
  })

  test('holds no car between 0 and its least, and has every car ready', async () => {
    await fc.assert(
      fc.asyncProperty(aPacking, async (one) => {
        const plan = await findRebound(solver, { own: one.recoveries, others: [] }, one.periods)
        plan.restarts.forEach(({ parts }, i) => {
          const { minimumW } = one.recoveries[i] as (typeof one.recoveries)[number]
          for (const { limitW } of parts) {
            if (limitW > 0) expect(limitW).toBeGreaterThanOrEqual(minimumW)
          }
        })
        const { inTime } = replay(one, plan)
        one.recoveries.forEach(({ neededWh }, i) =>
          expect(inTime[i]).toBeGreaterThanOrEqual(neededWh - one.periods.length - 0.1),
        )
      }),
      { numRuns: 60 },
    )
  })
})

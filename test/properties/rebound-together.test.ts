import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { load } from '#adapters/highs/solve.ts'
import { leastOvershoots, type ReboundCase, replay } from '#commands/bench/rebound-optimum.ts'
import { ownPartOf } from '#domain/rebound/together.ts'
import { changesAhead, type HeldDevice, releaseInSteps } from '#domain/rebound/release-in-steps.ts'
import { planRebound, type PlannedRestart, type TakenPower } from '#domain/rebound.ts'
import { addSeconds, secondsBetween } from '#domain/time.ts'
import { resourceId } from '#domain/ids.ts'
import { WINDOW_START } from '../support/builders.ts'
import { aCase } from '../support/rebound.ts'

let highs: Awaited<ReturnType<typeof load>>
beforeAll(async () => {
  highs = await load()
})

/** Whose calls end together, by device; each call plans in turn, and counts what the others planned. */
function inTurn({ recoveries, periods }: ReboundCase, callOf: readonly number[]) {
  const taken: TakenPower[] = []
  const restarts: PlannedRestart[] = recoveries.map(() => undefined as never)
  for (const call of [...new Set(callOf)].sort((a, b) => a - b)) {
    const ids = recoveries.flatMap((_, i) => (callOf[i] === call ? [i] : []))
    const own = ids.map((i) => recoveries[i] as (typeof recoveries)[number])
    const others = recoveries.filter((_, i) => (callOf[i] as number) > call)
    const left = periods.map((period) => {
      const there = taken.filter(({ start, end }) => start < period.end && period.start < end)
      const takenW = there.reduce((sum, { powerW }) => sum + powerW, 0)
      return { ...period, roomW: (period.roomW as number) - takenW }
    })
    const plan = ownPartOf(planRebound([...own, ...others], left), { own, others }, left)
    plan.restarts.forEach((one, k) => {
      restarts[ids[k] as number] = one
      taken.push(...(one.takes ?? []))
    })
  }
  return restarts
}

const aShare = fc.record({
  one: aCase,
  callOf: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 }),
})

describe('calls that end together at a congestion point', { timeout: 60_000 }, () => {
  test('stay under its room together wherever any schedule of all their devices does', () => {
    let kept = 0
    const fifty = fc.array(aShare, { minLength: 50, maxLength: 50 })
    fc.assert(
      fc.property(fifty, (all) => {
        const least = leastOvershoots(
          highs,
          all.map(({ one }) => one),
        )
        all.forEach(({ one, callOf }, k) => {
          if ((least[k] as number) > 1e-4) return
          kept += 1
          const calls = new Set(callOf.slice(0, one.recoveries.length)).size
          const plan = { restarts: inTurn(one, callOf.slice(0, one.recoveries.length)) }
          const { sums, inTime } = replay(one, plan as never)
          one.periods.forEach(({ roomW }, t) => {
            // Whole W are rounded in each plan: what one leaves open the next has to find.
            expect(sums[t]).toBeLessThanOrEqual((roomW as number) + ROUNDING_W * (calls - 1))
          })
          one.recoveries.forEach(({ neededWh }, i) => {
            expect(inTime[i]).toBeGreaterThanOrEqual(neededWh - one.periods.length - 0.1)
          })
        })
      }),
      { numRuns: 20 },
    )
    expect(kept).toBeGreaterThan(200)
  })

  test('change by no more than a step together, whatever each lets go of', () => {
    const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
    const limit = { stepMaxW: 10_000, rampMaxWPerMinute: 6000 }
    const aDevice = fc.record({
      powerW: fc.integer({ min: -12_000, max: 0 }),
      holdsUntil: fc.constantFrom(0, 0, 30, 45, 600),
    })
    const devices = fc.array(aDevice, { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(devices, devices, (mine, theirs) => {
        const heldBy = (drawn: typeof mine, name: string): HeldDevice[] =>
          drawn.map(({ powerW }, i) => {
            const rest = { defaultW: 0, leastW: 0, mayStayUntil: at(36_000) }
            return { resourceId: resourceId(`${name}${i}`), powerW, ...rest }
          })
        const plannedFor = (drawn: typeof mine, held: readonly HeldDevice[]): PlannedRestart[] =>
          held.map((device, i) => {
            const end = at(drawn[i]?.holdsUntil ?? 0)
            const { resourceId: id, powerW } = device
            const parts = end > at(0) ? [{ start: at(0), end, limitW: powerW }] : []
            return { resourceId: id, parts, restartsAt: end }
          })
        const [first, second] = [heldBy(mine, 'a'), heldBy(theirs, 'b')]
        const a = releaseInSteps(plannedFor(mine, first), first, limit, null, at(0))
        const ahead = a.restarts.flatMap((one, i) => {
          return changesAhead(first[i] as HeldDevice, one, at(0))
        })
        const b = releaseInSteps(plannedFor(theirs, second), second, limit, null, at(0), ahead)
        const changes = [
          ...ahead,
          ...b.restarts.flatMap((one, i) => changesAhead(second[i] as HeldDevice, one, at(0))),
        ].sort((x, y) => x.at - y.at)
        let [levelW, last] = [0, at(0)]
        for (const { at: then, changeW } of changes) {
          levelW = Math.max(0, levelW - secondsBetween(last, then) * 100) + changeW
          last = then
          expect(levelW).toBeLessThanOrEqual(limit.stepMaxW + 1e-6)
        }
        expect([a.passedW, b.passedW]).toEqual([0, 0])
      }),
      { numRuns: 500 },
    )
  })
})

const ROUNDING_W = 2

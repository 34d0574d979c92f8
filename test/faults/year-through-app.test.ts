import { describe, expect, test } from 'vitest'
import { playAppYear } from '#commands/simulate/through-app/play-year.ts'
import { yearWorld } from '#simulations/scenarios/year/play.ts'

const DEVICES = 24

describe('a year of calls through the app', { timeout: 120_000 }, () => {
  test('plays every call from its request to its payout, the same for the same seed', async () => {
    const told: number[] = []
    const year = await playAppYear(yearWorld(3, DEVICES), 2, (played) => told.push(played))
    expect(told).toEqual([1, 2])
    expect(year.otherwise).toEqual({})
    expect(year.calls).toHaveLength(2)
    for (const [i, call] of year.calls.entries()) {
      expect(call.orderedW).toBeGreaterThan(0)
      expect(call.orderedW).toBeLessThanOrEqual(call.requestedW)
      expect(call.deliveredW).toBeGreaterThan(0)
      expect(call.calledW).toBeGreaterThanOrEqual(call.orderedW)
      expect(call.wasShort).toBe(call.deliveredW < 0.98 * call.orderedW)
      expect(call.minutes).toHaveLength(60)
      // What the meters say of each minute is what the settlement counts over the hour.
      const metered = call.minutes.reduce(
        (sum, { orderedPartW, repairedPartW }) => sum + (orderedPartW + repairedPartW) / 60,
        0,
      )
      expect(metered).toBeGreaterThanOrEqual(call.deliveredW * 0.99)
      expect(year.independentW[i]).toBeGreaterThan(0)
    }
    const again = await playAppYear(yearWorld(3, DEVICES), 2, () => undefined)
    expect(again).toEqual(year)
  })
})

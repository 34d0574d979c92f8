import { describe, expect, it } from 'vitest'
import { figuresOf, pinball, promisedInterval } from '#simulations/scenarios/year/figures.ts'
import { DAYS, yearLaw } from '#simulations/scenarios/year/law.ts'
import { callDays, playYear, yearWorld } from '#simulations/scenarios/year/play.ts'

describe('how a year fails', () => {
  const world = yearWorld(5, 120)

  it('is the same for the same seed, in whatever order it is asked', () => {
    const [device] = world.fleet
    if (device === undefined) throw new Error('an empty fleet')
    const days = [200, 3, 77]
    const again = yearLaw(5)
    const truths = days.map((day) => world.law.truth(device, day))
    expect(days.toReversed().map((day) => again.truth(device, day))).toEqual(truths.toReversed())
    const other = yearLaw(6)
    const all = Array.from({ length: DAYS }, (_, day) => day)
    expect(all.map((day) => other.truth(device, day))).not.toEqual(
      all.map((day) => world.law.truth(device, day)),
    )
  })

  it('has days on which much of one make is away together', () => {
    const shares = Array.from({ length: DAYS }, (_, day) => {
      const hit = world.law.shocksOn(day).find((shock) => shock.endsWith(' outage'))
      const make = hit?.split(' ')[0]
      const awayShare = (isOf: (of: string) => boolean) => {
        const some = world.fleet.filter((one) => one.kind === 'battery' && isOf(one.make))
        const truths = some.map((one) => world.law.truth(one, day))
        return truths.filter((one) => !one.isReached || !one.isOffered).length / some.length
      }
      if (make === undefined) return []
      return [awayShare((of) => of === make) - awayShare((of) => of !== make)]
    })
      .flat()
      .filter(Number.isFinite)
    expect(shares.length).toBeGreaterThan(3)
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeGreaterThan(0.25)
  })

  it('has calls on as many days as are asked for, and no more than there are', () => {
    expect(new Set(callDays(5, 240)).size).toBe(240)
    expect(() => callDays(5, 366)).toThrow(/expected 1 to 365, got 366/)
    expect(() => callDays(5, 0)).toThrow(RangeError)
  })
})

describe('a year of calls', () => {
  const world = yearWorld(1, 120)
  const calibrated = playYear(world, 200, 'calibrated')
  const independent = playYear(world, 200, 'independent')

  it('keeps its promise: short calls within the 95 % interval around 5 %', () => {
    const { short, interval, isInside } = figuresOf(calibrated)
    expect(interval).toEqual([4, 16])
    expect(short).toBeGreaterThanOrEqual(interval[0])
    expect(short).toBeLessThanOrEqual(interval[1])
    expect(isInside).toBe(true)
  })

  it('is short more often under the margin that takes each failure to be alone', () => {
    expect(figuresOf(independent).short).toBeGreaterThan(figuresOf(calibrated).short)
    expect(figuresOf(independent).overHeld).toBeLessThan(figuresOf(calibrated).overHeld)
  })

  it('asks the same of every margin', () => {
    const asked = (calls: typeof calibrated) =>
      calls.map(({ day, requestedW }) => [day, requestedW])
    expect(asked(independent)).toEqual(asked(calibrated))
  })

  it('calls the reserve only where it is needed, and never more than is held', () => {
    for (const call of calibrated) {
      expect(call.orderedW).toBeLessThanOrEqual(call.requestedW)
      expect(call.calledW).toBeLessThanOrEqual(call.heldW)
      expect(call.deliveredW).toBeLessThanOrEqual(call.couldW + 1e-6)
      expect(call.wasShort).toBe(call.deliveredW < call.orderedW)
      // Whoever came out short had called all there was.
      if (call.wasShort) expect(call.calledW).toBe(call.heldW)
      const last = call.minutes.at(-1)
      expect((last?.orderedPartW ?? 0) + (last?.repairedPartW ?? 0)).toBeCloseTo(call.deliveredW, 3)
    }
    expect(figuresOf(calibrated).overCalled).toBeLessThan(figuresOf(calibrated).overHeld)
  })
})

describe('the figures', () => {
  it('tell the counts that a kept promise has in 95 of 100 years', () => {
    // Quantiles of the binomial distribution, from its table.
    expect(promisedInterval(20, 0.5)).toEqual([6, 14])
    expect(promisedInterval(240, 0.05)).toEqual([6, 19])
  })

  it('charge a quantile by its level for what lies above it, and by the rest for what lies below', () => {
    expect(pinball(100, 140, 0.05)).toBeCloseTo(2, 12)
    expect(pinball(100, 60, 0.05)).toBeCloseTo(38, 12)
  })
})

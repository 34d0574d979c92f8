import { describe, expect, it } from 'vitest'
import { betaOf, chanceOfAtLeast, logGamma, unitsToCall } from '#domain/reliability/beta.ts'

/** As good as a mean that is known: the units fail by themselves. */
const INDEPENDENT = 1e6

describe('how many equal units to call so that enough deliver in 95 % of calls', () => {
  it.each([
    // mean, strength, for 10, for 50, for 200
    [0.95, INDEPENDENT, 12, 56, 216],
    [0.95, 20, 12, 59, 235],
    [0.95, 5, 14, 66, 264],
    [0.8, INDEPENDENT, 16, 69, 263],
    [0.8, 20, 17, 80, 314],
    [0.8, 5, 22, 107, 424],
  ])('mean %d, strength %d: %d, %d, %d', (mean, strength, ten, fifty, twoHundred) => {
    const shared = betaOf(mean, strength)
    const called = [10, 50, 200].map((need) => unitsToCall(need, shared, 0.95))
    expect(called).toEqual([ten, fifty, twoHundred])
  })

  it('is nobody for nothing, just as many where all are sure, and never enough where none is', () => {
    expect(unitsToCall(0, betaOf(0.5, 5), 0.95)).toBe(0)
    expect(unitsToCall(40, betaOf(1, 5), 0.95)).toBe(40)
    expect(unitsToCall(40, betaOf(0, 5), 0.95, 10_000)).toBeNull()
  })

  it('is the smallest number: one less would not do', () => {
    for (const [mean, strength, need] of [
      [0.9, 12, 30],
      [0.7, 40, 77],
      [0.99, 3, 120],
    ] as const) {
      const shared = betaOf(mean, strength)
      const count = unitsToCall(need, shared, 0.95) ?? Number.NaN
      expect(chanceOfAtLeast(need, count, shared)).toBeGreaterThanOrEqual(0.95)
      expect(chanceOfAtLeast(need, count - 1, shared)).toBeLessThan(0.95)
    }
  })

  it('adds up to the plain binomial where the mean is known', () => {
    // 4 of 5 at 0.8, by hand: 5 · 0.8⁴ · 0.2 + 0.8⁵
    expect(chanceOfAtLeast(4, 5, betaOf(0.8, 1e6))).toBeCloseTo(5 * 0.8 ** 4 * 0.2 + 0.8 ** 5, 5)
  })

  it('is uniform where nothing is known: each number of deliveries is as likely', () => {
    expect(chanceOfAtLeast(3, 9, betaOf(0.5, 2))).toBeCloseTo(0.7, 12)
  })
})

describe('log-gamma', () => {
  it('is the logarithm of the factorial, and of √π at a half', () => {
    let factorial = 1
    for (let n = 1; n <= 20; n += 1) {
      factorial *= n
      expect(logGamma(n + 1)).toBeCloseTo(Math.log(factorial), 12)
    }
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 13)
  })

  it('grows by the logarithm of its argument, also where that is large', () => {
    for (const x of [0.01, 14.99, 1234.5, 1e6]) {
      expect(logGamma(x + 1) - logGamma(x)).toBeCloseTo(Math.log(x), 8)
    }
  })

  it.each([[0], [-1], [Number.NaN]])('is not taken of %d', (x) => {
    expect(() => logGamma(x)).toThrow(RangeError)
  })
})

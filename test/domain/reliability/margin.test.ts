import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Beta, betaMean, betaOf, unitsToCall } from '#domain/reliability/beta.ts'
import { afterCall, carefulStart, uncalibrated } from '#domain/reliability/calibration.ts'
import { drawBeta } from '#domain/reliability/draws.ts'
import {
  drawsWithin,
  marginFor,
  marginsFor,
  type UncertainUnit,
} from '#domain/reliability/margin.ts'
import { seededRandom } from '#simulations/random.ts'

const SURE: Beta = { alpha: 1, beta: 0 }
const CLOUD = 'cloud'

function units(count: number, reached: Beta, changes: Partial<UncertainUnit> = {}) {
  const unit = { powerW: 1_000, reached, delivered: SURE, groups: [CLOUD], ...changes }
  return Array.from({ length: count }, (): UncertainUnit => unit)
}

function ask(
  fleet: readonly UncertainUnit[],
  needW: number,
  groups: ReadonlyMap<string, Beta> = new Map(),
  risk = 0.05,
  draws = 2_000,
) {
  const { next: uniform } = seededRandom(7, 'margin')
  return marginFor({ units: fleet, groups, needW, risk, uniform, draws })
}

describe('the margin of equal units', () => {
  it.each([
    [0.95, 20, 50],
    [0.95, 5, 50],
    [0.8, 20, 50],
    [0.8, 5, 10],
  ])(
    'with a shared chance of mean %d and strength %d is that of the closed form',
    (mean, s, need) => {
      const shared = betaOf(mean, s)
      const exact = unitsToCall(need, shared, 0.95) ?? Number.NaN
      // The chance that all share, seen as a shock around its mean.
      const fleet = units(exact * 2, betaOf(mean, 1e6))
      const found = ask(fleet, need * 1_000, new Map([[CLOUD, shared]]), 0.05, 20_000)
      expect(found.isEnough).toBe(true)
      expect(Math.abs(found.held - exact)).toBeLessThanOrEqual(Math.max(1, exact * 0.03))
    },
  )

  it('without anything in common is that of the plain binomial', () => {
    const found = ask(units(100, betaOf(0.8, 50)), 50_000, new Map(), 0.05, 20_000)
    expect(Math.abs(found.held - 69)).toBeLessThanOrEqual(1)
  })
})

describe('the margin of any units', () => {
  it('is nothing beyond the need where all are sure', () => {
    expect(ask(units(80, SURE), 50_000)).toMatchObject({
      held: 50,
      ordered: 50,
      surelyW: 50_000,
      isEnough: true,
    })
  })

  it('is larger where failures are common than where each fails by itself', () => {
    const fleet = units(300, betaOf(0.95, 100))
    const alone = ask(fleet, 100_000)
    const together = ask(fleet, 100_000, new Map([[CLOUD, betaOf(0.95, 8)]]))
    expect(together.held).toBeGreaterThan(alone.held * 1.1)
  })

  it('spreads over makers: two halves of a fleet do not fail on the same day', () => {
    const of = (groups: readonly string[]) =>
      groups.flatMap((group) => units(150, betaOf(0.95, 100), { groups: [group] }))
    const mixed = of(['a', 'b']).toSorted((_, b) => (b.groups[0] === 'a' ? -1 : 1))
    const interleaved = mixed.map((_, i) => mixed[i % 2 === 0 ? i / 2 : 150 + (i - 1) / 2])
    const shock = betaOf(0.9, 8)
    const both = new Map([
      ['a', shock],
      ['b', shock],
    ])
    const spread = ask(
      interleaved.filter((unit) => unit !== undefined),
      100_000,
      both,
    )
    const single = ask(of(['a', 'a']), 100_000, both)
    expect(spread.held).toBeLessThan(single.held)
  })

  it('says what may be promised where all together are not enough', () => {
    const fleet = units(40, betaOf(0.9, 50))
    const found = ask(fleet, 39_000)
    expect(found).toMatchObject({ held: 40, isEnough: false })
    expect(found.surelyW).toBeGreaterThan(25_000)
    expect(ask(fleet, found.surelyW)).toMatchObject({ isEnough: true })
  })

  it('promises nothing of nobody', () => {
    expect(ask([], 1_000)).toMatchObject({ held: 0, surelyW: 0, isEnough: false })
    expect(ask(units(3, SURE), 0)).toMatchObject({ held: 0, ordered: 0, isEnough: true })
  })

  it('is the same for the same dice, never holds less than the need, and grows with the need', () => {
    const unit = fc.record({
      powerW: fc.integer({ min: 100, max: 11_000 }),
      reached: fc.double({ min: 0.3, max: 1, noNaN: true }).map((mean) => betaOf(mean, 20)),
      delivered: fc.double({ min: 0.3, max: 1, noNaN: true }).map((mean) => betaOf(mean, 20)),
      groups: fc.subarray(['a', 'b']),
    })
    const groups = new Map([['a', betaOf(0.9, 10)]])
    const fleets = fc.array(unit, { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(fleets, fc.double({ min: 0.1, max: 0.9, noNaN: true }), (fleet, share) => {
        const allW = fleet.reduce((sum, { powerW }) => sum + powerW, 0)
        const found = ask(fleet, allW * share, groups, 0.05, 200)
        expect(ask(fleet, allW * share, groups, 0.05, 200)).toEqual(found)
        expect(found.isEnough && found.heldW < allW * share).toBe(false)
        expect(found.surelyW).toBeLessThanOrEqual(found.heldW)
        const more = ask(fleet, allW * share * 1.1, groups, 0.05, 200)
        expect(more.held).toBeGreaterThanOrEqual(found.held)
      }),
      { numRuns: 60 },
    )
  })
})

describe('the margins of a window', () => {
  it('are those that its periods have alone, with the same dice', () => {
    const groups = new Map([[CLOUD, betaOf(0.9, 10)]])
    const powers = [900, 2_000, 0, 5_500, 3_000, 1_200]
    const fleet = powers.map((powerW, i) => {
      const [one] = units(1, betaOf(0.7 + i / 25, 20), { powerW, delivered: betaOf(0.9, 9) })
      if (one === undefined) throw new Error('no unit')
      return one
    })
    const halves = fleet.map((unit) => ({ ...unit, powerW: unit.powerW / 2 }))
    const needsW = [2_000, 0, 12_600, 500]
    const { next: uniform } = seededRandom(7, 'margin')
    const together = marginsFor({
      units: fleet.map(({ powerW, ...unit }) => ({
        ...unit,
        powersW: [powerW, powerW, powerW, powerW / 2],
      })),
      groups,
      needsW,
      risk: 0.05,
      uniform,
    })
    const alone = needsW.map((needW, i) => ask(i === 3 ? halves : fleet, needW, groups))
    expect(together).toEqual(alone)
    expect(alone.map(({ isEnough }) => isEnough)).toEqual([true, true, false, true])
  })

  /** Each period has devices of its own, which fail for themselves. */
  const apart = (devices: number, periods: number) =>
    Array.from({ length: periods }, (_, period) =>
      Array.from({ length: devices }, () => ({
        reached: betaOf(0.9, 1e6),
        delivered: SURE,
        groups: [],
        powersW: Array.from({ length: periods }, (__, i) => (i === period ? 1_000 : 0)),
      })),
    ).flat()

  it.each([[2], [4], [8]])('keep the promise for %d periods together', (periods) => {
    const each = 40
    const needsW = Array.from({ length: periods }, () => 30_000)
    const { next: uniform } = seededRandom(7, 'margin')
    const question = { units: apart(each, periods), groups: new Map(), needsW, risk: 0.05, uniform }
    const margins = marginsFor(question)
    expect(margins.every(({ isEnough }) => isEnough)).toBe(true)
    const { next } = seededRandom(8, 'truth')
    const calls = 20_000
    let short = 0
    for (let call = 0; call < calls; call += 1) {
      const isShort = margins.map(({ heldW }) => {
        let gotW = 0
        for (let i = 0; i < heldW; i += 1_000) if (next() < 0.9) gotW += 1_000
        return gotW < 30_000
      })
      if (isShort.includes(true)) short += 1
    }
    expect(short / calls).toBeLessThan(0.06)
  })

  it('promise less of each period where no reserve is left, so that all of it comes', () => {
    const ofOne = (periods: number) => {
      const { next: uniform } = seededRandom(7, 'margin')
      const needsW = Array.from({ length: periods }, () => 40_000)
      const units = apart(40, periods)
      return marginsFor({ units, groups: new Map(), needsW, risk: 0.05, uniform })
    }
    const [alone] = ofOne(1)
    const [first] = ofOne(8)
    expect(alone?.isEnough || first?.isEnough).toBe(false)
    expect(first?.surelyW).toBeLessThan(alone?.surelyW ?? 0)
    // By the binomial law: 33 of 40 and more in 0.95 of all cases, 31 and more in 0.95^(1/8).
    expect([alone?.surelyW, first?.surelyW]).toEqual([33_000, 31_000])
  })

  it('stand on fewer draws the more there is to draw, and never on too few to see the risk', () => {
    expect(drawsWithin(200, 96, 0.05)).toBe(2_000)
    expect(drawsWithin(2_000, 96, 0.05)).toBe(520)
    expect(drawsWithin(10_000, 96, 0.05)).toBe(200)
    expect(drawsWithin(10_000, 96, 0.002)).toBe(1_000)
    expect(drawsWithin(10_000, 96, 0.000_1)).toBe(2_000)
    expect(drawsWithin(10_000, 96, 0)).toBe(2_000)
  })
})

describe('a share drawn from a Beta', () => {
  it.each([
    [0.9, 5],
    [0.5, 1],
    [0.97, 40],
    [0.05, 0.01],
  ])('has its mean %d and, with strength %d, its spread', (mean, strength) => {
    const { next } = seededRandom(3, 'beta')
    const drawn = Array.from({ length: 20_000 }, () => drawBeta(betaOf(mean, strength), next))
    const found = drawn.reduce((sum, x) => sum + x, 0) / drawn.length
    const spread = drawn.reduce((sum, x) => sum + (x - found) ** 2, 0) / drawn.length
    const exact = (mean * (1 - mean)) / (strength + 1)
    expect(betaMean(betaOf(mean, strength))).toBeCloseTo(mean, 12)
    expect(Math.abs(found - mean)).toBeLessThan(0.015)
    expect(Math.abs(spread / exact - 1)).toBeLessThan(0.15)
    expect(drawn.every((x) => x >= 0 && x <= 1)).toBe(true)
  })
})

describe('the risk that the margin works with', () => {
  /** How often calls come out short whose model is wrong: the true chance is a function of the risk. */
  function shortShare(trueChance: (risk: number) => number, calls: number): number {
    const { next } = seededRandom(11, 'calibration')
    let state = uncalibrated(0.05)
    let short = 0
    for (let call = 0; call < calls; call += 1) {
      const wasShort = next() < trueChance(state.risk)
      if (wasShort) short += 1
      state = afterCall(state, wasShort)
    }
    return short / calls
  }

  it('ends at the promised share of short calls, whether the model is blind or timid', () => {
    for (const error of [4, 1, 0.25]) {
      const share = shortShare((risk) => Math.min(1, risk * error), 2_000)
      expect(share).toBeGreaterThan(0.035)
      expect(share).toBeLessThan(0.065)
    }
  })

  it('begins at half of what is allowed, and that is forgotten', () => {
    expect(carefulStart(0.05)).toEqual({ promisedRisk: 0.05, risk: 0.025 })
    expect(carefulStart(0.0001).risk).toBe(0.0005)
    expect(() => carefulStart(0)).toThrow(RangeError)
  })

  it('stays within what draws can tell, however long one side lasts', () => {
    let state = uncalibrated(0.05)
    for (let call = 0; call < 100; call += 1) state = afterCall(state, true)
    expect(state.risk).toBe(0.0005)
    for (let call = 0; call < 5_000; call += 1) state = afterCall(state, false)
    expect(state.risk).toBe(0.5)
  })

  it.each([[0], [1], [Number.NaN]])('of %d is refused', (risk) => {
    expect(() => uncalibrated(risk)).toThrow(RangeError)
  })
})

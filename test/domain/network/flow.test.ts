import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { busIndex, type Feeder, loadsWith } from '#domain/network/feeder.ts'
import { importFeeder } from '#domain/network/import-feeder.ts'
import { linDistFlow } from '#domain/network/lin-dist-flow.ts'
import { effectOnVoltages, effectOnBranch, resourceEffects } from '#domain/network/sensitivity.ts'
import { sweepFlow } from '#domain/network/sweep.ts'
import { ieee33 } from '#commands/bench/ieee33.ts'

const feeder = importFeeder(ieee33())

function solved(of: Feeder, loads = of.buses as Parameters<typeof sweepFlow>[1]) {
  const flow = sweepFlow(of, loads)
  if (flow === null) throw new Error('no solution')
  return flow
}

const furthest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? Number.NaN))))

describe('the 33-bus feeder', () => {
  const ac = solved(feeder)
  const lin = linDistFlow(feeder)

  it('has its published solution: 0.9131 pu at bus 18 and 202.7 kW lost', () => {
    const lowest = Math.min(...ac.voltagePu)
    expect(lowest).toBeCloseTo(0.9131, 4)
    expect(feeder.buses[ac.voltagePu.indexOf(lowest)]?.id).toBe('18')
    expect(ac.lossW / 1000).toBeCloseTo(202.7, 1)
  })

  it('is told by LinDistFlow to within 0.005 pu everywhere, and too high', () => {
    expect(Math.min(...lin.voltagePu)).toBeCloseTo(0.9159, 4)
    expect(furthest(lin.voltagePu, ac.voltagePu)).toBeLessThanOrEqual(0.005)
    lin.voltagePu.forEach((pu, index) => {
      expect(pu).toBeGreaterThanOrEqual(ac.voltagePu[index] ?? Number.NaN)
    })
  })

  it('keeps power and voltage laws at every bus and branch', () => {
    // An oracle of its own: each branch's losses follow from the flow into it alone.
    const ohmVa = feeder.baseKv ** 2 * 1e6
    feeder.branches.forEach(({ rOhm, xOhm }, index) => {
      const [p, q] = [ac.branchW[index] ?? 0, ac.branchVar[index] ?? 0]
      const parent = ac.voltagePu[feeder.parents[index] ?? 0] ?? 0
      const squared = (p * p + q * q) / parent ** 2 / ohmVa
      const behind = feeder.parents.flatMap((at, i) => (at === index + 1 ? [i] : []))
      const sum = (of: readonly number[]) => behind.reduce((all, i) => all + (of[i] ?? 0), 0)
      const bus = feeder.buses[index + 1]
      expect(p - rOhm * squared).toBeCloseTo((bus?.loadW ?? 0) + sum(ac.branchW), 2)
      expect(q - xOhm * squared).toBeCloseTo((bus?.loadVar ?? 0) + sum(ac.branchVar), 2)
      const fall = (2 * (rOhm * p + xOhm * q)) / ohmVa
      const rest = ((rOhm ** 2 + xOhm ** 2) * squared) / ohmVa
      expect(parent ** 2 - fall + rest).toBeCloseTo((ac.voltagePu[index + 1] ?? 0) ** 2, 8)
    })
  })

  it('stays within 0.005 pu under any load up to its own', () => {
    const share = fc.double({ min: -0.5, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.array(share, { minLength: 33, maxLength: 33 }), (shares) => {
        const loads = feeder.buses.map(({ loadW, loadVar }, i) => ({
          loadW: loadW * (shares[i] ?? 0),
          loadVar: loadVar * (shares[i] ?? 0),
        }))
        const far = furthest(linDistFlow(feeder, loads).voltagePu, solved(feeder, loads).voltagePu)
        expect(far).toBeLessThanOrEqual(0.005)
      }),
      { numRuns: 50 },
    )
  })

  it('has no solution for four times its load', () => {
    const heavy = feeder.buses.map((bus) => ({ loadW: bus.loadW * 4, loadVar: bus.loadVar * 4 }))
    expect(sweepFlow(feeder, heavy)).toBeNull()
  })
})

describe('what a device does', () => {
  /** What the substation feels of a change at one bus, per W changed. */
  function relief(bus: number, changeW: number): number {
    const before = solved(feeder).branchW[0] ?? Number.NaN
    const after = solved(feeder, loadsWith(feeder.buses, new Map([[bus, changeW]]))).branchW[0]
    return ((after ?? Number.NaN) - before) / changeW
  }

  it('relieves the substation by more than itself: 1.005 to 1.137 kW per kW for 100 kW', () => {
    const reliefs = feeder.buses.slice(1).map((_, index) => relief(index + 1, -100_000))
    expect(Math.min(...reliefs)).toBeCloseTo(1.005, 3)
    expect(Math.max(...reliefs)).toBeCloseTo(1.137, 3)
  })

  it('has an effect between what 10 kW less and 10 kW more do', () => {
    const effects = effectOnBranch(feeder, '1-2') ?? []
    expect(effects).toHaveLength(33)
    expect(effects[0]).toBe(0)
    effects.slice(1).forEach((effect, index) => {
      expect(effect).toBeGreaterThan(relief(index + 1, -10_000))
      expect(effect).toBeLessThan(relief(index + 1, 10_000))
    })
  })

  it('relieves only the branches above it', () => {
    const placed = importFeeder({
      ...ieee33(),
      resources: [
        { id: 'below', bus: '33' },
        { id: 'at-the-end', bus: '26' },
        { id: 'beside', bus: '18' },
        { id: 'above', bus: '6' },
      ],
    })
    const effects = Object.fromEntries(resourceEffects(placed, '6-26') ?? [])
    expect(effects).toMatchObject({ beside: 0, above: 0 })
    expect(effects['at-the-end']).toBeGreaterThan(1)
    expect(effects.below).toBeGreaterThan(effects['at-the-end'] ?? Number.NaN)
  })

  it('moves voltages as the linear effect says, for 100 kW to within 3.4e-4 pu and 10 %', () => {
    const bus = busIndex(feeder, '18')
    const flow = solved(feeder)
    const { perW } = effectOnVoltages(feeder, bus, flow)
    const less = solved(feeder, loadsWith(feeder.buses, new Map([[bus, -100_000]])))
    perW.forEach((effect, index) => {
      const moved = (less.voltagePu[index] ?? 0) - (flow.voltagePu[index] ?? 0)
      expect(Math.abs(-100_000 * effect - moved)).toBeLessThanOrEqual(3.4e-4 + 0.1 * moved)
    })
    expect(-100_000 * (perW[bus] ?? 0)).toBeGreaterThan(0.005)
  })

  it('is exactly what LinDistFlow itself would say, for P and for Q', () => {
    const bus = busIndex(feeder, '30')
    const flat = linDistFlow(feeder)
    const { perW, perVar } = effectOnVoltages(feeder, bus, flat)
    for (const [of, effects] of [
      ['loadW', perW],
      ['loadVar', perVar],
    ] as const) {
      const loads = feeder.buses.map((load, i) =>
        i === bus ? { ...load, [of]: load[of] + 1 } : load,
      )
      const moved = linDistFlow(feeder, loads).voltagePu
      effects.forEach((effect, i) => {
        expect((moved[i] ?? 0) - (flat.voltagePu[i] ?? 0)).toBeCloseTo(effect, 12)
      })
    }
  })
})

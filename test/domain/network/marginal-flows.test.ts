import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { busesBelow, type Feeder, loadsWith } from '#domain/network/feeder.ts'
import { importFeeder } from '#domain/network/import-feeder.ts'
import { effectOnBranch } from '#domain/network/sensitivity.ts'
import { sweepFlow } from '#domain/network/sweep.ts'

const PROBE_W = 100

/** A feeder of any shape: each bus hangs on one of those before it. */
const feeders = fc
  .array(
    fc.record({
      up: fc.double({ min: 0, max: 0.999, noNaN: true }),
      rOhm: fc.double({ min: 0.001, max: 0.4, noNaN: true }),
      xOhm: fc.double({ min: 0, max: 0.4, noNaN: true }),
      loadKw: fc.double({ min: -150, max: 300, noNaN: true }),
      loadKvar: fc.double({ min: -100, max: 150, noNaN: true }),
    }),
    { minLength: 2, maxLength: 14 },
  )
  .map((rows) =>
    importFeeder({
      name: 'drawn',
      baseKv: 10,
      root: 'b0',
      buses: [
        { id: 'b0' },
        ...rows.map(({ loadKw, loadKvar }, i) => ({ id: `b${i + 1}`, loadKw, loadKvar })),
      ],
      branches: rows.map(({ up, rOhm, xOhm }, i) => ({
        id: `to-${i + 1}`,
        from: `b${Math.floor(up * (i + 1))}`,
        to: `b${i + 1}`,
        rOhm,
        xOhm,
      })),
    }),
  )

/** What the sweeps say where one bus is moved up and down. */
function probed(feeder: Feeder, branch: number, bus: number): number {
  const [more, less] = [PROBE_W, -PROBE_W].map((by) => {
    return sweepFlow(feeder, loadsWith(feeder.buses, new Map([[bus, by]])))?.branchW[branch]
  })
  return ((more ?? Number.NaN) - (less ?? Number.NaN)) / (2 * PROBE_W)
}

describe('what a bus does to a branch', () => {
  it('is what moving that bus alone shows, for every bus, from one solution', () => {
    fc.assert(
      fc.property(feeders, fc.nat(), (feeder, any) => {
        const branch = any % feeder.branches.length
        fc.pre(sweepFlow(feeder) !== null)
        const effects = effectOnBranch(feeder, feeder.branches[branch]?.id ?? '') ?? []
        busesBelow(feeder, branch).forEach((isBelow, bus) => {
          const expected = isBelow ? probed(feeder, branch, bus) : 0
          expect(Math.abs((effects[bus] ?? Number.NaN) - expected)).toBeLessThan(1e-6)
        })
      }),
      { numRuns: 100 },
    )
  })

  it('is not told where the loads have no solution', () => {
    const feeder = importFeeder({
      name: 'too much',
      baseKv: 0.4,
      root: 'a',
      buses: [{ id: 'a' }, { id: 'b', loadKw: 5_000 }],
      branches: [{ id: 'only', from: 'a', to: 'b', rOhm: 0.3, xOhm: 0.1 }],
    })
    expect(effectOnBranch(feeder, 'only')).toBe(null)
  })
})

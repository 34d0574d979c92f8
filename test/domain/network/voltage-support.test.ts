import { describe, expect, it } from 'vitest'
import { busIndex } from '#domain/network/feeder.ts'
import { importFeeder } from '#domain/network/import-feeder.ts'
import { sweepFlow } from '#domain/network/sweep.ts'
import {
  checkVoltageCurve,
  curveOutput,
  settledSupport,
  type VoltageCurve,
} from '#domain/network/voltage-support.ts'
import { ieee33 } from '#commands/bench/ieee33.ts'

/** The shape of IEEE 1547-2018, category B: full var at 0.92 and 1.08, none from 0.98 to 1.02. */
const VOLT_VAR: VoltageCurve = {
  kind: 'volt-var',
  points: [
    { voltageBp: 9_200, outputBp: 4_400 },
    { voltageBp: 9_800, outputBp: 0 },
    { voltageBp: 10_200, outputBp: 0 },
    { voltageBp: 10_800, outputBp: -4_400 },
  ],
}
const VOLT_WATT: VoltageCurve = {
  kind: 'volt-watt',
  points: [
    { voltageBp: 10_600, outputBp: 10_000 },
    { voltageBp: 11_000, outputBp: 0 },
  ],
}

describe('a curve over voltage', () => {
  it('is refused where it would push the wrong way, or is none', () => {
    const refused = (curve: VoltageCurve, message: RegExp) =>
      expect(() => checkVoltageCurve('curve', curve)).toThrow(message)
    const [first, second, ...rest] = VOLT_VAR.points
    if (!first || !second) throw new Error('a curve has points')
    refused({ ...VOLT_VAR, points: [first] }, /curve\.points: expected 2 to 8/)
    refused({ ...VOLT_VAR, points: [second, first, ...rest] }, /points\[1\]\.voltageBp/)
    const rising = [first, { ...second, outputBp: 4_401 }]
    refused({ ...VOLT_VAR, points: rising }, /points\[1\]\.outputBp: expected -10000 to 4400/)
    const importing = [
      { voltageBp: 10_600, outputBp: 0 },
      { voltageBp: 11_000, outputBp: -1 },
    ]
    refused({ ...VOLT_WATT, points: importing }, /points\[1\]\.outputBp: expected 0 to 0/)
    refused({ ...VOLT_VAR, points: [{ ...first, voltageBp: 92 }, second] }, /points\[0\]/)
    expect(checkVoltageCurve('curve', VOLT_VAR)).toBe(VOLT_VAR)
    expect(checkVoltageCurve('curve', VOLT_WATT)).toBe(VOLT_WATT)
  })

  it('is flat beyond its ends and straight between its points', () => {
    const at = (pu: number) => curveOutput(VOLT_VAR, pu)
    expect([0.8, 0.92, 1, 1.08, 1.2].map(at)).toEqual([0.44, 0.44, 0, -0.44, -0.44])
    expect(at(0.95)).toBeCloseTo(0.22, 9)
    expect(at(1.05)).toBeCloseTo(-0.22, 9)
    expect([1, 1.06, 1.2].map((pu) => curveOutput(VOLT_WATT, pu))).toEqual([1, 1, 0])
    expect(curveOutput(VOLT_WATT, 1.08)).toBeCloseTo(0.5, 9)
  })
})

describe('voltage support on the 33-bus feeder', () => {
  const feeder = importFeeder(ieee33())
  const bus = busIndex(feeder, '18')
  const flow = sweepFlow(feeder, feeder.buses)
  if (flow === null) throw new Error('no solution')

  it('raises a voltage that is too low, as far as the curve lets it, and leaves a good one', () => {
    const found = settledSupport(feeder, bus, flow, { curve: VOLT_VAR, ratedVar: 500_000 })
    expect(found.beforePu).toBeCloseTo(0.9131, 4)
    expect(found.var).toBeGreaterThan(0)
    expect(found.afterPu).toBeGreaterThan(found.beforePu)
    // It stands on its own curve.
    expect(curveOutput(VOLT_VAR, found.afterPu) * 500_000).toBeCloseTo(found.var, -1)
    const near = busIndex(feeder, '2')
    const idle = settledSupport(feeder, near, flow, { curve: VOLT_VAR, ratedVar: 500_000 })
    expect(idle).toMatchObject({ var: 0, afterPu: idle.beforePu })
  })

  it('says what an AC solution with the same vars says, to a tenth of the change', () => {
    const found = settledSupport(feeder, bus, flow, { curve: VOLT_VAR, ratedVar: 300_000 })
    const loads = feeder.buses.map((load, index) =>
      index === bus ? { ...load, loadVar: load.loadVar - found.var } : load,
    )
    const solved = sweepFlow(feeder, loads)
    const rise = (solved?.voltagePu[bus] ?? 0) - found.beforePu
    expect(rise).toBeGreaterThan(0)
    expect(Math.abs(found.afterPu - found.beforePu - rise)).toBeLessThan(rise / 10)
  })
})

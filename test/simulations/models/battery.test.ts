import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BatterySpec, type BatteryState, stepBattery } from '#simulations/models/battery.ts'

const SPEC: BatterySpec = {
  capacityWh: 10_000,
  chargeMaxW: 5000,
  dischargeMaxW: 4000,
  chargeEfficiency: 0.95,
  dischargeEfficiency: 0.95,
  socMin: 0.05,
  socMax: 0.95,
  rampPerSecond: 0.5,
  revertW: 0,
}
const targets = fc.array(fc.integer({ min: -20_000, max: 20_000 }), { minLength: 1, maxLength: 60 })
const startSoc = fc.double({ min: 0.05, max: 0.95, noNaN: true })

function run(soc: number, told: readonly number[], seconds: number): BatteryState[] {
  const states: BatteryState[] = [{ soc, powerW: 0, importedWh: 0, exportedWh: 0 }]
  for (const targetW of told) {
    const last = states.at(-1)
    if (last !== undefined) states.push(stepBattery(SPEC, last, targetW, seconds))
  }
  return states
}

test('it never leaves the window of its state of charge, whatever it is told', () => {
  fc.assert(
    fc.property(startSoc, targets, (soc, told) => {
      for (const state of run(soc, told, 300)) {
        expect(state.soc).toBeGreaterThanOrEqual(SPEC.socMin - 1e-9)
        expect(state.soc).toBeLessThanOrEqual(SPEC.socMax + 1e-9)
      }
    }),
  )
})

test('it never takes or gives more than it is rated for', () => {
  fc.assert(
    fc.property(startSoc, targets, (soc, told) => {
      for (const { powerW } of run(soc, told, 1)) {
        expect(powerW).toBeLessThanOrEqual(SPEC.chargeMaxW + 1e-6)
        expect(powerW).toBeGreaterThanOrEqual(-SPEC.dischargeMaxW - 1e-6)
      }
    }),
  )
})

test('stored energy is what came in less losses and what went out plus losses', () => {
  fc.assert(
    fc.property(startSoc, targets, (soc, told) => {
      const last = run(soc, told, 60).at(-1)
      if (last === undefined) throw new Error('no state')
      const balanceWh = last.importedWh * 0.95 - last.exportedWh / 0.95
      expect((last.soc - soc) * SPEC.capacityWh).toBeCloseTo(balanceWh, 4)
    }),
  )
})

test('it ramps: half its rated power per second', () => {
  const powers = run(0.5, [-4000, -4000, -4000], 1).map(({ powerW }) => powerW)
  expect(powers.map(Math.round)).toEqual([0, -2000, -4000, -4000])
})

test('near an edge of the window its power falls linearly', () => {
  expect(run(0.1, [-4000, -4000], 1).at(-1)?.powerW).toBeCloseTo(-2000, -2)
  expect(run(0.9, [5000, 5000], 1).at(-1)?.powerW).toBeCloseTo(2500, -2)
})

test('it loses by itself what it is said to lose, and nothing at the bottom of its window', () => {
  const spec = { ...SPEC, selfDischargePerDay: 0.01 }
  const day = (soc: number) =>
    stepBattery(spec, { soc, powerW: 0, importedWh: 0, exportedWh: 0 }, 0, 86_400).soc
  expect(day(0.5)).toBeCloseTo(0.49, 9)
  expect(day(0.055)).toBeCloseTo(0.05, 9)
  expect(day(0.05)).toBe(0.05)
})

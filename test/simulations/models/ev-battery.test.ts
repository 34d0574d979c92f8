import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type EvBatterySpec,
  type EvBatteryState,
  stepEvBattery,
} from '#simulations/models/ev-battery.ts'

const specs = fc.record({
  capacityWh: fc.integer({ min: 20_000, max: 100_000 }),
  maxW: fc.integer({ min: 1400, max: 22_000 }),
  efficiency: fc.double({ min: 0.7, max: 1, noNaN: true }),
  stopAtSoc: fc.double({ min: 0.5, max: 1, noNaN: true }),
})
const offers = fc.array(fc.integer({ min: -500, max: 30_000 }), { minLength: 1, maxLength: 40 })
const startSoc = fc.double({ min: 0, max: 1, noNaN: true })

function run(spec: EvBatterySpec, soc: number, offered: number[], seconds: number) {
  const states: EvBatteryState[] = [{ soc, meteredWh: 0, powerW: 0 }]
  for (const offer of offered) {
    const last = states.at(-1)
    if (last !== undefined) states.push(stepEvBattery(spec, last, offer, seconds))
  }
  return states
}

test('a car never draws more than it is offered, nor more than it can', () => {
  fc.assert(
    fc.property(specs, startSoc, offers, (spec, soc, offered) => {
      const states = run(spec, soc, offered, 60)
      for (const [index, offer] of offered.entries()) {
        const powerW = states[index + 1]?.powerW ?? Number.NaN
        expect(powerW).toBeGreaterThanOrEqual(0)
        expect(powerW).toBeLessThanOrEqual(Math.min(Math.max(0, offer), spec.maxW) + 1e-6)
      }
    }),
  )
})

test('the state of charge never falls and never passes full or where the car stops', () => {
  fc.assert(
    fc.property(specs, startSoc, offers, (spec, soc, offered) => {
      const states = run(spec, soc, offered, 600)
      for (const [index, state] of states.entries()) {
        expect(state.soc).toBeLessThanOrEqual(Math.max(soc, spec.stopAtSoc) + 1e-9)
        if (index > 0) expect(state.soc).toBeGreaterThanOrEqual(states[index - 1]?.soc ?? 0)
      }
    }),
  )
})

test('what is stored is what was metered less the losses', () => {
  fc.assert(
    fc.property(specs, startSoc, offers, (spec, soc, offered) => {
      const last = run(spec, soc, offered, 60).at(-1)
      if (last === undefined) throw new Error('no state')
      const storedWh = (last.soc - soc) * spec.capacityWh
      expect(storedWh).toBeCloseTo(last.meteredWh * spec.efficiency, 4)
    }),
  )
})

test('power is constant until the knee and falls after it', () => {
  const spec = { capacityWh: 60_000, maxW: 11_000, efficiency: 0.9, stopAtSoc: 1 }
  const offered = Array.from({ length: 5 * 3600 }, () => 11_000)
  const states = run(spec, 0.5, offered, 1)
  const below = states.slice(1).filter(({ soc }) => soc < 0.799)
  expect(below.every(({ powerW }) => Math.abs(powerW - 11_000) < 1e-3)).toBe(true)
  const last = states.at(-1)
  expect(last?.soc).toBeGreaterThan(0.95)
  expect(last?.powerW).toBeLessThan(2500)
})

test('a smaller offer tapers later', () => {
  const spec = { capacityWh: 60_000, maxW: 11_000, efficiency: 1, stopAtSoc: 1 }
  const state = { soc: 0.9, meteredWh: 0, powerW: 0 }
  expect(stepEvBattery(spec, state, 3000, 1).powerW).toBeCloseTo(3000, 3)
  expect(stepEvBattery(spec, state, 11_000, 1).powerW).toBeLessThan(6000)
})

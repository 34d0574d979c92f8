import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type EvBatterySpec,
  type EvBatteryState,
  stepEvBattery,
} from '#simulations/models/ev-battery.ts'

const CAR: EvBatterySpec = {
  capacityWh: 60_000,
  maxW: 11_000,
  efficiency: 0.9,
  stopAtSoc: 1,
  dischargeMaxW: 5000,
}

const offers = fc.array(fc.integer({ min: -8000, max: 12_000 }), { minLength: 1, maxLength: 40 })
const startSoc = fc.double({ min: 0.2, max: 1, noNaN: true })

function run(spec: EvBatterySpec, soc: number, told: readonly number[]): EvBatteryState {
  return told.reduce<EvBatteryState>(
    (state, offeredW) => stepEvBattery(spec, state, offeredW, 300),
    { soc, meteredWh: 0, powerW: 0 },
  )
}

test('a car that cannot give back draws nothing below 0', () => {
  const { dischargeMaxW: _, ...oneWay } = CAR
  expect(run(oneWay, 0.8, [-3000])).toEqual({ soc: 0.8, meteredWh: 0, powerW: 0 })
})

test('it gives what is asked, not more than it can, and loses more than it gives', () => {
  const after = run(CAR, 0.8, [-9000])
  expect(after.powerW).toBe(-5000)
  expect((0.8 - after.soc) * CAR.capacityWh).toBeCloseTo((5000 * 300) / 3600 / 0.9, 6)
})

test('a fifth of its battery stays for the way home, whatever it is told', () => {
  fc.assert(
    fc.property(startSoc, offers, (soc, told) => {
      const after = run(CAR, soc, told)
      expect(after.soc).toBeGreaterThanOrEqual(0.2 - 1e-9)
      expect(after.soc).toBeLessThanOrEqual(1 + 1e-9)
    }),
  )
  expect(run(CAR, 0.2, [-3000]).powerW).toBe(0)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { greedyPlan } from '#domain/allocation/greedy-plan.ts'
import { inSteps } from '#domain/allocation/in-steps.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { anInstance, anOddInstance, breaches } from '../../support/limits.ts'

const STEP_W = 100

test('whole steps are within every limit, each less than a step from the plan', () => {
  fc.assert(
    fc.property(anInstance, ({ devices, wanted }) => {
      const limits = devices.map((device) => ({
        ...device,
        maxW: device.maxW.map((power) => Math.floor(power / STEP_W) * STEP_W),
      }))
      const exact = greedyPlan(limits, wanted)
      const whole = inSteps(limits, wanted, exact, STEP_W)
      expect(breaches(limits, wanted, whole)).toEqual([])
      whole.powerW.forEach((powers, i) => {
        powers.forEach((power, t) => {
          expect(power % STEP_W).toBe(0)
          expect(Math.abs(power - (exact.powerW[i]?.[t] ?? 0))).toBeLessThan(STEP_W)
        })
      })
    }),
  )
})

test('what rounding down leaves open goes in merit order to those that were rounded', () => {
  const device = { maxW: [1000], energyWh: 1000 }
  const devices = [
    { ...device, id: 'a', price: 3 },
    { ...device, id: 'b', price: 1 },
    { ...device, id: 'c', price: 2 },
  ]
  const wanted = { powerW: [1180], hours: [1] }
  const plan = { powerW: [[390], [390], [400]], unservedWh: 0 }
  expect(inSteps(devices, wanted, plan, STEP_W)).toEqual({
    powerW: [[300], [400], [400]],
    unservedWh: 80,
  })
  const empty = devices.map((one) => ({ ...one, energyWh: 390 }))
  expect(inSteps(empty, wanted, plan, STEP_W).powerW).toEqual([[300], [300], [400]])
})

test('a device that is rounded below its least power stands still, and gets no single step', () => {
  const device = { id: 'a', price: 1, maxW: [1000], energyWh: 1000, minW: 250 }
  const wanted = { powerW: [260], hours: [1] }
  const plan = { powerW: [[260]], unservedWh: 0 }
  expect(inSteps([device], wanted, plan, STEP_W)).toEqual({ powerW: [[0]], unservedWh: 260 })
  const single = [{ ...device, minW: 99 }]
  const low = { powerW: [[99]], unservedWh: 161 }
  expect(inSteps(single, wanted, low, STEP_W).powerW).toEqual([[100]])
})

test('plain merit order stays within every kind of limit and never gives more than is asked', () => {
  fc.assert(
    fc.property(anOddInstance, ({ devices, wanted }) => {
      expect(breaches(devices, wanted, meritFill(devices, wanted))).toEqual([])
    }),
  )
})

test('plain merit order takes a stop before a part, and nobody above the cap or without effect', () => {
  const device = { price: 1, maxW: [2600, 2600], stopW: [4000, 4000], energyWh: 9000 }
  const wanted = { powerW: [5000, 3000], hours: [1, 1] }
  const [car, ...none] = meritFill(
    [
      { ...device, id: 'car' },
      { ...device, id: 'dear', price: 9 },
      { ...device, id: 'far', effect: 0 },
    ],
    wanted,
    { priceCap: 5 },
  ).powerW
  expect(car).toEqual([4000, 2600])
  expect(none).toEqual([
    [0, 0],
    [0, 0],
  ])
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Limits, type Plan, planOf, type Wanted } from '#domain/allocation/limits.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { toppedUp } from '#domain/allocation/topped-up.ts'
import { isWithin } from '#domain/allocation/within-limits.ts'
import { planAllocation } from '#lifecycle/plan-allocation.ts'
import type { Solver } from '#ports.ts'

const steps = { stepW: 100 }
const device = { maxW: [5_000], energyWh: 9_000 }
const cheap: Limits = { ...device, id: 'a', price: 100, effect: 0.9 }
const dear: Limits = { ...device, id: 'b', price: 200, effect: 0.8 }

function topped(devices: readonly Limits[], askedW: number, powers: readonly number[]) {
  const wanted = { powerW: [askedW], hours: [1] }
  const plan = planOf(
    devices,
    wanted,
    powers.map((power) => [power]),
  )
  return toppedUp(devices, wanted, plan, { ...steps, priceCap: 200 }).powerW.flat()
}

describe('what whole steps leave open', () => {
  test('goes to nobody who gives all or nothing, asks too much, has no effect or no energy left', () => {
    expect(topped([{ ...cheap, allOrNothing: true }], 4_550, [5_000])).toEqual([5_000])
    expect(topped([{ ...cheap, price: 201 }], 1_000, [1_100])).toEqual([1_100])
    expect(topped([{ ...cheap, effect: 0 }], 1_000, [1_100])).toEqual([1_100])
    expect(topped([{ ...cheap, energyWh: 1_100 }], 1_000, [1_100])).toEqual([1_100])
  })

  test('goes in whole W to those who move already, the cheapest first, within power and energy', () => {
    // 1,100 W are 990 at the congestion point; 12 more are 10.8.
    expect(topped([dear, cheap], 1_000, [0, 1_100])).toEqual([0, 1_112])
    expect(topped([dear, cheap], 1_790, [1_000, 1_000])).toEqual([1_000, 1_100])
    expect(topped([dear, { ...cheap, energyWh: 1_050 }], 1_790, [1_000, 1_000])).toEqual([
      1_057, 1_050,
    ])
    expect(topped([dear, { ...cheap, maxW: [1_000] }], 1_790, [1_000, 1_000])).toEqual([
      1_113, 1_000,
    ])
  })

  test('goes to a charger that has stopped only if it may give power back', () => {
    const stopped = { ...cheap, maxW: [1_000], stopW: [5_000] }
    expect(topped([stopped], 4_550, [5_000])).toEqual([5_000])
    expect(topped([{ ...stopped, stopToW: [6_000] }], 4_550, [5_000])).toEqual([5_056])
  })

  test('lets the next one begin with a whole step, and the dearest that can moves less', () => {
    // 45 W are open; 100 W of the other are 80, so that 35 are too much: 38 W at the first.
    expect(topped([dear, cheap], 4_545, [0, 5_000])).toEqual([100, 4_962])
    expect(topped([dear, { ...cheap, minW: 4_970 }], 4_545, [0, 5_000])).toEqual([0, 5_000])
    expect(topped([{ ...dear, minW: 200 }, cheap], 4_545, [0, 5_000])).toEqual([0, 5_000])
    expect(topped([{ ...dear, energyWh: 99 }, cheap], 4_545, [0, 5_000])).toEqual([0, 5_000])
  })

  test('goes on with whoever has begun where a whole step of it is not enough', () => {
    // 90 W are open; 100 W of the other are 80, and 13 more are 10.4.
    expect(topped([{ ...dear, energyWh: 9_000 }, cheap], 4_590, [0, 5_000])).toEqual([113, 5_000])
  })

  test('takes it from several where one alone would be left with less than a step', () => {
    const full = { ...cheap, maxW: [150], energyWh: 150 }
    // 60 W are open; 100 W of the other are 80: 20 too much, of which neither alone can give all.
    const two = [{ ...full, id: 'c', minW: 140 }, full, { ...dear, minW: 100 }]
    expect(topped(two, 330, [150, 150, 0])).toEqual([140, 138, 100])
  })

  test('leaves nobody with less than a step, whatever stays open', () => {
    const small = { ...cheap, maxW: [100], energyWh: 100 }
    expect(topped([small, dear], 135, [100, 0])).toEqual([100, 0])
    const whole = { ...small, effect: 1 }
    expect(topped([whole, { ...dear, effect: 1 }], 101, [100, 0])).toEqual([100, 0])
    expect(topped([whole, { ...dear, effect: 1 }], 200, [100, 0])).toEqual([100, 100])
  })

  test('stays open where another part would cost more than what is served is worth', () => {
    const one = { ...cheap, price: 20_000, effect: 1, maxW: [1_000] }
    const other = { ...dear, price: 80_000, effect: 1 }
    // 100 W of the other for 98 of the one are 6,040 micro-EUR dearer; 2 W are worth 1,600.
    const priced = { stepW: 100 }
    const left = (askedW: number, options: Parameters<typeof toppedUp>[3]) => {
      const wanted = { powerW: [askedW], hours: [1] }
      const plan = planOf([one, other], wanted, [[1_000], [0]])
      return toppedUp([one, other], wanted, plan, options).powerW.flat()
    }
    expect(left(1_002, priced)).toEqual([1_000, 0])
    expect(left(1_009, priced)).toEqual([909, 100])
    // Whoever has to have it has it.
    const anyPrice = { ...priced, unservedPrice: Number.POSITIVE_INFINITY }
    expect(left(1_002, anyPrice)).toEqual([902, 100])
  })

  test('takes no whole W for a part of one that is worth less', () => {
    const half = { ...cheap, price: 80_000, effect: 0.5 }
    const wanted = { powerW: [500.04], hours: [1] }
    const plan = planOf([half], wanted, [[1_000]])
    expect(toppedUp([half], wanted, plan, steps).powerW).toEqual([[1_000]])
    const worth = { ...wanted, powerW: [500.2] }
    const short = planOf([half], worth, [[1_000]])
    expect(toppedUp([half], worth, short, steps).powerW).toEqual([[1_001]])
  })

  test('never is a whole W too much, whatever the effect', () => {
    const strong = { ...cheap, effect: 1.9 }
    // 527 W would be 1,001.3 of 1,000.2: one less is 999.4, for which nobody begins.
    expect(topped([strong, dear], 1_000.2, [500, 0])).toEqual([526, 0])
  })
})

/** Batteries with effects like a feeder's, of which some are short of energy. */
const anInstance = fc
  .record({
    devices: fc.array(
      fc.record({
        price: fc.integer({ min: 20_000, max: 100_000 }),
        hundreds: fc.integer({ min: 30, max: 110 }),
        effectBp: fc.integer({ min: 6_000, max: 10_000 }),
        hoursToGo: fc.constantFrom(0.4, 9, 9),
      }),
      { minLength: 2, maxLength: 12 },
    ),
    shares: fc.array(fc.double({ min: 0.05, max: 0.9, noNaN: true }), {
      minLength: 1,
      maxLength: 6,
    }),
  })
  .map(({ devices, shares }) => {
    const limits = devices.map(({ price, hundreds, effectBp, hoursToGo }, i): Limits => {
      const powerW = hundreds * 100
      const constant = { maxW: shares.map(() => powerW), energyWh: powerW * hoursToGo }
      return { id: `r${i}`, price, effect: effectBp / 10_000, ...constant }
    })
    // Of those who last for the whole window: they alone can serve it.
    const ampleW = devices.reduce((sum, { hundreds, effectBp, hoursToGo }) => {
      return sum + (hoursToGo > 1 ? (hundreds * effectBp) / 100 : 0)
    }, 0)
    const wanted: Wanted = {
      powerW: shares.map((share) => (ampleW > 0 ? Math.max(500, Math.floor(share * ampleW)) : 0)),
      hours: shares.map(() => 0.25),
    }
    return { devices: limits, wanted }
  })

const none: Solver = { solve: () => Promise.reject(new Error('asked')) }

/** W at the congestion point in each period, times 10,000. */
function givenOf(devices: readonly Limits[], wanted: Wanted, powerW: Plan['powerW']): number[] {
  return wanted.powerW.map((_, t) =>
    devices.reduce((sum, { effect = 1 }, i) => {
      return sum + Math.round(effect * 10_000) * (powerW[i]?.[t] ?? 0)
    }, 0),
  )
}

test('a call that devices behind a feeder can serve is ordered but for W that a step would not pay, within all limits', async () => {
  await fc.assert(
    fc.asyncProperty(anInstance, async ({ devices, wanted }) => {
      const plan = await planAllocation(none, devices, wanted, { deadlineMs: 1 })
      expect(isWithin(devices, wanted, plan)).toBe(true)
      givenOf(devices, wanted, plan.powerW).forEach((given, t) => {
        const askedW = wanted.powerW[t] as number
        expect(given).toBeLessThan((askedW + 1) * 10_000)
        // A W unserved costs ten of the dearest: for 10 W a whole step of anybody pays.
        expect(given).toBeGreaterThan((askedW - 11) * 10_000)
      })
    }),
    { numRuns: 200 },
  )
})

test('what has to be had at any price is given to within a W, and no part is below a step', () => {
  fc.assert(
    fc.property(anInstance, ({ devices, wanted }) => {
      const begun = meritFill(devices, wanted, steps)
      const anyPrice = { ...steps, unservedPrice: Number.POSITIVE_INFINITY }
      const { powerW } = toppedUp(devices, wanted, begun, anyPrice)
      expect(powerW.flat().filter((power) => power > 0 && power < 100)).toEqual([])
      givenOf(devices, wanted, powerW).forEach((given, t) => {
        const askedW = wanted.powerW[t] as number
        expect(given).toBeLessThan((askedW + 1) * 10_000)
        expect(given).toBeGreaterThan((askedW - 1) * 10_000)
      })
    }),
    { numRuns: 200 },
  )
})

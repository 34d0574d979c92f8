import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ascending } from '#domain/allocation/ascending.ts'
import { cheapestDispatch, servableWh } from '#domain/allocation/cheapest-mix.ts'
import { unavoidableShortfallWh } from '#domain/allocation/feasibility.ts'
import { type Fleet, inMeritOrder } from '#domain/allocation/fleet.ts'
import { fleetOf } from '#domain/allocation/greedy-plan.ts'
import { serve } from '#domain/allocation/time-to-go.ts'
import { anInstance, type Instance } from '../../support/limits.ts'

function aFleet(
  devices: readonly {
    kw?: number
    kwh?: number
    price?: number
    effect?: number
    lately?: number
  }[],
): Fleet {
  const column = (value: (one: (typeof devices)[number]) => number) =>
    Float64Array.from(devices, value)
  return {
    powerW: column(({ kw = 5 }) => kw * 1000),
    energyWh: column(({ kwh = 10 }) => kwh * 1000),
    price: column(({ price = 100_000 }) => price),
    effect: column(({ effect = 1 }) => effect),
    rotation: column(({ lately = 0 }) => lately),
  }
}

const ranks = (fleet: Fleet, cap?: number) => [...inMeritOrder(fleet, cap).position]

describe('a fleet in merit order', () => {
  test('refuses columns of unequal length, and prices below 0 or none at all', () => {
    const fleet = aFleet([{}, {}])
    expect(() => inMeritOrder({ ...fleet, price: new Float64Array(1) })).toThrow(
      'expected 2 values in each column, got 1',
    )
    expect(() => inMeritOrder(aFleet([{ price: -1 }, {}]))).toThrow('at least 0, got -1')
    expect(() => ascending(new Float64Array([1, Number.NaN]))).toThrow('at least 0, got NaN')
  })

  test('leaves out who is dearer than the cap, has no effect, or nothing to give', () => {
    const dear = { price: 100_001 }
    const fleet = aFleet([dear, { effect: 0 }, { effect: -1 }, { kw: 0 }, { kwh: 0 }, {}])
    expect(ranks(fleet, 100_000)).toEqual([5])
    expect(ranks(fleet)).toEqual([5, 0])
  })

  test('counts the price per effect, then who gave least lately, then the id', () => {
    const fleet = aFleet([
      { price: 200_000, effect: 1 },
      { price: 300_000, effect: 2 },
      { price: 200_000, lately: 3 },
      { price: 200_000, lately: 3 },
      { price: 400_000, effect: 2, lately: 1 },
    ])
    expect(ranks(fleet)).toEqual([1, 0, 4, 2, 3])
  })

  test('sorts many keys as a plain sort does, equal ones as they stood', () => {
    const odd = [0, Number.MIN_VALUE, 1e-300, 0.1, 1 / 3, 5e9, 2 ** 53, Number.MAX_VALUE]
    const keys = Float64Array.from({ length: 20_000 }, (_, i) => {
      return i % 5 === 0 ? (odd[(i / 5) % odd.length] ?? 0) : ((i * 7_919) % 3_001) / 7
    })
    const plain = new Uint32Array(keys.length).map((_, i) => i)
    expect(ascending(keys)).toEqual(plain.toSorted((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0)))
    expect(ascending(new Float64Array(5_000))).toEqual(plain.subarray(0, 5_000))
  })
})

describe('what a fleet cannot serve', () => {
  test('is nothing where nothing is asked, and all of it where nobody is there', () => {
    expect(unavoidableShortfallWh(aFleet([{}]), { powerW: [0, 0], hours: 1 })).toBe(0)
    expect(unavoidableShortfallWh(aFleet([]), { powerW: [2000, 1000], hours: 0.5 })).toBe(1500)
    expect(servableWh(aFleet([]), { powerW: [2000, 1000], hours: 0.5 })).toBe(0)
  })

  test('is what lies above all power together, or beyond all energy, or both at once', () => {
    const two = aFleet([
      { kw: 5, kwh: 10 },
      { kw: 4, kwh: 2 },
    ])
    expect(unavoidableShortfallWh(two, { powerW: [12_000], hours: 0.25 })).toBe(750)
    expect(unavoidableShortfallWh(two, { powerW: [4000, 4000, 4000, 4000], hours: 1 })).toBe(4000)
    // 9 kW need both for an hour; the second has energy for half of it.
    expect(unavoidableShortfallWh(two, { powerW: [9000, 1000], hours: 1 })).toBe(2000)
  })

  test('counts nobody above the cap', () => {
    const fleet = aFleet([
      { kw: 3, price: 1 },
      { kw: 3, price: 9 },
    ])
    expect(unavoidableShortfallWh(fleet, { powerW: [6000], hours: 1 }, 5)).toBe(3000)
  })

  test('is the same by the transform, by the cut and by serving it', () => {
    fc.assert(
      fc.property(anInstance, (instance) => {
        const { fleet, demand, wantedWh } = asFleet(instance)
        const short = unavoidableShortfallWh(fleet, demand)
        expect(wantedWh - servableWh(fleet, demand)).toBeCloseTo(short, 4)
        const ranked = inMeritOrder(fleet)
        expect(serve(ranked.powerW, ranked.energyWh, demand).unservedWh).toBeCloseTo(short, 4)
      }),
    )
  })
})

describe('the cheapest dispatch', () => {
  test('takes the dearer device only for what the cheaper cannot give, when it is needed', () => {
    const fleet = aFleet([
      { kw: 5, kwh: 5, price: 2 },
      { kw: 5, kwh: 5, price: 1 },
    ])
    const { position, takeWh, powerW, unservedWh } = cheapestDispatch(fleet, {
      powerW: [2000, 7000],
      hours: 1,
    })
    expect([...position]).toEqual([1, 0])
    expect([...takeWh]).toEqual([5000, 4000])
    // The times to go are levelled at 0.7 h, then both run as one.
    const levelled = [1500, 500, 3500, 3500]
    expect([...powerW]).toEqual(levelled.map((power) => expect.closeTo(power, 6)))
    expect(unservedWh).toBe(0)
  })

  test('serves exactly what it takes, within every limit and never more than is asked', () => {
    fc.assert(
      fc.property(anInstance, (instance) => {
        const { fleet, demand, wantedWh } = asFleet(instance)
        const { position, powerW, takeWh, unservedWh } = cheapestDispatch(fleet, demand)
        const used = new Float64Array(position.length)
        let servedWh = 0
        demand.powerW.forEach((asked, t) => {
          let given = 0
          position.forEach((device, k) => {
            const power = powerW[t * position.length + k] ?? 0
            expect(power).toBeGreaterThanOrEqual(0)
            expect(power).toBeLessThanOrEqual((fleet.powerW[device] ?? 0) + 1e-6)
            used[k] = (used[k] ?? 0) + power * demand.hours
            given += power * (fleet.effect?.[device] ?? 1)
          })
          expect(given).toBeLessThanOrEqual(asked + 1e-6)
          servedWh += given * demand.hours
        })
        position.forEach((device, k) => {
          expect(used[k]).toBeCloseTo(takeWh[k] ?? 0, 5)
          expect(takeWh[k]).toBeLessThanOrEqual((fleet.energyWh[device] ?? 0) + 1e-6)
        })
        expect(servedWh).toBeCloseTo(wantedWh - unservedWh, 4)
      }),
    )
  })
})

function asFleet({ devices, wanted }: Instance) {
  const hours = wanted.hours[0] ?? 0
  const wantedWh = wanted.powerW.reduce((sum, powerW) => sum + powerW * hours, 0)
  return { fleet: fleetOf(devices), demand: { powerW: wanted.powerW, hours }, wantedWh }
}

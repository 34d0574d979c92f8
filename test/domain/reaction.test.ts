import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocate, type Offerable } from '#domain/allocation.ts'
import { limitsOf } from '#domain/allocation/offers.ts'
import { orderedInPart } from '#domain/decision.ts'
import { checkRating } from '#domain/enrolment.ts'
import { meanReachedW, powerForMean, reactedBy } from '#domain/reaction.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const slow = { responseSeconds: 90, rampWattsPerSecondMax: 20 }
const first = { from: 0, until: 900 }
const second = { from: 900, until: 1800 }

describe('a device that comes to its setpoint', () => {
  it('at once moves by all of it, all the time', () => {
    expect(meanReachedW({}, 5000, first)).toBe(5000)
    expect(powerForMean({}, 4321, first, { stepW: 100, mostW: 5000 })).toBe(4321)
  })

  it('after a delay and along a ramp moves by less in the first period only', () => {
    // 6,000 W take 300 s: of 810 s that are left half of those are lost.
    expect(meanReachedW(slow, 6000, first)).toBeCloseTo((6000 * (810 - 150)) / 900, 9)
    expect(meanReachedW(slow, 6000, second)).toBe(6000)
    expect(meanReachedW({ responseSeconds: 900 }, 6000, first)).toBe(0)
    expect(meanReachedW({ rampWattsPerSecondMax: 2 }, 6000, first)).toBe(900)
  })

  it('is told the least whole step whose mean is enough', () => {
    const told = powerForMean(slow, 4000, first, { stepW: 100, mostW: 6000 })
    expect(told).toBe(5400)
    expect(meanReachedW(slow, told, first)).toBeGreaterThanOrEqual(4000)
    expect(meanReachedW(slow, told - 100, first)).toBeLessThan(4000)
  })

  it('is told no more than it can, and reaches what was planned from that', () => {
    const [most, delay] = [fc.integer({ min: 100, max: 9000 }), fc.integer({ min: 0, max: 1200 })]
    fc.assert(
      fc.property(most, delay, fc.integer({ min: 1, max: 500 }), (mostW, responseSeconds, ramp) => {
        const reaction = { responseSeconds, rampWattsPerSecondMax: ramp }
        const meanW = Math.floor(meanReachedW(reaction, mostW, first))
        const told = powerForMean(reaction, meanW, first, { stepW: 100, mostW })
        expect(told).toBeLessThanOrEqual(mostW)
        expect(meanReachedW(reaction, told, first)).toBeGreaterThanOrEqual(meanW - 1e-6)
      }),
    )
  })

  it('is judged from when it can have come there, however far it had to go', () => {
    const { rating } = aResource('battery', 'battery', 1n)
    expect(reactedBy(rating, at(5))).toBe(at(5))
    expect(reactedBy({ ...rating, ...slow }, at(5))).toBe(at(5 + 90 + 500))
  })

  it('cannot be enrolled with a delay below 0 or a ramp of nothing', () => {
    const { rating } = aResource('battery', 'battery', 1n)
    expect(() => checkRating('battery', { ...rating, responseSeconds: -1 })).toThrow(
      'rating.responseSeconds',
    )
    expect(() => checkRating('battery', { ...rating, rampWattsPerSecondMax: 0 })).toThrow(
      'rating.rampWattsPerSecondMax',
    )
  })
})

describe('an allocation to a device that takes its time', () => {
  const needs = [0, 1].map((i) => {
    return { start: at(i * 900), end: at((i + 1) * 900), powerW: 9000 }
  })
  function offer(kind: 'charger' | 'battery', changes: object): Offerable {
    const { id: resourceId, ownerId, aggregatorId, ...rest } = aResource('one', kind, 100_000n)
    const rating = { ...rest.rating, ...slow, ...changes }
    const fromW = kind === 'charger' ? [7000, 7000] : [0, 0]
    const who = { resourceId, ownerId, aggregatorId, kind, rating, price: rest.offer.price }
    return {
      candidate: { ...who, aggregatorShareBp: basisPoints(0), ...aBaseline() },
      fromW,
      powerMaxW: kind === 'charger' ? fromW : [5000, 5000],
      energyMaxWh: 20_000,
    }
  }
  const periods = (one: Offerable) =>
    allocate(needs, [one], 'reduce-import', 'order')[0]?.periods.map(({ powerW, setpointW }) => {
      return [powerW, setpointW]
    })

  it('counts on its mean of the first period, and tells it its whole power', () => {
    expect(limitsOf(offer('battery', {}), needs, 'reduce-import').maxW).toEqual([3800, 5000])
    expect(periods(offer('battery', {}))).toEqual([
      [3800, -5000],
      [5000, -5000],
    ])
  })

  it('is no part of what it can give where it is told its whole power', () => {
    const whole = offer('battery', {})
    const allocated = allocate(needs, [whole], 'reduce-import', 'order')
    expect(orderedInPart(allocated, [whole], needs)).toEqual([])
    const few = needs.map((need) => ({ ...need, powerW: 2000 }))
    const part = allocate(few, [whole], 'reduce-import', 'order')
    expect(orderedInPart(part, [whole], few)).toEqual(['one'])
  })

  it('stops a charger that may be stopped, and leaves another its least power', () => {
    expect(periods(offer('charger', {}))?.map(([, setpointW]) => setpointW)).toEqual([0, 0])
    const going = periods(offer('charger', { pausable: false }))
    expect(going?.map(([, setpointW]) => setpointW)).toEqual([1500, 1400])
  })
})

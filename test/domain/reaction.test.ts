import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocate, type Allocation, type Offerable } from '#domain/allocation.ts'
import { limitsOf } from '#domain/allocation/offers.ts'
import { orderedInPart } from '#domain/decision.ts'
import { checkRating } from '#domain/enrolment.ts'
import { meanReachedW, powerForMean, reactedBy } from '#domain/reaction.ts'
import type { Rating } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { periodTold, type ToldDevice } from '#domain/told-period.ts'
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

  it('that stands by counts on no more than it reaches within the notice of an activation', () => {
    const noticed = (seconds: number) =>
      needs.map((need) => ({ ...need, toldFrom: addSeconds(need.start, -seconds) }))
    const battery = offer('battery', {})
    const maxW = (seconds: number) => limitsOf(battery, noticed(seconds), 'reduce-import').maxW
    expect(maxW(0)).toEqual([3800, 3800])
    expect(maxW(90)).toEqual([3800, 4300])
    expect(maxW(600)).toEqual([3800, 5000])
  })

  it('stops a charger that may be stopped, and leaves another its least power', () => {
    expect(periods(offer('charger', {}))?.map(([, setpointW]) => setpointW)).toEqual([0, 0])
    const going = periods(offer('charger', { pausable: false }))
    expect(going?.map(([, setpointW]) => setpointW)).toEqual([1500, 1400])
  })
})

/** What a device that is told once a cycle has moved by, W at the beginning of each second. */
function movedBy(part: Pick<Allocation, 'periods'>, how: ToldDevice, periods: number): number[] {
  const { responseSeconds = 0, rampWattsPerSecondMax = 1e9 } = how.rating
  const sign = how.direction === 'reduce-import' ? -1 : 1
  const [tolds, moved]: [number[], number[]] = [[], [0]]
  let [told, movedW] = [0, 0]
  for (let second = 0; second < periods * 900; second++) {
    if (second % how.controlCycleSeconds === 0) {
      told = sign * (periodTold(part, how, at(second))?.setpointW ?? 0)
    }
    tolds.push(told)
    const towards = (tolds[second - responseSeconds] ?? 0) - movedW
    movedW += Math.sign(towards) * Math.min(Math.abs(towards), rampWattsPerSecondMax)
    moved.push(movedW)
  }
  return moved
}

/** The mean W of each period. */
function meansOf(part: Pick<Allocation, 'periods'>, how: ToldDevice, periods: number): number[] {
  const moved = movedBy(part, how, periods)
  const isStep = how.rating.rampWattsPerSecondMax === undefined
  return Array.from({ length: periods }, (_, i) => {
    let sum = 0
    for (let second = i * 900; second < (i + 1) * 900; second++) {
      const [before, after] = [moved[second] ?? 0, moved[second + 1] ?? 0]
      // Along a ramp the mean of a second lies in its middle.
      sum += isStep ? after : (before + after) / 2
    }
    return sum / 900
  })
}

describe('a slow device in a call of several periods', () => {
  const { rating: quick } = aResource('battery', 'battery', 1n)
  const battery = (powersW: readonly number[]) => ({
    periods: powersW.flatMap((powerW, i) => {
      if (powerW === 0) return []
      return [{ start: at(i * 900), end: at((i + 1) * 900), powerW, setpointW: -powerW }]
    }),
  })
  const how = (changes: Partial<Rating>): ToldDevice => {
    const rating = { ...quick, ...changes }
    return { rating, direction: 'reduce-import', controlCycleSeconds: 30 }
  }
  const toldW = (powersW: readonly number[], changes: Partial<Rating>, seconds: number) =>
    periodTold(battery(powersW), how(changes), at(seconds))?.powerW

  it('is told nothing early that reacts at once', () => {
    expect(toldW([0, 3000], {}, 899)).toBeUndefined()
    expect(toldW([1000, 3000], {}, 899)).toBe(1000)
    expect(toldW([1000, 3000], {}, 900)).toBe(3000)
  })

  it('is told more as long before it begins as it takes, in whole control cycles', () => {
    const delay = { responseSeconds: 600 }
    expect(toldW([1000, 4000], delay, 299)).toBe(1000)
    expect(toldW([1000, 4000], delay, 300)).toBe(4000)
    expect(toldW([0, 3000], delay, 299)).toBeUndefined()
    expect(toldW([0, 3000], delay, 300)).toBe(3000)
    // 95 s, of which 5 are the ramp's: four cycles of 30 s.
    const both = { responseSeconds: 90, rampWattsPerSecondMax: 600 }
    expect(toldW([0, 3000], both, 779)).toBeUndefined()
    expect(toldW([0, 3000], both, 780)).toBe(3000)
  })

  it('is told a little more as long before as the difference takes', () => {
    const ramp = { rampWattsPerSecondMax: 10 }
    expect(toldW([4900, 5000], ramp, 869)).toBe(4900)
    expect(toldW([4900, 5000], ramp, 870)).toBe(5000)
    expect(toldW([2000, 5000], ramp, 599)).toBe(2000)
    expect(toldW([2000, 5000], ramp, 600)).toBe(5000)
    expect(toldW([2000, 5000], { ...ramp, responseSeconds: 60 }, 539)).toBe(2000)
    expect(toldW([2000, 5000], { ...ramp, responseSeconds: 60 }, 540)).toBe(5000)
    // At 2 W/s the second is too short for the way: the third is told in the first.
    expect(toldW([1000, 1100, 4000], { rampWattsPerSecondMax: 2 }, 299)).toBe(1000)
    expect(toldW([1000, 1100, 4000], { rampWattsPerSecondMax: 2 }, 300)).toBe(4000)
    // It falls for 350 s, to 2,900 W, and is back at 5,000 W in 350 s.
    const falls = { rampWattsPerSecondMax: 6 }
    expect(toldW([5000, 0, 5000], falls, 1349)).toBeUndefined()
    expect(toldW([5000, 0, 5000], falls, 1350)).toBe(5000)
  })

  it('is told less when less is wanted, and not before', () => {
    expect(toldW([4000, 1000], { responseSeconds: 600 }, 899)).toBe(4000)
    expect(toldW([4000, 1000], { responseSeconds: 600 }, 900)).toBe(1000)
    const more = { periods: [{ start: at(900), end: at(1800), powerW: 1000, setpointW: 1000 }] }
    const takes = { ...how({ responseSeconds: 60 }), direction: 'increase-import' as const }
    expect(periodTold(more, takes, at(840))?.setpointW).toBe(1000)
  })

  const { id: resourceId, ownerId, aggregatorId, kind, offer } = aResource('b', 'battery', 1n)
  const who = { resourceId, ownerId, aggregatorId, kind, price: offer.price }
  const asked = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 4 })
  const ramp = fc.option(fc.integer({ min: 3, max: 500 }), { nil: undefined })
  const delay = fc.integer({ min: 0, max: 1200 })
  function partOf(hundreds: readonly number[], { rating }: ToldDevice) {
    const needs = hundreds.map((hundred, i) => {
      return { start: at(i * 900), end: at((i + 1) * 900), powerW: hundred * 100 }
    })
    const candidate = { ...who, rating, ...aBaseline(), aggregatorShareBp: basisPoints(0) }
    const one: Offerable = {
      candidate,
      fromW: needs.map(() => 0),
      powerMaxW: needs.map(() => 5000),
      energyMaxWh: 20_000,
    }
    return allocate(needs, [one], 'reduce-import', 'order')[0]
  }

  it('gives in every period what was ordered of it, whatever it takes and whatever is asked', () => {
    fc.assert(
      fc.property(asked, delay, ramp, (hundreds, responseSeconds, rampWattsPerSecondMax) => {
        const device = how({ responseSeconds, rampWattsPerSecondMax })
        const part = partOf(hundreds, device)
        if (part === undefined) return
        const means = meansOf(part, device, hundreds.length)
        for (const { start, powerW } of part.periods) {
          const mean = means[(start - WINDOW_START) / 900_000] ?? 0
          expect(mean).toBeGreaterThanOrEqual(powerW - 1)
        }
      }),
    )
  })

  it('gives before its time no more than it must to be there, and that of one control cycle', () => {
    const rising = asked.map((hundreds) => hundreds.toSorted((a, b) => a - b))
    fc.assert(
      fc.property(rising, delay, ramp, (hundreds, responseSeconds, rampWattsPerSecondMax) => {
        const device = how({ responseSeconds, rampWattsPerSecondMax })
        const part = partOf(hundreds, device)
        if (part === undefined) return
        const moved = movedBy(part, device, hundreds.length)
        const periods = part.periods.map(({ start, powerW, setpointW }) => {
          return { from: (start - WINDOW_START) / 1000, powerW, mostW: -setpointW }
        })
        // What a period is told beyond its mean, because it is not reached in time.
        const beyondW = Math.max(...periods.map(({ powerW, mostW }) => mostW - powerW))
        const beyond = moved.map((movedW, second) => {
          const needed = periods.map(({ from, powerW, mostW }) => {
            const early = Math.max(0, from - second - device.controlCycleSeconds)
            if (early === 0) return mostW
            return Math.min(mostW, powerW + beyondW - early * (rampWattsPerSecondMax ?? 1e9))
          })
          return movedW - Math.max(0, ...needed)
        })
        expect(Math.max(...beyond)).toBeLessThanOrEqual(1e-6)
      }),
    )
  })
})

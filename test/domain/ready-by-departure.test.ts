import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocate, type Allocation } from '#domain/allocation.ts'
import { offerable, type ResourceNow } from '#domain/flexibility-offer.ts'
import { addSeconds, secondsBetween } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

const { id, ownerId, aggregatorId, rating, offer } = aResource('car', 'charger', 0n)
const HALF_HOUR = 1800
const needs = [0, 1, 2, 3].map((i) => ({
  start: addSeconds(WINDOW_START, i * HALF_HOUR),
  end: addSeconds(WINDOW_START, (i + 1) * HALF_HOUR),
  powerW: 20_000,
}))

type Car = {
  drawsW: number
  baselineW: number
  neededWh: number
  leavesAfterSeconds: number
  pausable: boolean
}

/** A car that draws its power from the window's start on. */
function there({ drawsW, baselineW, neededWh, leavesAfterSeconds, pausable }: Car): ResourceNow {
  const at = WINDOW_START
  return {
    candidate: {
      resourceId: id,
      ownerId,
      aggregatorId,
      aggregatorShareBp: basisPoints(0),
      kind: 'charger',
      rating: { ...rating, pausable },
      price: offer.price,
      ...aBaseline(needs.map(() => baselineW)),
    },
    reading: { resourceId: id, at, powerW: drawsW, registerWh: 1000, socBp: null },
    session: {
      resourceId: id,
      startedAt: at,
      endedAt: null,
      energyNeededWh: neededWh,
      departureAt: addSeconds(WINDOW_START, leavesAfterSeconds),
      startRegisterWh: 1000,
    },
    condition: null,
    promised: [],
    promisedWh: 0,
    lookedAt: at,
  }
}

function ordered(car: Car): Allocation[] | string {
  const found = offerable(there(car), needs, 'reduce-import')
  return 'reason' in found ? found.reason : allocate(needs, [found], 'reduce-import', 'order')
}

/** Wh that it draws until it leaves, held to what it was told. */
function drawnWh({ drawsW, leavesAfterSeconds }: Car, parts: readonly Allocation[]): number {
  const leavesAt = addSeconds(WINDOW_START, leavesAfterSeconds)
  const lost = parts
    .flatMap(({ periods }) => periods)
    .reduce((sum, { start, end, setpointW }) => {
      const seconds = Math.max(0, secondsBetween(start, leavesAt < end ? leavesAt : end))
      return sum + (Math.max(0, drawsW - setpointW) * seconds) / 3600
    }, 0)
  return (drawsW * leavesAfterSeconds) / 3600 - lost
}

describe('a car is ready by its departure', () => {
  it('also where it draws more than its baseline, from which its limit is counted', () => {
    const car = { drawsW: 7000, baselineW: 4500, neededWh: 20_000, pausable: true }
    expect(ordered({ ...car, leavesAfterSeconds: 3 * 3600 })).toBe('departure')
    expect(ordered({ ...car, leavesAfterSeconds: 4 * 3600 })).toHaveLength(1)
  })

  it('also where it leaves within the window', () => {
    const car = { drawsW: 4800, baselineW: 2800, pausable: true, leavesAfterSeconds: 5900 }
    expect(ordered({ ...car, neededWh: 4300 })).toBe('departure')
    expect(ordered({ ...car, neededWh: 1000 })).toHaveLength(1)
  })

  it('and gives nothing in a period that ends after it: it would not draw then anyway', () => {
    const car = { drawsW: 7000, baselineW: 7000, neededWh: 100, pausable: true }
    const offered = (leavesAfterSeconds: number) => {
      const found = offerable(there({ ...car, leavesAfterSeconds }), needs, 'reduce-import')
      return 'reason' in found ? [found.reason, found.detail] : found.powerMaxW
    }
    const sooner = ['departure', 'the car leaves before a period of the window has ended']
    expect(offered(HALF_HOUR - 1)).toEqual(sooner)
    expect(offered(HALF_HOUR)).toEqual([7000, 0, 0, 0])
    expect(offered(3 * HALF_HOUR + 1200)).toEqual([7000, 7000, 7000, 0])
    expect(offered(4 * HALF_HOUR)).toEqual([7000, 7000, 7000, 7000])
  })

  it('nor gives back what it has drawn after it has left', () => {
    const car = { drawsW: 4000, baselineW: 4000, neededWh: 0, pausable: true }
    const now = there({ ...car, leavesAfterSeconds: HALF_HOUR })
    const candidate = {
      ...now.candidate,
      rating: { ...now.candidate.rating, exportMaxW: 4000, energyWh: 40_000, reserveWh: 20_000 },
    }
    const reading = now.reading && { ...now.reading, socBp: 5050 }
    // 200 Wh lie above its reserve; in its only period it would draw 2 kWh, of which a tenth is kept.
    expect(offerable({ ...now, candidate, reading }, needs, 'reduce-import')).toMatchObject({
      powerMaxW: [8000, 0, 0, 0],
      energyMaxWh: 1800,
    })
  })

  it('whatever it draws, needs and has drawn on other days', () => {
    const cars = fc.record({
      drawsW: fc.integer({ min: 4200, max: 11_000 }),
      baselineW: fc.integer({ min: 1000, max: 11_000 }),
      neededWh: fc.integer({ min: 0, max: 60_000 }),
      leavesAfterSeconds: fc.integer({ min: 0, max: 12 * 3600 }),
      pausable: fc.boolean(),
    })
    fc.assert(
      fc.property(cars, (car) => {
        const parts = ordered(car)
        if (typeof parts === 'string') return
        const without = (car.drawsW * car.leavesAfterSeconds) / 3600
        expect(drawnWh(car, parts)).toBeGreaterThanOrEqual(Math.min(car.neededWh, without) - 1)
        const leavesAt = addSeconds(WINDOW_START, car.leavesAfterSeconds)
        for (const { periods } of parts) {
          expect(periods.filter(({ end }) => end > leavesAt)).toEqual([])
        }
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import {
  allocate,
  type Candidate,
  type Offerable,
  type SkippedResource,
} from '#domain/allocation.ts'
import { ratingAsFound } from '#domain/capability.ts'
import { offerable, type ResourceNow } from '#domain/flexibility-offer.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

const { id, ownerId, aggregatorId, rating: plain, offer } = aResource('car', 'charger', 0n)
const rating = { ...plain, exportMaxW: 7000, energyWh: 60_000, reserveWh: 24_000 }
const need = { start: WINDOW_START, end: addSeconds(WINDOW_START, 3600), powerW: 20_000 }

type Changes = { rating?: Partial<Candidate['rating']>; socBp?: number | null; neededWh?: number }

function now({ rating: other = {}, socBp = 5000, neededWh = 1000 }: Changes = {}): ResourceNow {
  const at = addSeconds(WINDOW_START, -30)
  return {
    candidate: {
      resourceId: id,
      ownerId,
      aggregatorId,
      aggregatorShareBp: basisPoints(0),
      kind: 'charger',
      rating: { ...rating, ...other },
      price: offer.price,
      ...aBaseline([7000]),
    },
    reading: { resourceId: id, at, powerW: 7000, registerWh: 1000, socBp },
    session: {
      resourceId: id,
      startedAt: at,
      endedAt: null,
      energyNeededWh: neededWh,
      departureAt: addSeconds(WINDOW_START, 10 * 3600),
      startRegisterWh: 1000,
    },
    condition: null,
    promised: [],
    promisedWh: 0,
    lookedAt: at,
  }
}

function ordered(changes: Changes = {}) {
  const found: Offerable | SkippedResource = offerable(now(changes), [need], 'reduce-import')
  if ('reason' in found) return found.reason
  const [one] = allocate([need], [found], 'reduce-import', 'order')
  return one?.periods.map(({ powerW, setpointW }) => ({ powerW, setpointW }))
}

const PAUSED = [{ powerW: 7000, setpointW: 0 }]

describe('a car that may give power back', () => {
  it('gives none where its state of charge is not told, or lies below the reserve', () => {
    expect(ordered({ socBp: null })).toEqual(PAUSED)
    expect(ordered({ socBp: 4000 })).toEqual(PAUSED)
    expect(ordered({ socBp: 1000 })).toEqual(PAUSED)
  })

  it('gives none where its owner or its station does not let it', () => {
    expect(ordered({ rating: { exportMaxW: 0 } })).toEqual(PAUSED)
    const capability = { v2x: false, pauses: null, minimumW: 1380 } as never
    expect(ratingAsFound('charger', rating, capability).exportMaxW).toBe(0)
    expect(ratingAsFound('charger', rating, null).exportMaxW).toBe(0)
    expect(ratingAsFound('battery', rating, capability).exportMaxW).toBe(7000)
    const able = { v2x: true, pauses: null, minimumW: 1380 } as never
    expect(ratingAsFound('charger', rating, able)).toEqual(rating)
  })

  it('gives none where it must be ready: what it needs comes first', () => {
    expect(ordered({ neededWh: 62_000 })).toEqual([{ powerW: 1700, setpointW: 5300 }])
    expect(ordered({ neededWh: 80_000 })).toBe('departure')
  })

  it('is ordered below 0, never to more than its rating or its reserve allows', () => {
    expect(ordered()).toEqual([{ powerW: 12_700, setpointW: -5700 }])
    expect(ordered({ socBp: 9000 })).toEqual([{ powerW: 14_000, setpointW: -7000 }])
    // 600 Wh above the reserve, less what is lost on the way: there is no least power of 6 A.
    expect(ordered({ socBp: 4100 })).toEqual([{ powerW: 7500, setpointW: -500 }])
  })
})

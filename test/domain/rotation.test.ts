import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocate, type Candidate, type Offerable } from '#domain/allocation.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { resourceId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { bandPrices, giniBpOf, rotationOf } from '#domain/rotation.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

const hour = { start: WINDOW_START, end: addSeconds(WINDOW_START, 3600) }

function candidate(id: string, changes: Partial<Candidate> = {}): Candidate {
  const { ownerId, aggregatorId, kind, rating, offer } = aResource(id, 'battery', 100_000n)
  const who = { resourceId: resourceId(id), ownerId, aggregatorId, kind, rating }
  return {
    ...who,
    aggregatorShareBp: basisPoints(0),
    price: offer.price,
    ...aBaseline(),
    ...changes,
  }
}

/** An hour in which each had offered and was ordered so much, Wh. */
function callOf(
  figures: Readonly<Record<string, { offeredWh?: number; calledWh?: number }>>,
  state: FlexibilityCall['state'] = 'paid',
  windowStartCommitment: FlexibilityCall['windowStartCommitment'] = null,
): FlexibilityCall {
  const all = Object.entries(figures)
  const allocations = all.flatMap(([id, { calledWh = 0 }]) => {
    const periods = [{ ...hour, powerW: calledWh, setpointW: 0 }]
    return calledWh === 0
      ? []
      : [{ resourceId: resourceId(id), role: 'order' as const, periods, releasedAt: null }]
  })
  const candidates = all.map(([id, { offeredWh }]) =>
    candidate(id, offeredWh === undefined ? {} : { offeredWh }),
  )
  const rest = { candidates, allocations, windowStartCommitment }
  return { state, ...rest } as unknown as FlexibilityCall
}

describe('who was called lately', () => {
  it('is nobody where no call moved anybody', () => {
    const one = { a: { offeredWh: 4000, calledWh: 1000 } }
    const none = { calledBp: new Map(), giniBp: null }
    for (const state of ['requested', 'offered', 'declined', 'expired', 'refunded'] as const) {
      expect(rotationOf([callOf(one, state)])).toEqual(none)
    }
    expect(rotationOf([callOf(one, 'refunded', '0xaa')]).calledBp).toEqual(new Map([['a', 2500]]))
  })

  it('is who gave most of what it had offered', () => {
    const { calledBp, giniBp } = rotationOf([
      callOf({ a: { offeredWh: 4000, calledWh: 1000 }, b: { offeredWh: 4000 }, c: {} }),
      callOf({ a: { offeredWh: 4000, calledWh: 3000 }, b: { offeredWh: 1000, calledWh: 500 } }),
    ])
    expect([...calledBp]).toEqual([
      ['a', 5000],
      ['b', 1000],
    ])
    expect(giniBp).toBe(3333)
  })

  it('is told as a coefficient of 0 where all were called alike', () => {
    expect(giniBpOf([])).toBeNull()
    expect(giniBpOf([0, 0])).toBeNull()
    expect(giniBpOf([700, 700, 700])).toBe(0)
    expect(giniBpOf([0, 0, 0, 900])).toBe(7500)
  })

  it('is told as half the mean difference over the mean, whoever counts', () => {
    const shares = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(shares, (values) => {
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        fc.pre(mean > 0)
        const apart = values.flatMap((a) => values.map((b) => Math.abs(a - b)))
        const expected = apart.reduce((sum, one) => sum + one, 0) / apart.length / mean / 2
        expect(Math.abs((giniBpOf(values) ?? -1) - expected * 10_000)).toBeLessThanOrEqual(0.51)
      }),
    )
  })
})

describe('equal prices', () => {
  const offer = (id: string, calledBp?: number): Offerable => ({
    candidate: candidate(id, calledBp === undefined ? {} : { calledBp }),
    fromW: [0],
    powerMaxW: [5000],
    energyMaxWh: 5000,
  })
  const need = [{ ...hour, powerW: 5000 }]
  const first = (...offers: Offerable[]) =>
    allocate(need, offers, 'reduce-import', 'order').map((one) => one.resourceId)

  it('go to who was called least, then by id', () => {
    expect(first(offer('a', 300), offer('b', 200))).toEqual(['b'])
    expect(first(offer('a', 1), offer('b'))).toEqual(['b'])
    expect(first(offer('b'), offer('a'))).toEqual(['a'])
  })
})

describe('a band of prices', () => {
  const priced = (price: bigint, effectBp?: number) =>
    effectBp === undefined
      ? { price: microEurPerKwh(price) }
      : { price: microEurPerKwh(price), effectBp }

  it('counts with the least price in it, and begins anew above it', () => {
    const all = [105_000n, 100_000n, 105_001n, 110_251n, 110_252n].map((price) => priced(price))
    expect(bandPrices(all, 500)).toEqual([100_000n, 100_000n, 105_001n, 105_001n, 110_252n])
    expect(bandPrices(all, 0)).toEqual(all.map(({ price }) => price))
  })

  it('is shared only by devices of the same effect', () => {
    const all = [
      priced(100_000n),
      priced(101_000n, 12_000),
      priced(102_000n, 12_000),
      priced(103_000n),
    ]
    expect(bandPrices(all, 500)).toEqual([100_000n, 101_000n, 101_000n, 100_000n])
  })

  it('never counts a device as dearer than it is, nor cheaper than its band is wide', () => {
    const prices = fc.array(fc.bigInt({ min: 0n, max: 300_000n }), { maxLength: 20 })
    fc.assert(
      fc.property(prices, fc.nat(3000), (all, bandBp) => {
        const counted = bandPrices(
          all.map((price) => priced(price)),
          bandBp,
        )
        counted.forEach((least, i) => {
          const price = all[i] ?? 0n
          expect(least).toBeLessThanOrEqual(price)
          expect(price * 10_000n).toBeLessThanOrEqual(least * BigInt(10_000 + bandBp))
          expect(all).toContain(least)
        })
      }),
    )
  })

  it('lets rotation decide where prices differ, and no longer beyond the band', () => {
    const offer = (id: string, price: bigint, bandPrice: bigint, calledBp: number): Offerable => {
      const prices = { price: microEurPerKwh(price), bandPrice: microEurPerKwh(bandPrice) }
      const more = { fromW: [0], powerMaxW: [5000], energyMaxWh: 5000 }
      return { candidate: candidate(id, { ...prices, calledBp }), ...more }
    }
    const need = [{ ...hour, powerW: 5000 }]
    const first = (...offers: Offerable[]) =>
      allocate(need, offers, 'reduce-import', 'order').map((one) => one.resourceId)
    const cheap = offer('cheap', 100_000n, 100_000n, 9000)
    expect(first(cheap, offer('idle', 104_000n, 100_000n, 0))).toEqual(['idle'])
    expect(first(cheap, offer('idle', 106_000n, 106_000n, 0))).toEqual(['cheap'])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocate, type Offerable, type PeriodNeed } from '#domain/allocation.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

const PERIODS = 3
const needs = (powers: readonly number[]): PeriodNeed[] =>
  powers.map((powerW, i) => ({
    start: addSeconds(WINDOW_START, i * 900),
    end: addSeconds(WINDOW_START, (i + 1) * 900),
    powerW,
  }))

const anOffer = fc.record({
  price: fc.integer({ min: 1, max: 450_000 }),
  fromW: fc.integer({ min: 0, max: 11_000 }),
  promised: fc.array(fc.boolean(), { minLength: PERIODS, maxLength: PERIODS }),
  energyWh: fc.integer({ min: 0, max: 20_000 }),
  kind: fc.constantFrom('charger' as const, 'battery' as const),
})
type Spec = typeof anOffer extends fc.Arbitrary<infer T> ? T : never

function offers(specs: readonly Spec[]): Offerable[] {
  return specs.map(({ price, fromW, promised, energyWh, kind }, i) => {
    const { id, ownerId, aggregatorId, rating } = aResource(`r${i}`, kind, 0n)
    const most = kind === 'battery' ? rating.exportMaxW : fromW
    return {
      candidate: {
        resourceId: id,
        ownerId,
        aggregatorId,
        aggregatorShareBp: basisPoints(0),
        kind,
        rating,
        price: microEurPerKwh(BigInt(price)),
        ...aBaseline(),
      },
      fromW: promised.map(() => (kind === 'battery' ? 0 : fromW)),
      powerMaxW: promised.map((isTaken) => (isTaken ? 0 : most)),
      energyMaxWh: energyWh,
    }
  })
}

const specs = fc.array(anOffer, { maxLength: 12 })
const powers = fc.array(fc.integer({ min: 100, max: 40_000 }), {
  minLength: PERIODS,
  maxLength: PERIODS,
})

describe('the allocation', () => {
  it('never orders more than a period asks for', () => {
    fc.assert(
      fc.property(specs, powers, (s, p) => {
        const found = allocate(needs(p), offers(s), 'reduce-import', 'order')
        needs(p).forEach(({ start, powerW }) => {
          const ordered = found
            .flatMap((a) => a.periods)
            .filter((period) => period.start === start)
            .reduce((sum, period) => sum + period.powerW, 0)
          expect(ordered).toBeLessThanOrEqual(powerW)
        })
      }),
    )
  })

  it('keeps each device within its power, its energy and the periods it has free', () => {
    fc.assert(
      fc.property(specs, powers, (s, p) => {
        const all = offers(s)
        for (const { resourceId, periods } of allocate(needs(p), all, 'reduce-import', 'order')) {
          const offer = all.find((o) => o.candidate.resourceId === resourceId) as Offerable
          let energyWh = 0
          for (const { start, powerW } of periods) {
            const i = needs(p).findIndex((need) => need.start === start)
            expect(powerW).toBeLessThanOrEqual(offer.powerMaxW[i] ?? 0)
            expect(powerW % 100).toBe(0)
            energyWh += (powerW * 900) / 3600
          }
          expect(energyWh).toBeLessThanOrEqual(offer.energyMaxWh + 1e-6)
        }
      }),
    )
  })

  it('never gives a charger a setpoint between 0 and its minimum of 6 A', () => {
    fc.assert(
      fc.property(specs, powers, (s, p) => {
        const all = offers(s)
        for (const { resourceId, periods } of allocate(needs(p), all, 'reduce-import', 'order')) {
          const { candidate } = all.find((o) => o.candidate.resourceId === resourceId) as Offerable
          if (candidate.kind !== 'charger') continue
          for (const { setpointW } of periods) {
            const { importMinW } = candidate.rating
            expect(setpointW === 0 || setpointW >= importMinW).toBe(true)
          }
        }
      }),
    )
  })

  it('leaves a cheaper battery with power and energy no dearer one is ordered for', () => {
    const battery = (price: number): Spec => ({
      price,
      fromW: 0,
      promised: [false, false, false],
      energyWh: 20_000,
      kind: 'battery',
    })
    const [only, ...rest] = allocate(
      needs([4000, 4000, 4000]),
      offers([battery(300), battery(200), battery(100)]),
      'reduce-import',
      'order',
    )
    expect(only?.resourceId).toBe('r2')
    expect(rest).toEqual([])
  })

  it('gives the same answer whatever the order of the offers', () => {
    fc.assert(
      fc.property(specs, powers, (s, p) => {
        const forwards = allocate(needs(p), offers(s), 'reduce-import', 'order')
        const backwards = allocate(needs(p), offers(s).reverse(), 'reduce-import', 'order')
        expect(backwards).toEqual(forwards)
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  activated,
  leastActivated,
  type Reserved,
  tooLateToTakeOver,
} from '#domain/activated-parts.ts'
import { type Activation, activationFault } from '#domain/activation.ts'
import { type Allocation, type Candidate, periodAt } from '#domain/allocation.ts'
import type { OfferConditions } from '#domain/offer-conditions.ts'
import type { Direction, ResourceKind } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aProgram, aRequest, aResource, WINDOW_START } from '../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const SECONDS = 1800

type Holding = {
  readonly kind: ResourceKind
  readonly price: number
  /** What it draws, W, and so much of it is held. */
  readonly fromW: number
  readonly heldW: number
  readonly effectBp?: number
  readonly conditions?: OfferConditions
  readonly releasedAfter?: number | null
}

/** A call over two periods in which devices hold what they are said to hold. */
function reserved(
  holdings: readonly Holding[],
  activation: Omit<Activation, 'orderedAt'>,
  direction: Direction = 'reduce-import',
): Reserved & { readonly activation: Activation } {
  const sign = direction === 'reduce-import' ? -1 : 1
  const candidates = holdings.map((one, i): Candidate => {
    const { id, ownerId, aggregatorId, rating, offer } = aResource(
      `device-${i}`,
      one.kind,
      BigInt(one.price),
    )
    const { effectBp, conditions } = one
    return {
      resourceId: id,
      ownerId,
      aggregatorId,
      aggregatorShareBp: basisPoints(0),
      kind: one.kind,
      rating,
      price: offer.price,
      ...(effectBp === undefined ? {} : { effectBp }),
      ...(conditions === undefined ? {} : { conditions }),
      ...aBaseline(),
    }
  })
  const allocations = holdings.map(({ fromW, heldW, releasedAfter = null }, i): Allocation => {
    const { resourceId } = candidates[i] as Candidate
    const part = { powerW: heldW, setpointW: fromW + sign * heldW }
    const periods = [0, 900].map((start) => ({ start: at(start), end: at(start + 900), ...part }))
    const releasedAt = releasedAfter === null ? null : at(releasedAfter)
    return { resourceId, role: 'order', periods, releasedAt }
  })
  const ordered = { ...activation, orderedAt: at(-60) }
  const { meteringIntervalSeconds } = aProgram()
  return {
    activations: [ordered],
    allocations,
    candidates,
    program: { meteringIntervalSeconds },
    request: { direction },
    activation: ordered,
  }
}

/** W of each device at an instant. */
const givenAt = (call: Reserved, seconds: number) =>
  activated(call).map((part) => periodAt(part, at(seconds))?.powerW ?? 0)

const cheap = { kind: 'battery', price: 100_000, fromW: 0, heldW: 3000 } as const
const dear = { kind: 'battery', price: 200_000, fromW: 0, heldW: 2000 } as const
/** Draws 7 kW, all of which is held: it stops, or goes on at 1,380 W or more. */
const charger = { kind: 'charger', price: 50_000, fromW: 7000, heldW: 7000 } as const

describe('an activation of a fraction', () => {
  const whole = { start: at(300), end: at(1200) }

  it('is refused where it is not in whole steps, or more than is held in each period it touches', () => {
    const call = { orderedW: [5000, 3000], program: aProgram(), request: aRequest([5000, 3000]) }
    const fault = (powerW: number, until = 1200) =>
      activationFault(call, { start: at(300), end: at(until), powerW }, at(0))?.problems[0]
    expect(fault(0)).toMatchObject({ field: 'powerW' })
    expect(fault(-100)).toMatchObject({ field: 'powerW' })
    expect(fault(150)).toMatchObject({ field: 'powerW' })
    expect(fault(99.5)).toMatchObject({ field: 'powerW' })
    expect(fault(3100)).toMatchObject({ field: 'powerW', expected: /at most the 3000 W/ })
    expect(fault(3000)).toBeUndefined()
    expect(fault(5000, 900)).toBeUndefined()
    const odd = { ...call, orderedW: [4999, 4999] }
    const beyond = activationFault(odd, { ...whole, powerW: 5000 }, at(0))?.problems[0]
    expect(beyond?.expected).toMatch(/at most 4900 of the 4999 W that are held/)
    expect(activationFault(odd, { ...whole, powerW: 4900 }, at(0))).toBeNull()
  })

  it('is given in merit order, and the others go on standing by', () => {
    expect(givenAt(reserved([dear, cheap], { ...whole, powerW: 2500 }), 600)).toEqual([0, 2500])
    expect(givenAt(reserved([dear, cheap], { ...whole, powerW: 3500 }), 600)).toEqual([500, 3000])
    expect(givenAt(reserved([dear, cheap], whole), 600)).toEqual([2000, 3000])
    expect(givenAt(reserved([dear, cheap], { ...whole, powerW: 3500 }), 1200)).toEqual([0, 0])
  })

  it('tells a device as much less of its setpoint as it gives less', () => {
    const call = reserved([cheap, dear], { ...whole, powerW: 1000 })
    const [part, other] = activated(call)
    expect(part?.periods).toEqual([
      { start: at(300), end: at(900), powerW: 1000, setpointW: -1000 },
      { start: at(900), end: at(1200), powerW: 1000, setpointW: -1000 },
    ])
    expect(other?.periods).toEqual([])
  })

  it('leaves no charger between 0 and its least power: the next gives what is missing', () => {
    const call = reserved([charger, dear], { ...whole, powerW: 6500 })
    expect(givenAt(call, 600)).toEqual([5600, 900])
    expect(activated(call)[0]?.periods[0]?.setpointW).toBe(1400)
    const alone = reserved([charger], { ...whole, powerW: 6500 })
    expect(leastActivated(alone, alone.activation)).toEqual({ givenW: 5600, heldW: 7000 })
  })

  it('uses nobody for less than the offer is tied to', () => {
    const { start } = whole
    const tied = { ...cheap, conditions: { onSecondsMin: 1200 } }
    expect(givenAt(reserved([tied, dear], { ...whole, powerW: 1000 }), 600)).toEqual([0, 1000])
    const longer = { start, end: at(1500), powerW: 1000 }
    expect(givenAt(reserved([tied, dear], longer), 600)).toEqual([1000, 0])
    const least = { ...cheap, conditions: { powerMinW: 1500 } }
    expect(givenAt(reserved([least, dear], { ...whole, powerW: 1000 }), 600)).toEqual([0, 1000])
    const all = { ...cheap, conditions: { allOrNothing: true } }
    expect(givenAt(reserved([all, dear], { ...whole, powerW: 2500 }), 600)).toEqual([0, 2000])
    expect(givenAt(reserved([all, dear], { ...whole, powerW: 3500 }), 600)).toEqual([3000, 500])
  })

  it('counts the least time of who takes over from there, by the third rule of the stand-by', () => {
    const gone = { ...cheap, releasedAfter: 600 }
    const activation = { start: at(300), end: at(1200), powerW: 1000 }
    const giving = (seconds: number, conditions: OfferConditions, standbyRule?: 2 | 3) => {
      const tied = { ...dear, conditions }
      const call = reserved([gone, tied, { ...dear, price: 900_000 }], activation)
      return givenAt(standbyRule ? { ...call, standbyRule } : call, seconds)
    }
    // 900 s are used, of which 570 are left once the first is gone.
    expect(giving(700, { onSecondsMin: 570 }, 3)).toEqual([0, 1000, 0])
    expect(giving(700, { onSecondsMin: 571 }, 3)).toEqual([0, 0, 1000])
    expect(giving(700, { onSecondsMin: 571, onLessAsStandIn: true }, 3)).toEqual([0, 1000, 0])
    expect(giving(700, { onSecondsMin: 900 }, 2)).toEqual([0, 1000, 0])
    expect(giving(700, { onSecondsMin: 900 })).toEqual([0, 1000, 0])
    // From the activation's own start it is not let off, and who gives goes on.
    const alone = { ...cheap, conditions: { onSecondsMin: 901, onLessAsStandIn: true } }
    const call = { ...reserved([alone], activation), standbyRule: 3 } as const
    expect(givenAt(call, 400)).toEqual([0])
  })

  it('says who could not take over, because less than its least time was left', () => {
    const gone = { ...cheap, releasedAfter: 600 }
    const tied = { ...dear, conditions: { onSecondsMin: 571 } }
    const activation = { start: at(300), end: at(1200), powerW: 1000 }
    const held = [gone, tied, { ...dear, price: 900_000 }]
    const call = { ...reserved(held, activation), standbyRule: 3 } as const
    expect(tooLateToTakeOver(call, at(600))).toEqual([])
    expect(tooLateToTakeOver(call, at(630))).toEqual([
      {
        resourceId: 'device-1',
        reason: 'on-time',
        detail: 'goes on for 571 s once it moves; 570 s are left',
      },
    ])
    expect(tooLateToTakeOver(call, at(1200))).toEqual([])
    // Where a settlement period ends and nobody was let go of, nobody could have taken over.
    const longer = { start: at(300), end: at(1500), powerW: 1000 }
    const patient = { ...dear, conditions: { onSecondsMin: 1200 } }
    const quiet = { ...reserved([cheap, patient], longer), standbyRule: 3 } as const
    expect(tooLateToTakeOver(quiet, at(900))).toEqual([])
  })

  it('counts what devices relieve the congested element of', () => {
    const half = { ...cheap, effectBp: 5000 }
    // 200,000 for a whole kWh either way: device-0 goes first, and 3 kW of it are 1.5 at the point.
    expect(givenAt(reserved([half, dear], { ...whole, powerW: 2000 }), 600)).toEqual([3000, 500])
  })

  it('is given to the W where what is held is no whole step', () => {
    const held = [
      { ...cheap, heldW: 2437 },
      { ...dear, heldW: 2563 },
    ]
    const given = (powerW: number) => givenAt(reserved(held, { ...whole, powerW }), 600)
    expect(given(2000)).toEqual([2000, 0])
    expect(given(2500)).toEqual([2400, 100])
    expect(given(3000)).toEqual([2437, 563])
    expect(given(4000)).toEqual([2437, 1563])
    expect(given(4900)).toEqual([2437, 2463])
    expect(given(5000)).toEqual([2437, 2563])
    // Though a part more costs little beside what it serves, it is ordered for 2 W, too.
    const costly = [{ ...held[0], heldW: 2498 } as const, { ...held[1], price: 900_000 } as const]
    const two = reserved(costly as Holding[], { ...whole, powerW: 2500 })
    expect(givenAt(two, 600)).toEqual([2400, 100])
  })

  it('is given to within a W where effects are no whole numbers', () => {
    const held = [
      { ...cheap, heldW: 3000, effectBp: 9873 },
      { ...dear, heldW: 2065, effectBp: 9873 },
    ]
    for (const powerW of [100, 1000, 2900, 3000, 4000, 4900, 5000]) {
      const call = reserved(held, { ...whole, powerW })
      const { givenW } = leastActivated(call, call.activation)
      expect(Math.abs(givenW - powerW)).toBeLessThan(1)
    }
  })

  it('is the same through all of it though another one begins for less than a step', () => {
    const held = [{ ...cheap, heldW: 2437 }, dear]
    const call = reserved(held, { ...whole, powerW: 2500 })
    expect(givenAt(call, 600)).toEqual([2400, 100])
    expect(givenAt(call, 900)).toEqual([2400, 100])
  })

  it('goes on with the next in merit order where one was let go, from the next metering boundary', () => {
    const gone = { ...cheap, releasedAfter: 615 }
    const call = reserved([gone, dear], { ...whole, powerW: 2000 })
    expect(givenAt(call, 600)).toEqual([2000, 0])
    expect(givenAt(call, 630)).toEqual([0, 2000])
    const short = reserved([gone, dear], { ...whole, powerW: 2500 })
    expect(leastActivated(short, short.activation)).toEqual({ givenW: 2000, heldW: 2000 })
  })

  it('leaves who gives where it is, though a cheaper one comes in its place', () => {
    const call = reserved([dear], { ...whole, powerW: 1000 })
    const other = reserved([dear, cheap], whole)
    const [, late] = other.allocations
    const periods = late?.periods.map((one) => ({ ...one, start: at(600) })).slice(0, 1) ?? []
    const repair: Allocation = { ...(late as Allocation), role: 'repair', periods }
    const allocations = [...call.allocations, repair]
    const repaired = { ...call, candidates: other.candidates, allocations }
    expect(givenAt(repaired, 600)).toEqual([1000, 0])
  })
})

const holding: fc.Arbitrary<Holding> = fc.record({
  kind: fc.constantFrom<ResourceKind[]>('charger', 'battery'),
  price: fc.integer({ min: 0, max: 4 }).map((step) => step * 50_000),
  fromW: fc.constant(0),
  // No order is below a step.
  heldW: fc.integer({ min: 100, max: 5000 }),
  effectBp: fc.constantFrom(10_000, 10_000, 10_000, 7_500, 9_873, 10_479),
  releasedAfter: fc.option(fc.integer({ min: 0, max: SECONDS }), { nil: null }),
})

/** Chargers draw at least what they hold, and hold all of it or leave their least power. */
const holdings = fc.array(holding, { minLength: 1, maxLength: 6 }).map((all) =>
  all.map((one) => {
    if (one.kind === 'battery') return one
    return { ...one, fromW: one.heldW % 200 === 0 ? one.heldW : one.heldW + 1380 }
  }),
)

const asked = fc.record({
  start: fc.integer({ min: 0, max: 29 }).map((i) => at(i * 60)),
  minutes: fc.integer({ min: 1, max: 30 }),
  powerW: fc.integer({ min: 1, max: 200 }).map((steps) => steps * 100),
  direction: fc.constantFrom<Direction[]>('reduce-import', 'increase-import'),
})

describe('whatever stands by and whatever is asked for', () => {
  const each = (check: (call: Reserved & { activation: Activation }, held: Holding[]) => void) =>
    fc.assert(
      fc.property(holdings, asked, (all, { start, minutes, powerW, direction }) => {
        const end = addSeconds(start, Math.min(minutes * 60, (at(SECONDS) - start) / 1000))
        const held = direction === 'reduce-import' ? all : all.map((one) => ({ ...one, fromW: 0 }))
        check(reserved(held, { start, end, powerW }, direction), held)
      }),
      { numRuns: 60 },
    )
  const seconds = Array.from({ length: SECONDS / 30 }, (_, i) => i * 30)

  it('no device gives more than it holds, nor outside the activation, nor beyond its setpoints', () => {
    each((call, held) => {
      const { activation, request } = call
      activated(call).forEach((part, i) => {
        const { fromW, heldW, kind } = held[i] as Holding
        const whole = fromW + (request.direction === 'reduce-import' ? -heldW : heldW)
        for (const { start, end, powerW, setpointW } of part.periods) {
          expect(start).toBeGreaterThanOrEqual(activation.start)
          expect(end).toBeLessThanOrEqual(activation.end)
          expect(powerW).toBeGreaterThan(0)
          expect(powerW).toBeLessThanOrEqual(heldW)
          expect(setpointW).toBeGreaterThanOrEqual(Math.min(fromW, whole))
          expect(setpointW).toBeLessThanOrEqual(Math.max(fromW, whole))
          const isBetween = setpointW > 0 && setpointW < 1380
          expect(kind === 'charger' && request.direction === 'reduce-import' && isBetween).toBe(
            false,
          )
        }
      })
    })
  })

  it('all together never give a W more than is asked for, and all of it where batteries hold it', () => {
    each((call, held) => {
      const { activation } = call
      const parts = activated(call)
      const isPlain = held.every(({ kind, effectBp }) => kind === 'battery' && effectBp === 10_000)
      for (const second of seconds) {
        const sum = parts.reduce((all, part, i) => {
          const powerW = periodAt(part, at(second))?.powerW ?? 0
          return all + powerW * (held[i]?.effectBp ?? 0)
        }, 0)
        const sumW = sum / 10_000
        const isIn = at(second) >= activation.start && at(second) < activation.end
        if (isIn) expect(sumW).toBeLessThan((activation.powerW ?? 0) + 1)
        else expect(sumW).toBe(0)
        if (!isIn || !isPlain) continue
        const thereW = held
          .filter(({ releasedAfter = null }) => {
            return releasedAfter === null || second < Math.floor(releasedAfter / 30) * 30 + 30
          })
          .reduce((sum, { heldW }) => sum + heldW, 0)
        expect(sumW).toBe(Math.min(thereW, activation.powerW ?? 0))
      }
    })
  })

  it('all of it is what everybody holds', () => {
    each((call) => {
      const { powerW: _, ...all } = call.activation
      const parts = activated({ ...call, activations: [all] })
      parts.forEach((part, i) => {
        for (const period of part.periods) {
          expect(period.powerW).toBe(call.allocations[i]?.periods[0]?.powerW)
        }
      })
    })
  })
})

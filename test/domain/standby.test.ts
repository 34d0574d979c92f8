import { describe, expect, it } from 'vitest'
import type { Candidate } from '#domain/allocation.ts'
import { inForce } from '#domain/activation.ts'
import type { ResourceKind } from '#domain/resource.ts'
import { heldSecondsOf, STANDBY_RULE, type StandbyRule, standbyOf } from '#domain/standby.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

/** 3 kW are reserved for a quarter of an hour, 750 Wh, of a battery of 10 kWh that keeps 2 kWh. */
function isReady(
  kind: ResourceKind,
  readings: readonly Omit<DeviceReading, 'resourceId' | 'powerW'>[],
  {
    direction = 'reduce-import',
    isUsed = false,
    isOfFirstRule = false,
    rule = STANDBY_RULE,
    usedUntil,
  }: Partial<Asked> = {},
): boolean {
  const { id, ownerId, aggregatorId, rating, offer } = aResource('device', kind, 0n)
  const candidate: Candidate = {
    resourceId: id,
    ownerId,
    aggregatorId,
    aggregatorShareBp: basisPoints(0),
    kind,
    rating,
    price: offer.price,
    ...aBaseline(),
  }
  const period = { start: at(0), end: at(900), powerW: 3000, setpointW: 0 }
  const allocation = { resourceId: id, role: 'order', periods: [period], releasedAt: null } as const
  const before = (end: number) => ({ ...period, start: at(-300), end: at(end) })
  const used = [
    ...(isUsed ? [{ ...period, start: at(600) }] : []),
    ...(usedUntil === undefined ? [] : [before(usedUntil)]),
  ]
  const [found] = standbyOf({
    allocations: [allocation],
    called: [{ ...allocation, periods: used }],
    readings: readings.map((reading) => ({ ...reading, resourceId: id, powerW: null })),
    candidates: [candidate],
    direction,
    longestGapSeconds: 900,
    heldSeconds: 120,
    ...(isOfFirstRule ? {} : { rule }),
  })
  expect(found?.reservedWh).toBe(750)
  return found?.isReady ?? false
}
type Asked = {
  direction: 'reduce-import' | 'increase-import'
  isUsed: boolean
  isOfFirstRule: boolean
  rule: StandbyRule
  /** It was called upon just before, until then. */
  usedUntil: number
}

const meter = (socBp: number | null, usedWh = 0) => [
  { at: at(0), registerWh: 1000, socBp },
  { at: at(900), registerWh: 1000 + usedWh, socBp },
]

describe('who stood by', () => {
  it('is nobody whose meter is silent, or does not tell a state of charge', () => {
    expect(isReady('battery', [])).toBe(false)
    expect(isReady('battery', meter(9000).slice(0, 1))).toBe(false)
    expect(isReady('battery', meter(null))).toBe(false)
  })

  it('is a battery with the energy above its reserve, or with the room for it', () => {
    // It stores 789.5 Wh for 750 that it gives; a basis point is 1 Wh, told rounded by half of it.
    expect(isReady('battery', meter(2788))).toBe(false)
    expect(isReady('battery', meter(2789))).toBe(true)
    // Of 750 Wh that it takes 712.5 are stored.
    const more = { direction: 'increase-import' } as const
    expect(isReady('battery', meter(9289), more)).toBe(false)
    expect(isReady('battery', meter(9288), more)).toBe(true)
  })

  it('is a charger that was held on after it was called upon, until a step limit let it go', () => {
    const meters = meter(null, 700)
    expect(isReady('charger', meters)).toBe(false)
    expect(isReady('charger', meters, { usedUntil: 0 })).toBe(true)
    expect(isReady('charger', meters, { usedUntil: -120 })).toBe(false)
    expect(isReady('charger', meters, { usedUntil: 0, rule: 2 })).toBe(false)
    expect(isReady('charger', meters, { usedUntil: 0, isOfFirstRule: true })).toBe(false)
    expect(isReady('charger', [], { usedUntil: 0 })).toBe(false)
  })

  it('may be held on for as long as letting go of all takes, without a step limit not at all', () => {
    const stepLimit = { stepMaxW: 5000, rampMaxWPerMinute: 5000 }
    expect(heldSecondsOf([15_000, 9000], { stepLimit, controlCycleSeconds: 30 })).toBe(150)
    expect(heldSecondsOf([15_000], { controlCycleSeconds: 30 })).toBe(0)
    expect(heldSecondsOf([10_000_000], { stepLimit, controlCycleSeconds: 30 })).toBe(3600)
  })

  it('is by the first rule a battery with so much stored, or so much to be filled, to the Wh', () => {
    const first = { isOfFirstRule: true }
    expect(isReady('battery', meter(2749), first)).toBe(false)
    expect(isReady('battery', meter(2750), first)).toBe(true)
    const more = { ...first, direction: 'increase-import' } as const
    expect(isReady('battery', meter(9251), more)).toBe(false)
    expect(isReady('battery', meter(9250), more)).toBe(true)
    expect(isReady('battery', meter(null), first)).toBe(false)
  })

  it('is a charger that drew what was to be taken away', () => {
    expect(isReady('charger', meter(null, 749))).toBe(false)
    expect(isReady('charger', meter(null, 750))).toBe(true)
  })

  it('is whoever was called upon: there the delivery says what it was worth', () => {
    expect(isReady('charger', meter(null, 0), { isUsed: true })).toBe(true)
    expect(isReady('charger', [], { isUsed: true })).toBe(false)
  })
})

describe('a stretch in which power is ordered', () => {
  const whole = { start: at(0), end: at(900) }
  const activation = (from: number, until: number) => ({
    start: at(from),
    end: at(until),
    orderedAt: at(-60),
  })

  it('is nothing without an activation, and all of it in an ordinary call', () => {
    expect(inForce(whole, [])).toEqual([])
    expect(inForce(whole, [activation(900, 1800), activation(-900, 0)])).toEqual([])
    expect(inForce(whole, undefined)).toEqual([whole])
  })

  it('is what each activation covers of it', () => {
    const parts = inForce(whole, [
      activation(-900, 60),
      activation(300, 360),
      activation(840, 1800),
    ])
    expect(parts).toEqual([
      { start: at(0), end: at(60) },
      { start: at(300), end: at(360) },
      { start: at(840), end: at(900) },
    ])
  })
})

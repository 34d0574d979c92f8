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
function standbyParts(
  kind: ResourceKind,
  readings: readonly Omit<DeviceReading, 'resourceId' | 'powerW'>[],
  {
    direction = 'reduce-import',
    used = [],
    gaveWh = 0,
    rule = STANDBY_RULE,
    heldSeconds = 0,
    floorW,
  }: Partial<Asked> = {},
) {
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
  const part = { resourceId: id, role: 'order', periods: [period], releasedAt: null } as const
  const allocation = floorW === undefined ? part : { ...part, floorW }
  const periods = used.map(([from, until, powerW]) => {
    return { ...period, start: at(from), end: at(until), powerW }
  })
  const deliveries = periods.slice(0, 1).map(({ start, end }) => {
    const measured = { baselineWh: 1000, measuredWh: 1000 - gaveWh, deliveredWh: gaveWh }
    return { resourceId: id, start, end, orderedWh: gaveWh, ...measured }
  })
  return standbyOf({
    allocations: [allocation],
    called: [{ ...allocation, periods }],
    deliveries,
    readings: readings.map((reading) => ({ ...reading, resourceId: id, powerW: null })),
    candidates: [candidate],
    direction,
    longestGapSeconds: 900,
    heldSeconds,
    meteringIntervalSeconds: 30,
    ...(rule === 1 ? {} : { rule }),
  })
}
type Asked = {
  direction: 'reduce-import' | 'increase-import'
  /** From and until, seconds, and W. */
  used: readonly (readonly [number, number, number])[]
  /** Wh in the first of them. */
  gaveWh: number
  rule: 1 | StandbyRule
  /** After it was called upon a step limit may hold it on so long. */
  heldSeconds: number
  /** It was found to rest there. */
  floorW: number
}

/** Where it is judged as one. */
function isReady(...given: Parameters<typeof standbyParts>): boolean {
  const [found, ...others] = standbyParts(...given)
  expect(found?.reservedWh).toBe(750)
  expect(others).toEqual([])
  return found?.isReady ?? false
}

/** Wh of what it was called for and of what it held beside that, that count. */
function countedWh(...given: Parameters<typeof standbyParts>) {
  const found = standbyParts(...given)
  const wholeWh = found.reduce((sum, { reservedWh }) => sum + reservedWh, 0)
  expect(wholeWh).toBe(750 - (given[2]?.floorW ?? 0) / 4)
  const counted = (called: boolean) =>
    found
      .filter(({ isReady: counts, isCalled }) => counts && isCalled === called)
      .reduce((sum, { reservedWh }) => sum + reservedWh, 0)
  return { calledWh: counted(true), heldWh: counted(false) }
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
    const meters = [0, 120, 900].map((seconds) => {
      return {
        at: at(seconds),
        registerWh: (3000 * Math.max(0, seconds - 120)) / 3600,
        socBp: null,
      }
    })
    const calledUntil = (until: number) => {
      return { used: [[-300, until, 3000]], heldSeconds: 120 } as const
    }
    expect(isReady('charger', meters)).toBe(false)
    expect(isReady('charger', meters, calledUntil(0))).toBe(true)
    expect(isReady('charger', meters, { ...calledUntil(0), heldSeconds: 0 })).toBe(false)
    expect(isReady('charger', meters, calledUntil(-120))).toBe(false)
    expect(isReady('charger', meters, { ...calledUntil(0), rule: 2 })).toBe(false)
    expect(isReady('charger', meters, { ...calledUntil(0), rule: 1 })).toBe(false)
    expect(isReady('charger', [], calledUntil(0))).toBe(false)
  })

  it('may be held on for as long as letting go of all takes, without a step limit not at all', () => {
    const stepLimit = { stepMaxW: 5000, rampMaxWPerMinute: 5000 }
    expect(heldSecondsOf([15_000, 9000], { stepLimit, controlCycleSeconds: 30 })).toBe(150)
    expect(heldSecondsOf([15_000], { controlCycleSeconds: 30 })).toBe(0)
    expect(heldSecondsOf([10_000_000], { stepLimit, controlCycleSeconds: 30 })).toBe(3600)
  })

  it('is by the first rule a battery with so much stored, or so much to be filled, to the Wh', () => {
    const first = { rule: 1 } as const
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

  it.each([1, 2] as const)(
    'is by rule %i whoever was called upon, in all that it holds',
    (rule) => {
      const used = [[600, 900, 300]] as const
      expect(isReady('charger', meter(null, 0), { used, rule })).toBe(true)
      expect(isReady('battery', meter(2000), { used, rule })).toBe(true)
      expect(isReady('charger', [], { used, rule })).toBe(false)
    },
  )
})

describe('who was called for a part of what it holds', () => {
  /** 300 W for 5 minutes, and all of it for 5 minutes. */
  const [part, all] = [[[600, 900, 300]] as const, [[600, 900, 3000]] as const]

  it('is a battery that stood by with the rest if its energy was enough for all of it', () => {
    const called = { calledWh: 25, heldWh: 725 }
    expect(countedWh('battery', meter(2789), { used: part })).toEqual(called)
    expect(countedWh('battery', meter(2788), { used: part })).toEqual({ ...called, heldWh: 0 })
    expect(countedWh('battery', meter(2789), { used: all })).toEqual({ calledWh: 250, heldWh: 500 })
    const twice = { used: [...part, [300, 600, 3000]] as const }
    expect(countedWh('battery', meter(2789), twice)).toEqual({ calledWh: 275, heldWh: 475 })
    expect(countedWh('battery', [], { used: part })).toEqual({ calledWh: 0, heldWh: 0 })
  })

  it('stood by with nothing else where it was called for all of it', () => {
    const used = [[0, 900, 3000]] as const
    expect(countedWh('battery', meter(null), { used })).toEqual({ calledWh: 750, heldWh: 0 })
    expect(countedWh('charger', meter(null), { used })).toEqual({ calledWh: 750, heldWh: 0 })
  })

  it('is a charger that drew the rest, with what it gave instead of drawing it', () => {
    const held = (drewWh: number, changes: Partial<Asked>) =>
      countedWh('charger', meter(null, drewWh), changes).heldWh
    expect(held(725, { used: part, gaveWh: 25 })).toBe(725)
    // A Wh may be lost where what it gave is rounded, and no more.
    expect(held(724, { used: part, gaveWh: 25 })).toBe(725)
    expect(held(723, { used: part, gaveWh: 25 })).toBe(0)
    // It came for nothing of it, and drew what was to be taken away.
    expect(held(750, { used: part })).toBe(725)
    expect(held(749, { used: part })).toBe(0)
  })

  it('is a charger that takes a metering interval to come back from it, and no longer', () => {
    // 3 kW until it is called for all of it after 5 minutes, for 5 minutes.
    const drew = (back: number) => [
      { at: at(0), registerWh: 1000, socBp: null },
      { at: at(300), registerWh: 1250, socBp: null },
      { at: at(600), registerWh: 1250, socBp: null },
      { at: at(630), registerWh: back > 600 ? 1250 : 1275, socBp: null },
      { at: at(900), registerWh: 1250 + ((900 - back) * 3000) / 3600, socBp: null },
    ]
    const used = [[300, 600, 3000]] as const
    const held = (back: number) => countedWh('charger', drew(back), { used, gaveWh: 250 }).heldWh
    expect(held(600)).toBe(500)
    expect(held(630)).toBe(500)
    expect(held(660)).toBe(0)
    // Also where the call ended as this period began.
    const before = [[-300, 0, 3000]] as const
    const late = [
      { at: at(0), registerWh: 1000, socBp: null },
      { at: at(30), registerWh: 1000, socBp: null },
      { at: at(900), registerWh: 1725, socBp: null },
    ]
    expect(countedWh('charger', late, { used: before }).heldWh).toBe(750)
    expect(countedWh('charger', late, {}).heldWh).toBe(0)
  })

  it('is no charger that lacks more than it was called for', () => {
    // Called for 100 W until this period began, and away from then on, for two minutes.
    const away = [
      { at: at(0), registerWh: 1000, socBp: null },
      { at: at(120), registerWh: 1000, socBp: null },
      { at: at(900), registerWh: 1650, socBp: null },
    ]
    const held = (calledW: number) =>
      countedWh('charger', away, { used: [[-300, 0, calledW]], heldSeconds: 120 }).heldWh
    expect(held(3000)).toBe(750)
    expect(held(100)).toBe(0)
    // What it gave beyond its part while it was called does not stand for the rest of the period.
    const used = [[0, 300, 3000]] as const
    expect(countedWh('charger', meter(null, 0), { used, gaveWh: 250 }).heldWh).toBe(0)
    expect(countedWh('charger', meter(null, 0), { used, gaveWh: 917 }).heldWh).toBe(0)
  })

  it('holds nothing of what lies below the least at which it was found to rest', () => {
    const rested = { used: [[0, 300, 3000]], gaveWh: 250, floorW: 1200 } as const
    expect(countedWh('charger', meter(null, 500), rested)).toEqual({ calledWh: 250, heldWh: 200 })
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

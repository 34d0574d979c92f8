import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Allocation, Candidate } from '#domain/allocation.ts'
import { referenceOf } from '#domain/baseline/candidate.ts'
import { fleetBaselines, isOfFleet } from '#domain/baseline/fleet.ts'
import { fraction } from '#domain/baseline/fraction.ts'
import type { CallReadings } from '#domain/baseline/stretches.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import {
  aProgram,
  aRequest,
  aResource,
  baselineMethod,
  WINDOW_START,
} from '../../support/builders.ts'

const METHOD = baselineMethod('state-based-ev')
if (!isOfFleet(METHOD)) throw new Error('not of a fleet')
const PROGRAM = aProgram({ chargerBaseline: METHOD })
const REQUEST = aRequest([1000, 1000])
const LEVEL = [-1800, -900].map((s) => addSeconds(WINDOW_START, s))

type Car = {
  /** Wh per period on the days before: the level, and both of the window. */
  readonly usual: number
  readonly window: readonly [number, number]
  /** Wh per period before the window today; null: not known. */
  readonly today: number | null
  /** Seconds from the window's start between which it is ordered; null: not at all. */
  readonly ordered: readonly [number, number] | null
  /** Wh per period inside the window; null: lost. */
  readonly draws: number | null
}
const CAR: Car = { usual: 100, window: [100, 100], today: 100, ordered: [0, 1800], draws: 100 }

function candidateOf({ usual, window }: Car, i: number): Candidate {
  const { id, ownerId, aggregatorId, kind, rating, offer } = aResource(`r${i}`, 'charger', 1n)
  return {
    resourceId: id,
    ownerId,
    aggregatorId,
    aggregatorShareBp: basisPoints(0),
    kind,
    rating,
    price: offer.price,
    baselineMethod: referenceOf(PROGRAM.chargerBaseline),
    baselineW: [],
    baseline: {
      energies: window.map((wh) => fraction(wh)),
      level: { starts: LEVEL, usual: fraction(usual) },
      callDays: [],
      daysUsed: [],
      dropped: [],
      refused: null,
    },
  }
}

function readingsOf({ today, draws }: Car, id: Candidate['resourceId']): CallReadings {
  const reading = (seconds: number, registerWh: number): DeviceReading => ({
    resourceId: id,
    at: addSeconds(WINDOW_START, seconds),
    powerW: null,
    registerWh,
    socBp: null,
  })
  const level = today ?? 0
  const before = today === null ? [] : [reading(-1800, 0), reading(-900, level)]
  const drawn = draws ?? 0
  const readings =
    draws === null
      ? [reading(0, 2 * level)]
      : [0, 450, 900, 1350, 1800].map((s, i) => reading(s, 2 * level + Math.round((drawn * i) / 2)))
  return { program: PROGRAM, request: REQUEST, before, readings }
}

function allocationOf({ ordered }: Car, { resourceId }: Candidate): Allocation[] {
  if (ordered === null) return []
  const [from, until] = ordered
  const cut = (start: number, end: number) => ({
    start: addSeconds(WINDOW_START, Math.max(start, from)),
    end: addSeconds(WINDOW_START, Math.min(end, until)),
    powerW: 100,
    setpointW: 0,
  })
  const periods = [cut(0, 900), cut(900, 1800)].filter(({ start, end }) => end > start)
  return [{ resourceId, role: 'order', periods, releasedAt: null }]
}

/** Whole Wh by car and start of stretch, in seconds from the window's start. */
function shares(cars: readonly Car[]): Record<string, number> {
  const candidates = cars.map(candidateOf)
  const allocations = candidates.flatMap((c, i) => allocationOf(cars[i] as Car, c))
  const calls = new Map(
    candidates.map((c, i) => [c.resourceId, readingsOf(cars[i] as Car, c.resourceId)]),
  )
  const callOf = (id: Candidate['resourceId']) => calls.get(id) as CallReadings
  const found = fleetBaselines(METHOD as never, candidates, allocations, callOf)
  return Object.fromEntries(
    [...found].map(([key, wh]) => {
      const [id = '', at = ''] = key.split(' ')
      return [`${id} ${(Number(at) - WINDOW_START) / 1000}`, wh]
    }),
  )
}
const total = (found: Record<string, number>) => Object.values(found).reduce((a, b) => a + b, 0)

describe('a device has no share', () => {
  it('whose level is not known; the others keep the whole of what is known', () => {
    expect(shares([CAR, { ...CAR, today: null }])).toEqual({ 'r0 0': 100, 'r0 900': 100 })
  })

  it('that was not ordered, and its own draw is taken off the fleet’s', () => {
    const other = { ...CAR, ordered: null, draws: 40 }
    expect(shares([CAR, other])).toEqual({ 'r0 0': 160, 'r0 900': 160 })
  })

  it('and counts by its rated power where its readings inside the window are lost', () => {
    // 7360 W for a quarter of an hour: what would pay the fleet least.
    const other = { ...CAR, ordered: null, draws: null }
    expect(shares([CAR, other])).toEqual({ 'r0 0': 200 - 1840, 'r0 900': 200 - 1840 })
  })
})

describe('the fleet’s baseline', () => {
  it('has the shape of its days and the level of its meters', () => {
    const car = { ...CAR, usual: 100, window: [200, 50], today: 300 } as const
    expect(shares([car])).toEqual({ 'r0 0': 600, 'r0 900': 150 })
  })

  it('is the shape alone where nothing is usual before the window', () => {
    expect(shares([{ ...CAR, usual: 0, window: [200, 50], today: 300 }])).toEqual({
      'r0 0': 200,
      'r0 900': 50,
    })
  })

  it('is shared by what each drew before the window', () => {
    const found = shares([
      { ...CAR, today: 300 },
      { ...CAR, today: 100 },
    ])
    expect(found).toEqual({ 'r0 0': 300, 'r0 900': 300, 'r1 0': 100, 'r1 900': 100 })
  })

  it('is shared evenly where nobody drew anything and the days before say nothing', () => {
    const idle = { ...CAR, usual: 0, today: 0 }
    expect(shares([idle, idle])).toEqual({ 'r0 0': 100, 'r0 900': 100, 'r1 0': 100, 'r1 900': 100 })
  })

  it('falls on the stretches of one that was ordered for a part of a period', () => {
    const late = { ...CAR, ordered: [450, 1800] as const }
    // What it drew before it was ordered, 50 Wh, is its own.
    expect(shares([late])).toEqual({ 'r0 450': 50, 'r0 900': 100 })
  })

  it('sums to the whole to the Wh, whoever was ordered and for how long', () => {
    const car = fc.record({
      usual: fc.integer({ min: 0, max: 1500 }),
      window: fc.tuple(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 0, max: 1500 })),
      today: fc.integer({ min: 0, max: 1500 }),
      ordered: fc.constantFrom([0, 1800] as const, [450, 1800] as const, null),
      draws: fc.integer({ min: 0, max: 800 }).map((wh) => 2 * wh),
    })
    fc.assert(
      fc.property(fc.array(car, { minLength: 1, maxLength: 8 }), (cars) => {
        fc.pre(cars.some(({ ordered }) => ordered?.[0] === 0))
        const usual = cars.reduce((sum, one) => sum + one.usual, 0)
        const today = cars.reduce((sum, one) => sum + one.today, 0)
        const ratio = usual > 0 ? today / usual : 1
        const whole = [0, 1].map(
          (i) => cars.reduce((sum, one) => sum + (one.window[i] ?? 0), 0) * ratio,
        )
        const elsewhere = cars.reduce(
          (sum, { ordered, draws }) =>
            sum + (ordered === null ? 2 * draws : ordered[0] === 450 ? draws / 2 : 0),
          0,
        )
        const expected = (whole[0] ?? 0) + (whole[1] ?? 0) - elsewhere
        // Each period is rounded once.
        expect(Math.abs(total(shares(cars)) - expected)).toBeLessThanOrEqual(1)
      }),
      { seed: 5, numRuns: 200 },
    )
  })
})

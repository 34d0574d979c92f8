import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Adjustable, headroomOf } from '#domain/control/adjustable.ts'
import { lower, raise } from '#domain/control/spread.ts'
import { resourceId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '../../support/builders.ts'

const now = addSeconds(WINDOW_START, 600)
const limits = { now, stepW: 100, priceCap: microEurPerKwh(450_000n) }

/** A battery that gives 1 kW of 5 kW, unless the test says otherwise. */
function device(id: string, changes: Partial<Adjustable> = {}): Adjustable {
  return {
    resourceId: resourceId(id),
    price: microEurPerKwh(200_000n),
    responds: true,
    toldW: 1000,
    leastW: 0,
    mostW: 5000,
    switchedAt: null,
    dwellSeconds: 180,
    ...changes,
  }
}

const reserve = (id: string, price: bigint, changes: Partial<Adjustable> = {}) =>
  device(id, { responds: false, toldW: 0, price: microEurPerKwh(price), ...changes })
/** Draws 7 kW: down to its least power it gives 5.6 kW, stopped 7 kW. */
const charger = (id: string, toldW: number, changes: Partial<Adjustable> = {}) =>
  device(id, {
    toldW,
    mostW: 5600,
    stop: { fromW: 7000, toW: 7000, hysteresisW: 230 },
    ...changes,
  })

const told = ({ toW }: { toW: ReadonlyMap<string, number> }) => Object.fromEntries(toW)

describe('power of devices that are felt in part at the congestion point', () => {
  const half = device('half', { effectBp: 5000 })

  it('is counted there: 1 kW takes 2 kW of a device of which half is felt', () => {
    const found = raise([half], 1000, limits)
    expect(told(found)).toEqual({ half: 3000 })
    expect(found.leftW).toBe(0)
    expect(told(lower([half], 400, limits))).toEqual({ half: 200 })
  })

  it('is dearer by as much', () => {
    const whole = reserve('whole', 300_000n, { mostW: 500 })
    const felt = reserve('felt', 200_000n, { effectBp: 5000 })
    expect(told(raise([felt, whole], 1000, limits))).toEqual({ whole: 500, felt: 1000 })
  })
})

describe('more power', () => {
  it('is asked of nobody beyond the price cap, and of nobody within its dwell time', () => {
    const recent = { switchedAt: addSeconds(now, -179) }
    const found = raise([reserve('dear', 450_001n), device('recent', recent)], 500, limits)
    expect(told(found)).toEqual({})
    expect(found.leftW).toBe(500)
    expect(found.passedOver).toEqual([
      { resourceId: 'recent', reason: 'dwell' },
      { resourceId: 'dear', reason: 'price-cap' },
    ])
    const rested = device('rested', { switchedAt: addSeconds(now, -180) })
    expect(told(raise([rested], 500, limits))).toEqual({ rested: 1500 })
  })

  it('comes in the same share of its headroom from each device that responds', () => {
    const found = raise([device('a'), device('b', { toldW: 3000 })], 3000, limits)
    expect(told(found)).toEqual({ a: 3000, b: 4000 })
    expect(found.leftW).toBe(0)
  })

  it('beyond that comes from the reserve, cheapest first', () => {
    const found = raise(
      [reserve('dear', 300_000n), device('a'), reserve('cheap', 100_000n)],
      10_000,
      limits,
    )
    expect(told(found)).toEqual({ a: 5000, cheap: 5000, dear: 1000 })
  })

  it('is not asked of a reserve that starts with more than is wanted', () => {
    const block = reserve('block', 1n, { startW: 2000 })
    expect(told(raise([block, reserve('dear', 2n)], 1900, limits))).toEqual({ dear: 1900 })
    expect(told(raise([block, reserve('dear', 2n)], 2000, limits))).toEqual({ block: 2000 })
  })

  it('is asked of the reserve no further than it may be called', () => {
    const found = raise([device('a'), reserve('b', 1n)], 6000, { ...limits, reserveMostW: 4500 })
    expect(told(found)).toEqual({ a: 5000, b: 500 })
    const none = raise([device('a'), reserve('b', 1n)], 6000, { ...limits, reserveMostW: 0 })
    expect(told(none)).toEqual({ a: 5000 })
  })

  it('never brings a charger between its least power and a stop', () => {
    expect(told(raise([charger('c', 5000)], 1200, limits))).toEqual({ c: 5600 })
    expect(raise([charger('c', 5000)], 1200, limits).leftW).toBe(600)
    expect(told(raise([charger('c', 5000)], 2000, limits))).toEqual({ c: 7000 })
    const helped = raise([charger('c', 5600), reserve('b', 1n)], 1000, limits)
    expect(told(helped)).toEqual({ b: 1000 })
  })
})

describe('less power', () => {
  it('is taken back dearest first, never below what the gate ordered', () => {
    const dear = device('dear', { price: microEurPerKwh(300_000n), toldW: 2000, leastW: 1500 })
    const found = lower([device('cheap', { toldW: 2000 }), dear], 1000, limits)
    expect(told(found)).toEqual({ cheap: 1500, dear: 1500 })
  })

  it('is not asked of who was told something new just now', () => {
    const recent = device('r', { switchedAt: addSeconds(now, -1) })
    const found = lower([recent], 1000, limits)
    expect(told(found)).toEqual({})
    expect(found.passedOver).toEqual([{ resourceId: 'r', reason: 'dwell' }])
  })

  it('does not start a stopped charger for a little, only for more than its hysteresis', () => {
    expect(told(lower([charger('c', 7000)], 1500, limits))).toEqual({})
    expect(told(lower([charger('c', 7000)], 1700, limits))).toEqual({ c: 5300 })
  })
})

describe('whatever is asked', () => {
  const aDevice = fc.record({
    isCharger: fc.boolean(),
    responds: fc.boolean(),
    toldW: fc.integer({ min: 0, max: 50 }).map((steps) => steps * 100),
    price: fc.bigInt({ min: 0n, max: 600_000n }),
  })
  const devices = fc.array(aDevice, { maxLength: 12 }).map((all) =>
    all.map(({ isCharger, responds, toldW, price }, i) => {
      const changes = { price: microEurPerKwh(price), responds }
      const nowW = responds ? toldW : 0
      return isCharger
        ? charger(`d${i}`, nowW, changes)
        : device(`d${i}`, { ...changes, toldW: nowW })
    }),
  )
  const asked = fc.integer({ min: 1, max: 60_000 })

  it('no more is told than was asked for, to the step, and nobody is passed by in the order given', () => {
    fc.assert(
      fc.property(devices, asked, (all, wantedW) => {
        const { toW, leftW } = raise(all, wantedW, limits)
        const gained = all.reduce(
          (sum, one) => sum + (toW.get(one.resourceId) ?? one.toldW) - one.toldW,
          0,
        )
        expect(gained + leftW).toBe(Math.ceil(wantedW / 100) * 100)
        for (const one of all) {
          const to = toW.get(one.resourceId)
          if (to === undefined) continue
          expect(to).toBeGreaterThan(one.toldW)
          expect(to - one.toldW).toBeLessThanOrEqual(headroomOf(one))
          if (one.stop) expect(to <= one.mostW || to >= one.stop.fromW).toBe(true)
        }
        expect(told(raise(all.toReversed(), wantedW, limits))).toEqual(told({ toW }))
      }),
    )
  })

  it('no more is taken back than was too much', () => {
    fc.assert(
      fc.property(devices, asked, (all, tooMuchW) => {
        const { toW } = lower(all, tooMuchW, limits)
        const gone = all.reduce(
          (sum, one) => sum + one.toldW - (toW.get(one.resourceId) ?? one.toldW),
          0,
        )
        expect(gone).toBeLessThanOrEqual(tooMuchW)
      }),
    )
  })
})

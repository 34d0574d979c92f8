import { describe, expect, it } from 'vitest'
import type { Allocation, Candidate } from '#domain/allocation.ts'
import { cannotAnswer, mostByCurves, ratingForCurves } from '#domain/armed-curve.ts'
import { voltageStandby } from '#domain/armed-standby.ts'
import { packSamples, type VoltageArming, type VoltageRecording } from '#domain/arming.ts'
import { callId, resourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { voltageTarget } from '#domain/voltage-response.ts'
import { aResource, WINDOW_START } from '../support/builders.ts'
import { FREQUENCY, VOLTAGE } from '../support/standby-world.ts'

const SECONDS = 900
const RESERVED_W = 3_000
const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const window = { start: at(0), end: at(SECONDS) }
const { voltage: terms } = VOLTAGE
const { rating } = aResource('battery', 'battery', 1n)

/** For five minutes of fifteen the voltage is 8 % too high. */
const point = (second: number) => (second >= 300 && second < 600 ? 10_800 : 10_000)
/** Who writes down that there never was anything to answer, and truly does nothing. */
const idle = () => 10_000

/** Wh that count of each of some devices, by the voltage that each wrote down. */
function counted(
  seen: readonly ((second: number) => number)[],
  { meteredWh = 0 }: { readonly meteredWh?: number } = {},
): number[] {
  const curves = { curves: terms.curves, reservedW: RESERVED_W, ratedW: rating.exportMaxW }
  const periods = [{ ...window, powerW: RESERVED_W, setpointW: RESERVED_W }]
  const devices = seen.map((voltageAt, i) => {
    const id = resourceId(`battery-${i}`)
    const samples = Array.from({ length: SECONDS }, (_, second) => {
      const voltageBp = voltageAt(second)
      const { reactiveVar } = voltageTarget(curves, voltageBp)
      return { at: at(second), voltageBp, powerW: 0, reactiveVar: reactiveVar ?? 0 }
    })
    const allocation: Allocation = { resourceId: id, role: 'order', periods, releasedAt: null }
    const arming: VoltageArming = {
      callId: callId('call-1'),
      resourceId: id,
      answers: 'voltage',
      ...curves,
      responseMs: terms.responseMs,
      validFrom: window.start,
      validUntil: window.end,
      armedAt: window.start,
      refusal: null,
      recording: packSamples({ answers: 'voltage', samples }) as VoltageRecording,
    }
    const readings = [0, meteredWh].map((wh, end) => {
      const reading = { at: at(end * SECONDS), powerW: 0, registerWh: 100_000 + wh, socBp: 5_000 }
      return { resourceId: id, ...reading }
    })
    return { allocation, arming, readings, candidate: { resourceId: id, rating } as Candidate }
  })
  const found = voltageStandby({
    allocations: devices.map(({ allocation }) => allocation),
    armings: devices.map(({ arming }) => arming),
    readings: devices.flatMap(({ readings }) => readings),
    candidates: devices.map(({ candidate }) => candidate),
    terms,
    longestGapSeconds: SECONDS,
  })
  return found.map(({ isReady, reservedWh }) => (isReady ? reservedWh : 0))
}

describe('what a device recorded of the voltage', () => {
  it('counts for nothing where its meter contradicts the power in it', () => {
    expect(counted([point], { meteredWh: 100 })).toEqual([0])
  })

  it('counts for nothing where it is further from the others than the point spreads', () => {
    const [first, second, third, liar] = counted([point, point, point, idle])
    expect([first, second, third]).toEqual([750, 750, 750])
    // Ten minutes of fifteen, but for the second that its silence begins in.
    expect(liar).toBeGreaterThan(495)
    expect(liar).toBeLessThanOrEqual(500)
  })

  it('counts where it is as far off as devices along one feeder are', () => {
    const further = (second: number) => point(second) + terms.spreadBp
    expect(counted([point, point, further])).toEqual([750, 750, 750])
  })

  it('is all that is known where there are fewer than three', () => {
    expect(counted([point, idle])).toEqual([750, 750])
  })
})

describe('who can answer the voltage', () => {
  const able = {
    voltage: { curves: ['volt-var', 'volt-watt'], ratedVar: 2_000, pointsMax: 4 },
  } as const

  it('is only who holds all of the curves, with all of their corners', () => {
    const why = (voltage: Partial<typeof able.voltage> | null) =>
      cannotAnswer(VOLTAGE, voltage === null ? null : { voltage: { ...able.voltage, ...voltage } })
    expect(why(null)).toBe('it does not answer the voltage by itself')
    const alone = { ...able.voltage, curves: ['volt-watt' as const] }
    expect(cannotAnswer(VOLTAGE, { voltage: alone })).toBe('it holds no volt-var curve')
    const short = { ...able.voltage, pointsMax: 3 }
    expect(cannotAnswer(VOLTAGE, { voltage: short })).toBe('its curves have 3 corners at most')
    expect(why({})).toBeNull()
    expect(cannotAnswer(FREQUENCY, able)).toBe('it does not answer the frequency by itself')
    expect(cannotAnswer({}, null)).toBeNull()
  })

  it('is offered with no more W than it has var, where its reactive power is asked for', () => {
    expect(mostByCurves(VOLTAGE, able)).toBe(2_000)
    const [, pv] = terms.curves
    expect(mostByCurves({ voltage: { ...terms, curves: [pv] } }, able)).toBeNull()
    expect(mostByCurves({}, able)).toBeNull()
  })

  it('is foreseen with no more W than it has var, in the direction that is asked for', () => {
    const less = (direction: 'increase-import' | 'reduce-import') =>
      ratingForCurves(rating, { program: VOLTAGE, request: { direction } }, able)
    expect(less('increase-import')).toEqual({ ...rating, importMaxW: 2_000 })
    expect(less('reduce-import')).toEqual({ ...rating, exportMaxW: 2_000 })
    const [, pv] = terms.curves
    const program = { voltage: { ...terms, curves: [pv] } }
    const request = { direction: 'reduce-import' } as const
    expect(ratingForCurves(rating, { program, request }, able)).toBe(rating)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ArmedService,
  checkDroop,
  droopW,
  type FrequencyDroop,
  type FrequencySample,
  verifyDroop,
} from '#domain/frequency-response.ts'
import { agreesWithMeter, recordedWh } from '#domain/own-recording.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '../support/builders.ts'

/** All of the power at 200 mHz beyond a dead band of 20 mHz, within two seconds. */
const DROOP: FrequencyDroop = {
  nominalMilliHz: 50_000,
  deadBandOverMilliHz: 20,
  deadBandUnderMilliHz: 20,
  droopOverBp: 40,
  droopUnderBp: 40,
  responseMs: 2_000,
}
const SECONDS = 600
const service: ArmedService = {
  droop: DROOP,
  reservedW: 5_000,
  restW: 0,
  window: { start: WINDOW_START, end: addSeconds(WINDOW_START, SECONDS) },
  toleranceBp: 200,
  longestGapMs: 5_000,
}
const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
/** A dip of 200 mHz from the fifth minute on, for one minute. */
const dip = (second: number) => (second >= 300 && second < 360 ? 49_780 : 50_000)

/** One sample a second; the device answers the frequency of so many seconds before. */
function recording(lagSeconds: number, frequencyAt = dip): FrequencySample[] {
  return Array.from({ length: SECONDS }, (_, second) => ({
    at: at(second),
    frequencyMilliHz: frequencyAt(second),
    powerW: droopW(DROOP, service.reservedW, frequencyAt(Math.max(0, second - lagSeconds))),
  }))
}

describe('a droop curve', () => {
  it('is refused where it could not be one', () => {
    const refused = (changes: Partial<FrequencyDroop>, field: string) =>
      expect(() => checkDroop('droop', { ...DROOP, ...changes })).toThrow(`droop.${field}`)
    refused({ nominalMilliHz: 55_000 }, 'nominalMilliHz')
    refused({ deadBandOverMilliHz: -1 }, 'deadBandOverMilliHz')
    refused({ deadBandUnderMilliHz: 2_001 }, 'deadBandUnderMilliHz')
    refused({ droopUnderBp: 0 }, 'droopUnderBp')
    refused({ droopOverBp: 1.5 }, 'droopOverBp')
    refused({ responseMs: 0 }, 'responseMs')
    expect(checkDroop('droop', DROOP)).toBe(DROOP)
  })

  it('does nothing in its dead band, and all at its end, and never more', () => {
    const w = (frequencyMilliHz: number) => droopW(DROOP, 5_000, frequencyMilliHz)
    expect([49_980, 50_000, 50_020].map(w)).toEqual([0, 0, 0])
    expect([49_880, 49_780, 49_000].map(w)).toEqual([-2_500, -5_000, -5_000])
    expect([50_120, 50_220, 51_000].map(w)).toEqual([2_500, 5_000, 5_000])
  })

  it('never helps the wrong way, and never less where the frequency is further off', () => {
    const hertz = fc.integer({ min: 47_000, max: 53_000 })
    fc.assert(
      fc.property(hertz, hertz, fc.integer({ min: 0, max: 1e6 }), (a, b, reservedW) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        const [less, more] = [droopW(DROOP, reservedW, low), droopW(DROOP, reservedW, high)]
        expect(less).toBeLessThanOrEqual(more)
        expect(Math.abs(less)).toBeLessThanOrEqual(reservedW)
        if (low < 50_000) expect(less).toBeLessThanOrEqual(0)
      }),
    )
  })
})

describe('an armed device, judged by its own recording', () => {
  it('has not followed what it did not record, and nothing where it recorded nothing', () => {
    const samples = recording(0)
    const half = verifyDroop(service, samples.slice(0, 300))
    expect(half.performanceBp).toBeLessThanOrEqual(5_000)
    expect(half.performanceBp).toBeGreaterThan(4_950)
    expect(verifyDroop(service, [])).toMatchObject({ recordedMs: 0, performanceBp: 0 })
    const outside = samples.map((one) => ({ ...one, at: addSeconds(one.at, SECONDS + 1) }))
    expect(verifyDroop(service, outside).performanceBp).toBe(0)
  })

  it('has not followed while it slept through a dip, or answered too late', () => {
    const asleep = recording(0).map((one) => ({ ...one, powerW: 0 }))
    // The dip's first two seconds are on the way, and those after its end count again.
    expect(verifyDroop(service, asleep)).toMatchObject({ followedMs: 542_000, worstOffW: 5_000 })
    const slow = verifyDroop(service, recording(10))
    expect(slow.followedMs).toBe(600_000 - 2 * 8_000)
    expect(slow.calledMs).toBe(60_000)
  })

  it('has followed all the time where it was there within its response time', () => {
    for (const lag of [0, 1, 2]) {
      const verdict = verifyDroop(service, recording(lag))
      expect(verdict).toMatchObject({ performanceBp: 10_000, worstOffW: 0, recordedMs: 600_000 })
    }
  })

  it('answers about the power that it had: a battery that charges gives up its charging first', () => {
    const charging = recording(0).map((one) => ({ ...one, powerW: one.powerW + 2_000 }))
    expect(verifyDroop({ ...service, restW: 2_000 }, charging).performanceBp).toBe(10_000)
    expect(verifyDroop(service, charging).performanceBp).toBeLessThan(100)
  })

  it('is found out where it writes down what its meter does not show', () => {
    const limits = { leastWh: 5, shareBp: 500 }
    const said = recordedWh(recording(0), service.window.end)
    expect(said).toBeCloseTo(-5_000 / 60, 6)
    expect(agreesWithMeter(said, -83, limits)).toBe(true)
    expect(agreesWithMeter(said, -88, limits)).toBe(true)
    expect(agreesWithMeter(said, 0, limits)).toBe(false)
    expect(agreesWithMeter(said, -100, limits)).toBe(false)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import {
  checkVoltageTerms,
  verifyVoltage,
  type VoltageSample,
  voltageTarget,
  type VoltageTerms,
} from '#domain/voltage-response.ts'
import { WINDOW_START } from '../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const corners = (...pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([voltageBp, outputBp]) => ({ voltageBp, outputBp }))
const qv = {
  kind: 'volt-var' as const,
  points: corners([9_200, 4_400], [9_800, 0], [10_200, 0], [10_800, -4_400]),
}
const pv = { kind: 'volt-watt' as const, points: corners([10_600, 10_000], [11_000, 2_000]) }
const TERMS: VoltageTerms = {
  curves: [qv, pv],
  responseMs: 2_000,
  toleranceBp: 500,
  longestGapMs: 5_000,
  spreadBp: 300,
}
const SECONDS = 600
const service = {
  ...TERMS,
  reservedW: 4_000,
  ratedW: 5_000,
  window: { start: at(0), end: at(SECONDS) },
}

/** For a minute the voltage is 8 % too high. */
const swell = (second: number) => (second >= 120 && second < 180 ? 10_800 : 10_000)

/** One sample a second; the device exports and answers the voltage of so many seconds before. */
function recording(lagSeconds: number, exportedW: number): VoltageSample[] {
  return Array.from({ length: SECONDS }, (_, second) => {
    const seen = swell(Math.max(0, second - lagSeconds))
    const { reactiveVar, exportMaxW } = voltageTarget(service, seen)
    const powerW = 0 - Math.min(exportedW, exportMaxW)
    return { at: at(second), voltageBp: swell(second), powerW, reactiveVar: reactiveVar ?? 0 }
  })
}

describe('the terms of a voltage support', () => {
  it('are refused, naming the field', () => {
    const refused = (changes: Partial<VoltageTerms>, field: RegExp) =>
      expect(() => checkVoltageTerms('voltage', { ...TERMS, ...changes })).toThrow(field)
    refused({ curves: [] }, /voltage.curves: expected Q\(V\), P\(V\) or one of each, got none/)
    refused({ curves: [qv, qv] }, /voltage.curves: .* got volt-var, volt-var/)
    const wrongWay = { ...qv, points: qv.points.toReversed() }
    refused({ curves: [pv, wrongWay] }, /voltage.curves\[1\].points\[1\].voltageBp/)
    refused({ responseMs: 99 }, /voltage.responseMs/)
    refused({ toleranceBp: 5_001 }, /voltage.toleranceBp/)
    refused({ longestGapMs: 60_001 }, /voltage.longestGapMs/)
    refused({ spreadBp: -1 }, /voltage.spreadBp/)
    checkVoltageTerms('voltage', TERMS)
  })
})

describe('what curves ask for', () => {
  it('is a share of what is reserved, and of what the device may export', () => {
    expect(voltageTarget(service, 10_000)).toEqual({ reactiveVar: 0, exportMaxW: 5_000 })
    expect(voltageTarget(service, 10_500)).toEqual({ reactiveVar: -880, exportMaxW: 5_000 })
    expect(voltageTarget(service, 10_800)).toEqual({ reactiveVar: -1_760, exportMaxW: 3_000 })
    expect(voltageTarget(service, 9_000)).toEqual({ reactiveVar: 1_760, exportMaxW: 5_000 })
    const alone = { ...service, curves: [pv] }
    expect(voltageTarget(alone, 11_500)).toEqual({ reactiveVar: null, exportMaxW: 1_000 })
  })

  it('never pushes the voltage away from nominal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5_000, max: 15_000 }), (voltageBp) => {
        const { reactiveVar, exportMaxW } = voltageTarget(service, voltageBp)
        expect((reactiveVar ?? 0) * (10_000 - voltageBp)).toBeGreaterThanOrEqual(0)
        expect(exportMaxW).toBeLessThanOrEqual(service.ratedW)
      }),
    )
  })
})

describe('a recording of voltage, power and reactive power', () => {
  it('is worth nothing where there is none, or where it is silent', () => {
    expect(verifyVoltage(service, []).performanceBp).toBe(0)
    const halved = recording(0, 0).filter((_, second) => second < 300)
    expect(verifyVoltage(service, halved)).toMatchObject({ recordedMs: 299_000 })
  })

  it('shows who follows, with the time that it may take', () => {
    const verdict = verifyVoltage(service, recording(1, 5_000))
    expect(verdict).toMatchObject({ performanceBp: 10_000, calledMs: 60_000 })
    expect(verdict).toMatchObject({ worstOffVar: 0, worstOverW: 0 })
  })

  it('finds out who is too slow: by the swell and by its end', () => {
    // It may be two seconds late, but is ten: eight off at both ends.
    expect(verifyVoltage(service, recording(10, 0)).followedMs).toBe((SECONDS - 2 * 8) * 1_000)
  })

  it('finds out who injects nothing, and who exports more than P(V) allows', () => {
    const idle = recording(0, 0).map((one) => ({ ...one, reactiveVar: 0 }))
    expect(verifyVoltage(service, idle)).toMatchObject({ worstOffVar: 1_760 })
    const greedy = recording(0, 5_000).map((one) => ({ ...one, powerW: -5_000 }))
    const verdict = verifyVoltage(service, greedy)
    expect(verdict).toMatchObject({ worstOffVar: 0, worstOverW: 2_000 })
    expect(verdict.followedMs).toBe((SECONDS - 58) * 1_000)
  })

  it('says nothing of reactive power where no curve does', () => {
    const wild = recording(0, 3_000).map((one) => ({ ...one, reactiveVar: 4_000 }))
    expect(verifyVoltage({ ...service, curves: [pv] }, wild).performanceBp).toBe(10_000)
  })
})

import { describe, expect, it } from 'vitest'
import { betaMean, betaStrength } from '#domain/reliability/beta.ts'
import {
  classMean,
  type DeviceRecord,
  NO_RECORD,
  score,
  withOutcome,
  withShare,
} from '#domain/reliability/score.ts'

const CLASS_MEAN = 0.9
const repeat = (record: DeviceRecord, times: number, deliveredShare: number): DeviceRecord =>
  Array.from({ length: times }).reduce<DeviceRecord>(
    (before) => withOutcome(before, { reached: true, deliveredShare }),
    record,
  )

describe('the score of a device', () => {
  it('is the mean of its class, with the strength of five calls, before it was ever called', () => {
    const known = score(NO_RECORD.delivered, CLASS_MEAN)
    expect(betaMean(known)).toBeCloseTo(CLASS_MEAN, 12)
    expect(betaStrength(known)).toBeCloseTo(5, 12)
  })

  it('says apart whether it is reached and what it gives then', () => {
    let record = NO_RECORD
    for (let call = 0; call < 30; call += 1) {
      record = withOutcome(
        record,
        call % 2 === 0 ? { reached: false } : { reached: true, deliveredShare: 1 },
      )
    }
    expect(betaMean(score(record.reached, CLASS_MEAN))).toBeCloseTo(0.57, 1)
    expect(betaMean(score(record.delivered, CLASS_MEAN))).toBeGreaterThan(0.96)
  })

  it('forgets: an outcome 20 calls ago counts half', () => {
    const once = withShare({ good: 0, bad: 0 }, 0)
    let later = once
    for (let call = 0; call < 20; call += 1) later = withShare(later, 1)
    expect(later.bad).toBeCloseTo(0.5, 12)
  })

  it('follows a device that was repaired', () => {
    const broken = repeat(NO_RECORD, 40, 0.1)
    const repaired = repeat(broken, 40, 1)
    expect(betaMean(score(broken.delivered, CLASS_MEAN))).toBeLessThan(0.25)
    expect(betaMean(score(repaired.delivered, CLASS_MEAN))).toBeGreaterThan(0.75)
  })

  it('counts no more than what was instructed, and no less than nothing', () => {
    expect(repeat(NO_RECORD, 1, 1.7)).toEqual(repeat(NO_RECORD, 1, 1))
    expect(repeat(NO_RECORD, 1, -0.4)).toEqual(repeat(NO_RECORD, 1, 0))
    expect(() => repeat(NO_RECORD, 1, Number.NaN)).toThrow(RangeError)
  })
})

describe('the mean of a class', () => {
  it('is what was assumed, until its devices were called', () => {
    expect(classMean([], 0.9)).toBeCloseTo(0.9, 12)
    expect(classMean([{ good: 1, bad: 0 }], 0.9)).toBeCloseTo(5.5 / 6, 12)
    const seen = Array.from({ length: 200 }, () => ({ good: 14, bad: 6 }))
    expect(classMean(seen, 0.9)).toBeCloseTo(0.7, 2)
  })
})

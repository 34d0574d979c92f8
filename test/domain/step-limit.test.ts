import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inSteps, type PointLevel, stepToward } from '#domain/step-limit.ts'
import { addSeconds } from '#domain/time.ts'
import { north, WINDOW_START } from '../support/builders.ts'

const limit = { stepMaxW: 10_000, rampMaxWPerMinute: 6000 }
const wish = (changeW: number) => ({ changeW, mayWait: true })
const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

describe('the step limit of a congestion point', () => {
  it('never tells a device whose change alone is more than a step', () => {
    expect(inSteps([wish(10_001)], null, limit, at(0)).now).toEqual([])
  })

  it('lets through what fits, in order, and the rest as the ramp makes room', () => {
    const all = [4000, 4000, 4000].map(wish)
    const first = inSteps(all, null, limit, at(0))
    expect(first).toEqual({ now: all.slice(0, 2), levelW: 8000 })
    const level = { congestionPointId: north, levelW: 8000, at: at(0) }
    expect(inSteps([wish(4000)], level, limit, at(10)).now).toEqual([])
    expect(inSteps([wish(4000)], level, limit, at(20))).toMatchObject({ levelW: 10_000 })
  })

  it('never makes a device wait that is let go, and counts it', () => {
    const back = { changeW: 50_000, mayWait: false }
    const found = inSteps([back, wish(1)], null, limit, at(0))
    expect(found).toEqual({ now: [back], levelW: 50_000 })
  })

  it('holds over any stretch of time: a step and what the ramp brings', () => {
    const seconds = fc.integer({ min: 0, max: 60 })
    const cycle = fc.record({ seconds, asks: fc.array(fc.nat(9000)) })
    fc.assert(
      fc.property(fc.array(cycle, { minLength: 1, maxLength: 40 }), (cycles) => {
        let level: PointLevel | null = null
        let now = 0
        const told: { at: number; changeW: number }[] = []
        for (const { seconds: passed, asks } of cycles) {
          now += passed
          const found: ReturnType<typeof inSteps> = inSteps(asks.map(wish), level, limit, at(now))
          level = { congestionPointId: north, levelW: found.levelW, at: at(now) }
          for (const { changeW } of found.now) told.push({ at: now, changeW })
        }
        for (const from of new Set(told.map((one) => one.at))) {
          for (const until of new Set(told.map((one) => one.at))) {
            const inside = told.filter((one) => one.at >= from && one.at <= until)
            const changedW = inside.reduce((sum, one) => sum + one.changeW, 0)
            const most = limit.stepMaxW + ((until - from) * limit.rampMaxWPerMinute) / 60
            expect(changedW).toBeLessThanOrEqual(Math.max(0, most) + 1e-6)
          }
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('the way to a power that is more than a step away', () => {
  it('leaves a charger at its least, or off, where a step does not bring it over the gap', () => {
    expect(stepToward(4140, 0, 3000, 4140)).toBe(4140)
    expect(stepToward(5000, 0, 3000, 4140)).toBe(4140)
    expect(stepToward(0, 7000, 3000, 4140)).toBe(0)
    expect(stepToward(-2000, 7000, 3000, 4140)).toBe(0)
    expect(stepToward(2000, -7000, 1000, 4140)).toBe(4140)
  })

  it('crosses the gap in one step where a step is as long', () => {
    expect(stepToward(7000, 0, 4140, 4140)).toBe(4140)
    expect(stepToward(4140, 0, 4140, 4140)).toBe(0)
    expect(stepToward(0, 7000, 4140, 4140)).toBe(4140)
  })

  it('never tells a charger a power between 0 and its least, nor more than a step', () => {
    const leastW = 4140
    const power = fc.oneof(
      fc.integer({ min: -11_000, max: 0 }),
      fc.integer({ min: leastW, max: 22_000 }),
    )
    const stepMaxW = fc.integer({ min: 1, max: 12_000 })
    fc.assert(
      fc.property(power, power, stepMaxW, (fromW, toW, most) => {
        let atW = fromW
        for (let steps = 0; steps < 5; steps++) {
          const nextW = stepToward(atW, toW, most, leastW)
          expect(nextW <= 0 || nextW >= leastW).toBe(true)
          expect(Math.abs(nextW - atW)).toBeLessThanOrEqual(most)
          expect(Math.abs(toW - nextW)).toBeLessThanOrEqual(Math.abs(toW - atW))
          atW = nextW
        }
      }),
    )
  })

  it('comes to its end where a step is no shorter than the gap', () => {
    const power = fc.oneof(
      fc.integer({ min: -11_000, max: 0 }),
      fc.integer({ min: 4140, max: 22_000 }),
    )
    fc.assert(
      fc.property(power, power, fc.integer({ min: 4140, max: 9000 }), (fromW, toW, most) => {
        let atW = fromW
        for (let steps = 0; steps < 10; steps++) atW = stepToward(atW, toW, most, 4140)
        expect(atW).toBe(toW)
      }),
    )
  })
})

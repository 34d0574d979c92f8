import { describe, expect, test } from 'vitest'
import { ChargePoint } from '#simulations/devices/charge-point.ts'
import type { ChargingProfile } from '#simulations/devices/profile-stack.ts'
import type { QuirkId } from '#simulations/devices/quirks/catalogue.ts'
import { seededRandom } from '#simulations/random.ts'
import { at, charger, recorder, START } from './charger.ts'

/*
 * What a machine does with what its profiles say: a charge point of 32 A on one phase, a car that
 * takes it all, and a limit of 10 A unless the test says otherwise.
 */
const W = 230

function machine(...quirks: QuirkId[]) {
  const { recorded, events } = recorder()
  const device = charger({ quirks })
  const point = new ChargePoint(device, START, seededRandom(1, 'physics'), events)
  point.meteringIntervalSeconds = 30
  let now = 0
  return {
    point,
    recorded,
    limit(amperes: number, over: Partial<ChargingProfile> = {}) {
      point.stack.install({
        id: 4711,
        purpose: 'tx',
        stackLevel: 1,
        kind: 'Absolute',
        everySeconds: null,
        validFrom: null,
        validTo: null,
        start: at(now - 60),
        durationSeconds: 7200,
        unit: 'A',
        periods: [{ startSeconds: 0, limit: amperes, phases: 1 }],
        ...over,
      })
    },
    clear: () => point.stack.clear(({ id }) => id === 4711),
    /** The power after so many more seconds, in amperes. */
    after(seconds: number): number {
      now += seconds
      point.advance(at(now))
      return Math.round((point.powerW / W) * 100) / 100
    },
  }
}

describe('a machine', () => {
  test('without any quirk follows, pauses, resumes and lets go', () => {
    const { limit, clear, after } = machine()
    expect(after(30)).toBe(32)
    limit(10)
    expect(after(30)).toBe(10)
    limit(0)
    expect(after(90)).toBe(0)
    limit(3)
    expect(after(30)).toBe(0)
    limit(20)
    expect(after(30)).toBe(20)
    clear()
    expect(after(10)).toBe(32)
  })

  test('A1 stays at 9 A whatever comes on a lower level, until the old profile is cleared', () => {
    const { point, limit, after } = machine('A1')
    limit(20)
    expect(after(30)).toBe(9)
    point.stack.clear(({ purpose, stackLevel }) => purpose === 'tx' && stackLevel === 5)
    expect(after(30)).toBe(20)
  })

  test('A2 says 20 A while 6 A flow', () => {
    const { point, limit, after } = machine('A2')
    limit(15)
    expect(after(30)).toBe(6)
    expect(point.readNow().offeredAmperes).toBe(20)
  })

  test('A3 makes 18 A of 25 A, and 10 A of 10 A', () => {
    const { limit, after } = machine('A3')
    limit(25)
    expect(after(30)).toBe(18)
    limit(10)
    expect(after(30)).toBe(10)
  })

  test('A4 ignores the limit after a pause, and takes the one after that', () => {
    const { limit, after } = machine('A4')
    limit(0)
    expect(after(30)).toBe(0)
    limit(10)
    expect(after(30)).toBe(32)
    limit(10)
    expect(after(30)).toBe(10)
  })

  test('A6 lets through neither its limit nor its maximum', () => {
    const { limit, after } = machine('A6')
    limit(10)
    expect(after(30)).toBe(21)
  })

  test('A7 starts at 6 A and takes what it is told then', () => {
    const { limit, after } = machine('A7')
    expect(after(30)).toBe(6)
    limit(20)
    expect(after(30)).toBe(20)
  })

  test('A8 holds a cleared limit for 30 s', () => {
    const { limit, clear, after } = machine('A8')
    limit(10)
    after(30)
    clear()
    expect(after(25)).toBe(10)
    expect(after(15)).toBe(32)
  })

  test('A9 takes 0 A for no limit', () => {
    const { limit, after } = machine('A9')
    limit(0)
    expect(after(30)).toBe(32)
    limit(6)
    expect(after(30)).toBe(6)
  })

  test('A10 says that the limit is in force and keeps its power', () => {
    const { point, limit, after } = machine('A10')
    limit(10)
    expect(after(60)).toBe(32)
    expect(point.limitW).toBe(10 * W)
  })

  test('C1 charges at 6 A under a limit of 3 A, C2 under one of 0 A', () => {
    const c1 = machine('C1')
    c1.limit(3)
    expect(c1.after(30)).toBe(6)
    c1.limit(0)
    expect(c1.after(30)).toBe(0)
    const c2 = machine('C2')
    c2.limit(0)
    expect(c2.after(30)).toBe(6)
  })

  test('C4 never resumes after a minute of pause, and does after half of one', () => {
    const { limit, clear, after } = machine('C4')
    limit(0)
    after(30)
    limit(10)
    expect(after(30)).toBe(10)
    limit(0)
    after(90)
    clear()
    expect(after(600)).toBe(0)
  })

  test('C5 draws less than offered', () => {
    const { limit, after } = machine('C5')
    limit(10)
    expect(after(30)).toBe(9.3)
  })

  test('E5 dates values back by two seconds', () => {
    const { point, recorded, after } = machine('E5')
    after(31)
    expect(recorded.readings.map((reading) => reading.at)).toEqual([START])
    after(1)
    expect(recorded.readings[1]).toMatchObject({ at: at(30), registerWh: point.registerWh })
  })

  test('liar: the meter tells what was ordered, and the truth is somewhere else', () => {
    const { point, recorded, limit, after } = machine('liar')
    const before = { told: point.registerWh, true: point.trueWh }
    limit(10)
    after(3600)
    expect(recorded.readings.at(-1)?.powerW).toBe(10 * W)
    expect(point.registerWh - before.told).toBe(10 * W)
    expect(point.trueWh - before.true).toBeGreaterThan(31 * W)
  })

  test('contradicts: its power tells what was ordered, its register what has flowed', () => {
    const { point, recorded, limit, after } = machine('contradicts')
    const before = point.registerWh
    limit(10)
    after(3600)
    expect(recorded.readings.at(-1)?.powerW).toBe(10 * W)
    expect(point.registerWh - before).toBeGreaterThan(31 * W)
  })

  test('what outlives a restart is counted when written: a default, and no profile of a transaction', () => {
    const { point, limit } = machine()
    limit(10)
    limit(12, { id: 1, purpose: 'tx-default', stackLevel: 0 })
    limit(32, { id: 2, purpose: 'station-max', stackLevel: 0 })
    expect(point.stack.flashWrites).toBe(2)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resourceId } from '#domain/ids.ts'
import { type HeldDevice, releaseInSteps } from '#domain/rebound/release-in-steps.ts'
import type { PlannedRestart } from '#domain/rebound.ts'
import { addSeconds, secondsBetween } from '#domain/time.ts'
import { north, WINDOW_START } from '../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const limit = { stepMaxW: 10_000, rampMaxWPerMinute: 6000 }

function held(id: string, powerW: number, more: Partial<HeldDevice> = {}): HeldDevice {
  const rest = { defaultW: 0, leastW: 0, mayStayUntil: at(3600) }
  return { resourceId: resourceId(id), powerW, ...rest, ...more }
}

const free = ({ restarts }: { readonly restarts: readonly PlannedRestart[] }) =>
  restarts.map(({ restartsAt }) => secondsBetween(WINDOW_START, restartsAt))

/** Every change that the release makes, with its time in seconds. */
function changesOf(devices: readonly HeldDevice[], restarts: readonly PlannedRestart[]) {
  return restarts.flatMap(({ parts, restartsAt }, i) => {
    const { powerW, defaultW } = devices[i] as HeldDevice
    const told = [
      ...parts.map(({ start, limitW }) => ({ start, toW: limitW })),
      { start: restartsAt, toW: defaultW },
    ]
    return told.map(({ start, toW }, k) => {
      const changeW = Math.abs(toW - (told[k - 1]?.toW ?? powerW))
      return { seconds: secondsBetween(WINDOW_START, start), changeW }
    })
  })
}

describe('a release within the step limit', () => {
  it('lets one device after the other go, as the ramp makes room', () => {
    const devices = ['a', 'b', 'c', 'd'].map((id) => held(id, -5000))
    const found = releaseInSteps([], devices, limit, null, at(0))
    expect(free(found)).toEqual([0, 0, 50, 100])
    expect(found.passedW).toBe(0)
    expect(found.restarts[2]?.parts).toEqual([{ start: at(0), end: at(50), limitW: -5000 }])
  })

  it('counts what the point was told to change before', () => {
    const level = { congestionPointId: north, levelW: 10_000, at: at(-20) }
    const found = releaseInSteps([], [held('a', -5000)], limit, level, at(0))
    expect(free(found)).toEqual([30])
  })

  it('brings a device back in several steps that changes by more than one', () => {
    const { restarts } = releaseInSteps([], [held('a', -25_000)], limit, null, at(0))
    expect(restarts).toMatchObject([
      {
        parts: [
          { start: at(0), end: at(100), limitW: -15_000 },
          { start: at(100), end: at(150), limitW: -5000 },
        ],
        restartsAt: at(150),
      },
    ])
  })

  it('lets go of whom its owner does not leave held, first, and says what is passed', () => {
    const devices = [
      held('a', -8000),
      held('b', -8000, { mayStayUntil: at(0) }),
      held('c', -8000, { mayStayUntil: at(40) }),
    ]
    const found = releaseInSteps([], devices, limit, null, at(0))
    expect(free(found)).toEqual([140, 0, 40])
    // Of the 8 kW of b 4 are left when c goes.
    expect(found.passedW).toBe(2000)
  })

  it('waits with what a plan of the rebound brings back, and never hurries it', () => {
    const devices = ['a', 'b'].map((id) => held(id, 2000, { defaultW: 9000, leastW: 1400 }))
    const planned = devices.map((device) => ({
      resourceId: device.resourceId,
      parts: [{ start: at(0), end: at(600), limitW: 2000 }],
      restartsAt: at(600),
    }))
    expect(free(releaseInSteps(planned, devices, limit, null, at(0)))).toEqual([600, 640])
  })

  it('brings a charger over the gap below its least at once, and says that it is more than a step', () => {
    const small = { stepMaxW: 1000, rampMaxWPerMinute: 6000 }
    const charger = held('a', 0, { defaultW: 7000, leastW: 4000 })
    const found = releaseInSteps([], [charger], small, null, at(0))
    expect(free(found)).toEqual([0])
    expect(found.passedW).toBe(6000)
  })

  it('holds over any stretch of time a step and what the ramp brings, where nobody is forced', () => {
    const device = fc.record({
      powerW: fc.integer({ min: -12_000, max: 12_000 }),
      wait: fc.nat(300),
    })
    fc.assert(
      fc.property(fc.array(device, { minLength: 1, maxLength: 12 }), (all) => {
        const devices = all.map(({ powerW }, i) => held(`d${i}`, powerW))
        const planned = all.map(({ powerW, wait }, i) => ({
          resourceId: resourceId(`d${i}`),
          parts: wait === 0 ? [] : [{ start: at(0), end: at(wait), limitW: powerW }],
          restartsAt: at(wait),
        }))
        const { restarts, passedW } = releaseInSteps(planned, devices, limit, null, at(0))
        expect(passedW).toBe(0)
        const changes = changesOf(devices, restarts)
        for (const { seconds: from } of changes) {
          for (const { seconds: until } of changes) {
            const inside = changes.filter(({ seconds }) => seconds >= from && seconds <= until)
            const changedW = inside.reduce((sum, { changeW }) => sum + changeW, 0)
            const mostW = limit.stepMaxW + ((until - from) * limit.rampMaxWPerMinute) / 60
            expect(changedW).toBeLessThanOrEqual(until < from ? 0 : mostW + 1e-6)
          }
        }
        restarts.forEach(({ restartsAt }, i) => {
          expect(restartsAt).toBeGreaterThanOrEqual(at(all[i]?.wait ?? 0))
        })
      }),
      { numRuns: 60 },
    )
  })
})

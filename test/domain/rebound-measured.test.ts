import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resourceId } from '#domain/ids.ts'
import {
  lastBaselinesW,
  type MeasuredRebound,
  measuredRebound,
  measuredSpan,
} from '#domain/rebound/measured.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { periodsWith, WINDOW_END } from '../support/rebound.ts'

const STEP = 60
const after = (seconds: number): Instant => addSeconds(WINDOW_END, seconds)

/** A reading at the window's end and one after each minute, at these mean powers. */
function minutes(id: string, powersW: readonly number[], told = true): DeviceReading[] {
  const first = { resourceId: resourceId(id), at: WINDOW_END, powerW: null, registerWh: 50_000 }
  const readings: DeviceReading[] = [{ ...first, socBp: null }]
  let wattMinutes = 0
  powersW.forEach((powerW, i) => {
    wattMinutes += powerW
    const registerWh = 50_000 + Math.round(wattMinutes / 60)
    const at = after((i + 1) * STEP)
    readings.push({ ...first, at, powerW: told ? powerW : null, registerWh, socBp: null })
  })
  return readings
}

type Told = {
  readonly ids: readonly string[]
  readonly readings: readonly DeviceReading[]
  readonly roomsW?: readonly (number | null)[]
  readonly minutes: number
  readonly baselinesW?: Record<string, number>
  readonly backAt?: Record<string, Instant>
}

/** Planned periods of two minutes each. */
function measured({ ids, readings, roomsW = [null], minutes: count, ...more }: Told) {
  const restarts = ids.map((id) => {
    return { resourceId: resourceId(id), parts: [], restartsAt: WINDOW_END }
  })
  const hours = roomsW.map(() => 1 / 30)
  const periods = periodsWith(roomsW, hours).map((period) => ({ ...period, powerW: 9_000 }))
  const byId = <T>(values: Record<string, T> = {}) =>
    new Map(Object.entries(values).map(([id, value]) => [resourceId(id), value]))
  return measuredRebound(
    { restarts, periods },
    { from: WINDOW_END, until: after(count * STEP) },
    {
      readings,
      baselinesW: byId(more.baselinesW),
      backAt: byId(more.backAt),
      meteringIntervalSeconds: STEP,
      longestGapSeconds: 900,
    },
  )
}

describe('what came of a rebound, by the meters', () => {
  test('nothing is made up where nobody was heard', () => {
    const found = measured({ ids: ['a', 'b'], readings: [], roomsW: [5000], minutes: 2 })
    const nothing: Partial<MeasuredRebound> = { peakW: null, overshootW: null, periodsW: [null] }
    expect(found).toMatchObject({ ...nothing, unheard: 2, devices: [], drawnWh: 0 })
  })

  test('a device whose readings end early is counted and left out of every figure', () => {
    const readings = [...minutes('a', [3000, 3000]), ...minutes('b', [7000])]
    const found = measured({ ids: ['a', 'b'], readings, minutes: 2 })
    expect(found).toMatchObject({ unheard: 1, peakW: 3000, drawnWh: 100 })
  })

  test('is the greatest power of all together, beside the room of its own period', () => {
    const readings = [
      ...minutes('a', [0, 0, 7000, 7000]),
      ...minutes('b', [2000, 2000, 2000, 5000]),
    ]
    const told = { ids: ['a', 'b'], readings, minutes: 4 }
    const found = measured({ ...told, roomsW: [1500, 12_500] })
    expect(found).toMatchObject({ peakW: 12_000, overshootW: 500, periodsW: [2000, 12_000] })
    expect(found.drawnWh).toBe(Math.round(14_000 / 60) + Math.round(11_000 / 60))
    expect(measured({ ...told, roomsW: [2000, 12_000] }).overshootW).toBe(0)
    expect(measured({ ...told, roomsW: [null, null] }).overshootW).toBeNull()
  })

  test('a meter that tells no power is read by its register', () => {
    const readings = minutes('a', [6000, 1200], false)
    expect(measured({ ids: ['a'], readings, minutes: 2 })).toMatchObject({ peakW: 6000 })
  })

  test('each device has its energy, its baseline and when it was read back', () => {
    const readings = [...minutes('a', [6000, 6000]), ...minutes('b', [0, 0])]
    const known = { baselinesW: { a: 7200 }, backAt: { a: after(30) } }
    const found = measured({ ids: ['a', 'b'], readings, minutes: 2, ...known })
    expect(found.devices).toEqual([
      { resourceId: 'a', drawnWh: 200, baselineWh: 240, backAt: after(30) },
      { resourceId: 'b', drawnWh: 0, baselineWh: null, backAt: null },
    ])
    expect(found.baselineWh).toBeNull()
    const both = measured({ ids: ['a', 'b'], readings, minutes: 2, baselinesW: { a: 7200, b: 0 } })
    expect(both.baselineWh).toBe(240)
  })

  test('a later planned period, for which nobody has waited, is not measured', () => {
    const found = measured({
      ids: ['a'],
      readings: minutes('a', [1000, 1000]),
      roomsW: [null, null],
      minutes: 2,
    })
    expect(found.periodsW).toEqual([1000, null])
  })

  test('powers of any devices sum up, and none of them is in a figure without being heard', () => {
    const powers = fc.array(fc.integer({ min: 0, max: 11_000 }), { minLength: 6, maxLength: 6 })
    const fleet = fc.array(fc.record({ powers, isHeard: fc.boolean() }), { maxLength: 8 })
    fc.assert(
      fc.property(fleet, fc.integer({ min: 0, max: 40_000 }), (devices, roomW) => {
        const ids = devices.map((_, i) => `d${i}`)
        const readings = devices.flatMap((one, i) => {
          return minutes(`d${i}`, one.isHeard ? one.powers : one.powers.slice(1))
        })
        const found = measured({ ids, readings, roomsW: [roomW, roomW, roomW], minutes: 6 })
        const heard = devices.filter(({ isHeard }) => isHeard)
        const sums = [0, 1, 2, 3, 4, 5].map((t) =>
          heard.reduce((sum, one) => sum + (one.powers[t] as number), 0),
        )
        expect(found.unheard).toBe(devices.length - heard.length)
        expect(found.devices).toHaveLength(heard.length)
        if (heard.length === 0) return
        expect(found.peakW).toBe(Math.max(...sums))
        expect(found.overshootW).toBe(Math.max(0, Math.max(...sums) - roomW))
        expect(found.periodsW).toEqual([0, 2, 4].map((t) => Math.max(...sums.slice(t, t + 2))))
      }),
    )
  })
})

describe('how long a rebound is measured', () => {
  const [period] = periodsWith([null])
  if (period === undefined) throw new Error('there is a period')

  test('is from the interval in which the window ended to two whole ones after the last was back', () => {
    const late = { ...period, start: after(12), powerW: 0 }
    const span = measuredSpan({ periods: [late] }, after(301), STEP)
    expect(span).toEqual({ from: WINDOW_END, until: after(480) })
    expect(measuredSpan({ periods: [late] }, after(300), STEP).until).toBe(after(420))
  })
})

describe('what a device was expected to draw as the window ended', () => {
  test('is the baseline of its last stretch that was measured, as power', () => {
    const line = { resourceId: resourceId('a'), orderedWh: 0, deliveredWh: 0 }
    const first = { ...line, start: after(-1800), end: after(-900), baselineWh: 2000 }
    const last = { ...line, start: after(-900), end: WINDOW_END, baselineWh: 1750 }
    const known = { measuredWh: 0 }
    expect(
      lastBaselinesW([
        { ...last, ...known },
        { ...first, ...known },
      ]),
    ).toEqual(new Map([['a', 7000]]))
    expect(lastBaselinesW([{ ...last, measuredWh: null }])).toEqual(new Map())
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resourceId } from '#domain/ids.ts'
import { contradictionIn } from '#domain/plausibility.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds } from '#domain/time.ts'
import { aProgram, WINDOW_START } from '../support/builders.ts'

const program = aProgram()

/** One reading every 30 s: what it tells, what has flowed since the one before, and its charge. */
function readings(
  rows: readonly (readonly [told: number | null, flowedW: number, socBp?: number])[],
  everySeconds = 30,
): DeviceReading[] {
  let wh = 0
  return rows.map(([powerW, flowedW, socBp = null], i) => {
    wh += i === 0 ? 0 : (flowedW * everySeconds) / 3600
    const at = addSeconds(WINDOW_START, i * everySeconds)
    return { resourceId: resourceId('r'), at, powerW, registerWh: Math.floor(wh), socBp }
  })
}

const found = (rows: Parameters<typeof readings>[0], capacityWh: number | null = null) =>
  contradictionIn(readings(rows), program, capacityWh)

const LIE: readonly [number, number] = [3000, 7000]
const TRUE: readonly [number, number] = [3000, 3000]

describe('a power that its own register contradicts', () => {
  it('is none after one or two readings: a spike, or a change in between', () => {
    expect(found([TRUE, LIE, LIE])).toBeNull()
    expect(found([TRUE, LIE, LIE, TRUE, LIE, LIE, TRUE])).toBeNull()
  })

  it('is none where no power is told, or a reading came twice', () => {
    expect(
      found([
        [null, 0],
        [null, 7000],
        [null, 7000],
        [null, 7000],
      ]),
    ).toBeNull()
    const one = readings([TRUE])[0] as DeviceReading
    expect(contradictionIn([one, one, one, one], program, null)).toBeNull()
  })

  it('is one after three readings in a row, in either direction', () => {
    expect(found([TRUE, LIE, LIE, LIE])).toEqual({
      kind: 'register',
      at: addSeconds(WINDOW_START, 90),
      toldW: 3000,
      shownW: expect.closeTo(7000, -3),
    })
    const more: readonly [number, number] = [-5000, 0]
    expect(found([more, more, more, more])).toMatchObject({ kind: 'register', toldW: -5000 })
  })

  it('never comes of a meter that tells what flows, be it the mean or the moment', () => {
    const power = fc.integer({ min: -11_000, max: 11_000 })
    fc.assert(
      fc.property(
        fc.array(power, { minLength: 2, maxLength: 30 }),
        fc.boolean(),
        (powers, mean) => {
          // Of the moment: it moves in a straight line from one reading to the next.
          const rows = powers.map((now, i): [number, number] => [
            now,
            mean ? now : ((powers[i - 1] ?? now) + now) / 2,
          ])
          expect(found(rows)).toBeNull()
        },
      ),
    )
  })
})

describe('an energy that the state of charge does not show', () => {
  const given = (socBp: number): readonly [number, number, number] => [-6000, -6000, socBp]
  const hour = (rows: Parameters<typeof readings>[0], capacityWh: number | null) =>
    contradictionIn(readings(rows, 3600), program, capacityWh)

  it('is none where capacity or charge is not known, or losses and rounding explain it', () => {
    expect(hour([given(8000), given(8000)], null)).toBeNull()
    expect(
      hour(
        [
          [-6000, 0],
          [-6000, -6000],
        ],
        60_000,
      ),
    ).toBeNull()
    expect(hour([given(8000), given(6800)], 60_000)).toBeNull()
    expect(hour([given(8000), given(7200)], 60_000)).toBeNull()
  })

  it('is one where a car is told to have given what it still has', () => {
    const contradiction = hour([given(8000), given(8000)], 60_000)
    expect(contradiction).toMatchObject({ kind: 'charge', toldW: -6000, shownW: 0 })
  })
})

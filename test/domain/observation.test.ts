import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge } from '#domain/compliance.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { callId, resourceId } from '#domain/ids.ts'
import { observe } from '#domain/observation.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { aProgram, WINDOW_START } from '../support/builders.ts'

const program = aProgram()
const at = (seconds: number): Instant => addSeconds(WINDOW_START, seconds)

function row(changes: Partial<SetpointRow> = {}): SetpointRow {
  return {
    resourceId: resourceId('r'),
    callId: callId('c'),
    version: 1,
    powerW: 2000,
    validFrom: at(0),
    validUntil: at(900),
    orderedAt: at(0),
    acknowledgedAt: at(5),
    effectiveAt: null,
    effectiveW: null,
    refusal: null,
    strategy: null,
    observedAt: null,
    observedW: null,
    ...changes,
  }
}

/** Readings every 30 s from the window's start on. */
function readings(...powers: (number | null)[]): DeviceReading[] {
  return powers.map((powerW, i) => ({
    resourceId: resourceId('r'),
    at: at(i * 30),
    powerW,
    registerWh: 0,
    socBp: null,
  }))
}

const seen = (
  powers: (number | null)[],
  changes: Partial<SetpointRow> = {},
  since: number | null = 5,
  direction: 'reduce-import' | 'increase-import' = 'reduce-import',
) =>
  observe(row(changes), readings(...powers), since === null ? null : at(since), direction, program)

describe('what the meter says of a setpoint', () => {
  it('is nothing before the device has acknowledged', () => {
    expect(seen([7000, 100, 100], { acknowledgedAt: null })).toEqual({ kind: 'waiting' })
  })

  it('is nothing while the only reading within the band began before the acknowledgement', () => {
    // Acknowledged at 5 s: what the reading at 30 s tells is partly from before.
    expect(seen([7000, 2000])).toEqual({ kind: 'waiting' })
    expect(seen([7000, 2000], { acknowledgedAt: at(0) }, 0)).toMatchObject({ kind: 'observed' })
  })

  it('is that it was observed at the first whole reading within the band', () => {
    const observed = { kind: 'observed', at: at(60), powerW: 2200 }
    expect(seen([7000, 7000, 2200, 1900])).toEqual(observed)
    expect(seen([7000, 7000, 2201, 1900])).toEqual({ kind: 'observed', at: at(90), powerW: 1900 })
    // On a connection that is not ours any more, too: the reading is what counts.
    expect(seen([7000, 7000, 2200], {}, null)).toEqual(observed)
  })

  it('is that it misses when the first whole reading is out of the band', () => {
    expect(seen([7000, 7000, 6900])).toEqual({ kind: 'missed', at: at(60), powerW: 6900 })
    expect(seen([7000, 7000, 6900], {}, null)).toEqual({ kind: 'waiting' })
  })

  it('counts from the form that stands now, and observes from the first acknowledgement', () => {
    const again = seen([7000, 7000, 6900], {}, 61)
    expect(again).toEqual({ kind: 'waiting' })
    expect(seen([7000, 7000, 6900, 6900], {}, 61)).toEqual({ kind: 'waiting' })
    expect(seen([7000, 7000, 6900, 6900, 6900], {}, 61)).toMatchObject({ at: at(120) })
    expect(seen([7000, 7000, 6900, 2000], {}, 61)).toMatchObject({ kind: 'observed', at: at(90) })
  })

  it('blames no car that is full and no device that was below its limit already', () => {
    expect(seen([1500, 1500, 0])).toMatchObject({ kind: 'observed', powerW: 0 })
    expect(seen([1500, 1500, 1500])).toMatchObject({ kind: 'observed', powerW: 1500 })
  })

  it('blames no ramp that is half way there, in either direction', () => {
    expect(seen([7000, 7000, 4500])).toEqual({ kind: 'waiting' })
    expect(seen([7000, 7000, 4600])).toMatchObject({ kind: 'missed' })
    expect(seen([0, 0, 1000], { powerW: 2000 }, 5, 'increase-import')).toEqual({ kind: 'waiting' })
    expect(seen([0, 0, 900], { powerW: 2000 }, 5, 'increase-import')).toMatchObject({
      kind: 'missed',
    })
    expect(seen([0, 0, -2500], { powerW: -5000 })).toEqual({ kind: 'waiting' })
  })

  it('waits for one more reading of a ramp, and for none where a charger rests at its least', () => {
    expect(seen([7000, 7000, 4500, 4400])).toEqual({ kind: 'missed', at: at(90), powerW: 4400 })
    const paused = row({ powerW: 0 })
    const rests = (...powers: number[]) =>
      observe(paused, readings(...powers), at(5), 'reduce-import', program, 1380)
    expect(rests(7000, 7000, 1380)).toEqual({ kind: 'missed', at: at(60), powerW: 1380 })
    expect(rests(7000, 7000, 2500)).toEqual({ kind: 'waiting' })
  })

  it('knows no band for a device that was sent back to its default', () => {
    expect(seen([2000, 2000, 7000], { powerW: null })).toMatchObject({
      kind: 'observed',
      powerW: 7000,
    })
  })

  it('passes over readings that tell no power', () => {
    expect(seen([7000, null, null])).toEqual({ kind: 'waiting' })
    expect(seen([7000, null, null, 2000])).toMatchObject({ kind: 'observed', at: at(90) })
  })

  it('is the same band by which a device is found not to obey', () => {
    const power = fc.integer({ min: -8000, max: 8000 })
    fc.assert(
      fc.property(power, fc.array(power, { minLength: 3, maxLength: 8 }), (setpointW, powers) => {
        const one = row({ powerW: setpointW })
        const told = readings(...powers)
        const last = told.at(-1)?.at ?? at(0)
        const verdict = judge(one, told, {
          direction: 'reduce-import',
          program,
          fromW: setpointW + 3000,
          now: last,
          newest: last,
          patience: at(0),
        })
        const found = observe(one, told, at(5), 'reduce-import', program)
        if (verdict.kind === 'obeys') {
          expect(found).toMatchObject({ kind: 'observed', at: verdict.since })
        }
        if (found.kind === 'missed') expect(verdict.kind).not.toBe('obeys')
      }),
      { seed: 7, numRuns: 300 },
    )
  })
})

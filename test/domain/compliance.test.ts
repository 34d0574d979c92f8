import { describe, expect, it } from 'vitest'
import { judge, patientUntil } from '#domain/compliance.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { callId, resourceId } from '#domain/ids.ts'
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
    effectiveAt: at(6),
    effectiveW: 2000,
    refusal: null,
    strategy: null,
    observedAt: null,
    observedW: null,
    ...changes,
  }
}

function readings(powers: readonly number[], first = 30): DeviceReading[] {
  return powers.map((powerW, i) => ({
    resourceId: resourceId('r'),
    at: at(first + i * 30),
    powerW,
    registerWh: 0,
    socBp: null,
  }))
}

const verdict = (
  r: SetpointRow,
  seen: readonly DeviceReading[],
  now: number,
  newest = now,
  direction: 'reduce-import' | 'increase-import' = 'reduce-import',
  patience = 0,
) =>
  judge(r, seen, {
    direction,
    program,
    fromW: direction === 'reduce-import' ? 7000 : 0,
    now: at(now),
    newest: at(newest),
    patience: at(patience),
  })

describe('a device is judged by its meter', () => {
  it('is found out by the second reading that lies wholly after its acknowledgement', () => {
    // Acknowledged at 5 s: the reading at 30 s covers time before, 60 s is the first whole one.
    const liar = readings([7000, 7000, 7000, 7000])
    expect(verdict(row(), liar.slice(0, 2), 60)).toEqual({ kind: 'waiting' })
    expect(verdict(row(), liar.slice(0, 3), 90)).toMatchObject({
      kind: 'not-obeying',
      reason: 'not-obeying',
      observedW: 7000,
      detectedAt: at(90),
    })
  })

  it('is not blamed for a single reading on its way down', () => {
    expect(verdict(row(), readings([7000, 5000, 2000, 2000]), 120)).toMatchObject({
      kind: 'obeys',
      since: at(90),
    })
  })

  it('obeys within the tolerance, below the setpoint, or when the car is full', () => {
    expect(verdict(row(), readings([0, 2200, 2200]), 90)).toMatchObject({ kind: 'obeys' })
    expect(verdict(row(), readings([0, 0, 0]), 90)).toMatchObject({ kind: 'obeys' })
    expect(verdict(row(), readings([0, 2201, 2201]), 90)).toMatchObject({ kind: 'partly' })
  })

  it('must import at least its setpoint when it was asked to import more', () => {
    const increase = row({ powerW: 5000 })
    expect(verdict(increase, readings([0, 4900, 4900]), 90, 90, 'increase-import').kind).toBe(
      'obeys',
    )
    const of = (powerW: number) =>
      verdict(increase, readings([0, powerW, powerW]), 90, 90, 'increase-import').kind
    expect([of(3000), of(2500), of(2499)]).toEqual(['partly', 'partly', 'not-obeying'])
  })

  it('that gives half or more is kept with what it gives, below that it is let go', () => {
    // From 7,000 W to 2,000 W: half of it is 4,500 W.
    expect(verdict(row(), readings([7000, 4500, 4500]), 90)).toEqual({
      kind: 'partly',
      since: at(90),
      observedW: 4500,
    })
    expect(verdict(row(), readings([7000, 4501, 4501]), 90).kind).toBe('not-obeying')
    expect(verdict(row(), readings([7000, 4400, 4400, 2000]), 120)).toEqual({
      kind: 'obeys',
      since: at(120),
    })
  })

  it('that obeys every second time only is judged by the mean of four readings', () => {
    const now = readings([7000, 2000, 7000, 2000])
    expect(verdict(row(), now, 120)).toEqual({ kind: 'obeys', since: at(60) })
    expect(verdict(row(), readings([7000, 2000, 7000, 2000, 7000]), 150)).toEqual({
      kind: 'partly',
      since: at(60),
      observedW: 4500,
    })
  })

  it('is not seen to obey by readings that tell no power', () => {
    const unknown = readings([7000, 0, 0]).map((one) => ({ ...one, powerW: null }))
    expect(verdict(row(), unknown, 90).kind).toBe('waiting')
    const [first, ...rest] = readings([7000, 7000, 7000, 7000])
    const nowAndThen = [
      first as DeviceReading,
      ...rest.map((one, i) => (i === 1 ? { ...one, powerW: null } : one)),
    ]
    expect(verdict(row(), nowAndThen, 120).kind).toBe('not-obeying')
    // Nothing but such readings for long is silence.
    const many = readings(Array.from({ length: 8 }, () => 0)).map((one) => ({
      ...one,
      powerW: null,
    }))
    expect(verdict(row(), many, 270)).toMatchObject({ kind: 'not-obeying', reason: 'silent' })
  })

  it('that refused is let go of at once', () => {
    const refused = row({ acknowledgedAt: null, refusal: 'Rejected' })
    expect(verdict(refused, [], 1)).toMatchObject({ kind: 'not-obeying', reason: 'refused' })
  })

  it('is silent when it falls behind what others tell, not when nobody can be heard', () => {
    const heard = readings([2000, 2000])
    expect(verdict(row(), heard, 240, 60).kind).toBe('obeys')
    expect(verdict(row(), heard, 240, 210)).toMatchObject({ kind: 'not-obeying', reason: 'silent' })
    expect(verdict(row(), heard, 450, 60)).toMatchObject({ kind: 'not-obeying', reason: 'silent' })
  })

  it('is given time to dial in again where we were away ourselves', () => {
    const quiet = (now: number, changes: Partial<SetpointRow> = {}) =>
      verdict(row(changes), readings([2000, 2000]), now, now, 'reduce-import', 900)
    expect(quiet(870).kind).toBe('obeys')
    expect(quiet(900)).toMatchObject({ kind: 'not-obeying', reason: 'silent' })
    const unanswered = { acknowledgedAt: null, effectiveAt: null, effectiveW: null }
    expect(quiet(870, unanswered).kind).toBe('waiting')
    expect(quiet(900, unanswered)).toMatchObject({ kind: 'not-obeying', reason: 'silent' })
    const liar = readings([7000, 7000, 7000])
    expect(verdict(row(), liar, 120, 120, 'reduce-import', 900).kind).toBe('not-obeying')
    // Twelve metering intervals; at a fast clock ten wall seconds, whichever is longer.
    expect(patientUntil(at(0), 1, program)).toBe(at(360))
    expect(patientUntil(at(0), 60, program)).toBe(at(600))
  })
})

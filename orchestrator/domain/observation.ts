import { isWithinBand, wholeFrom } from './compliance.ts'
import type { SetpointRow } from './dispatch-instruction.ts'
import type { Program } from './program.ts'
import type { Direction } from './resource.ts'
import type { DeviceReading } from './telemetry.ts'
import type { Instant } from './time.ts'

/** What the meter says of a setpoint that its device has acknowledged. Powers in W. */
export type Observation =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'observed'; readonly at: Instant; readonly powerW: number }
  | { readonly kind: 'missed'; readonly at: Instant; readonly powerW: number }

/** A step of which the first reading covers this share is a ramp that is under way. */
const RAMP_SHARE = 0.5

/**
 * The last link of the chain: the first reading that lies wholly after the acknowledgement and
 * within the setpoint's band. A setpoint that sends a device back to its default has no band: any
 * whole reading observes it.
 *
 * Missed: the first whole reading since the device took the setpoint in the form that stands now
 * (`since`; null: not on this connection) is out of the band. Out of it only in the direction that
 * matters: a charger whose car is full draws less than its limit and obeys. Nor does a device miss
 * that has come half the way already: it ramps, and its next reading tells. A charger that was
 * told 0 and rests at its least (`leastW`, above 0) does not ramp. Readings of one resource in order
 * of time, from shortly before the acknowledgement.
 */
export function observe(
  row: SetpointRow,
  readings: readonly DeviceReading[],
  since: Instant | null,
  direction: Direction,
  program: Program,
  leastW = 0,
): Observation {
  const { acknowledgedAt } = row
  if (acknowledgedAt === null) return { kind: 'waiting' }
  const metered = readings.flatMap(({ at, powerW }) => (powerW === null ? [] : [{ at, powerW }]))
  const whole = metered.filter(({ at }) => at >= wholeFrom(acknowledgedAt, program))
  const good = whole.find(({ powerW }) => isWithinBand(row.powerW, powerW, direction, program))
  if (good) return { kind: 'observed', ...good }
  if (since === null) return { kind: 'waiting' }
  const [first, second] = whole.filter(({ at }) => at >= wholeFrom(since, program))
  if (first === undefined) return { kind: 'waiting' }
  const before = metered.findLast(({ at }) => at <= since)
  const rests = row.powerW === 0 && isWithinBand(leastW, first.powerW, direction, program)
  if (rests || !before || !ramps(before.powerW, first.powerW, row.powerW)) {
    return { kind: 'missed', ...first }
  }
  return second === undefined ? { kind: 'waiting' } : { kind: 'missed', ...second }
}

function ramps(beforeW: number, nowW: number, wantedW: number | null): boolean {
  if (wantedW === null || beforeW === wantedW) return false
  return (nowW - beforeW) / (wantedW - beforeW) >= RAMP_SHARE
}

import { formatInstant, instant } from '#domain/time.ts'
import type { SeededRandom } from '../random.ts'
import type { ChargePoint, ChargePointEvents } from './charge-point.ts'
import type { DriverOutcome } from './visit.ts'
import type { LinkAddress } from './ocpp-link.ts'
import { type ChargingProfile, PHASE_VOLTS } from './profile-stack.ts'

/** What every simulated machine tells the fleet. */
export type DeviceHooks = {
  /** Business ms. */
  readonly now: () => number
  /** One line of the fleet's own log. */
  readonly log: (kind: string, fields?: Record<string, unknown>) => void
  /** A setpoint was accepted; `validUntil` in business ms. */
  readonly setpoint: (setpoint: { powerW: number; validUntil: number }) => void
  readonly backAtDefault: (at: number) => void
  readonly driverLeft: (outcome: DriverOutcome) => void
}

/** A charge point on the wire: a machine, its protocol, and the ways in which it can fail. */
export type Station = {
  readonly ref: string
  readonly point: ChargePoint
  connect(address: LinkAddress): void
  /** Booted and connected. */
  readonly ready: boolean
  /** Sends no meter values any more. */
  fallSilent(): void
  /** Hangs up and dials the next of its endpoints. */
  move(): void
  /** Closes the line and stays away. */
  stop(): void
}

export type StationParts = {
  readonly random: SeededRandom
  readonly hooks: DeviceHooks
  /** Makes the machine, with the events it shall report to. */
  readonly point: (events: ChargePointEvents) => ChargePoint
}

export function stamp(at: number): string {
  return formatInstant(instant(at))
}

/** Until when a profile of a transaction acts, business ms; without an end, until departure. */
export function profileEnd(profile: ChargingProfile, now: number, departureAt: number): number {
  const start = profile.kind === 'Relative' ? now : (profile.start ?? now)
  const ends = [departureAt, profile.validTo ?? departureAt]
  if (profile.durationSeconds !== null) ends.push(start + profile.durationSeconds * 1000)
  return Math.min(...ends)
}

/** A limit in the station's unit, cut to one decimal: A per phase, or W. */
export function limitInUnit(limitW: number, unit: 'A' | 'W', phases: number): number {
  const value = unit === 'W' ? limitW : limitW / (PHASE_VOLTS * phases)
  return Math.floor(value * 10 + 1e-6) / 10
}

/** Milliseconds of a standard's time stamp; null where there is none. @throws RangeError */
export function readStamp(text: unknown): number | null {
  if (text === undefined) return null
  const at = Date.parse(String(text))
  if (Number.isNaN(at)) throw new RangeError(`expected an ISO 8601 time, got ${String(text)}`)
  return at
}

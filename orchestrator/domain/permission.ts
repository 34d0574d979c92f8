import { type LeaseFacts, type LeaseLimit, leaseOf, mayLead } from './control-lease.ts'
import {
  type EnergyFacts,
  mayWaitUntil,
  reserveLastsUntil,
  type RowInForce,
} from './energy-limits.ts'
import type { CallId } from './ids.ts'
import { legalFloorW } from './legal-floor.ts'
import { asWished, reserveOf } from './owner-limits.ts'
import type { Program } from './program.ts'
import type { ChargingSession, Direction, Resource } from './resource.ts'
import type { DeviceReading } from './telemetry.ts'
import { formatInstant, type Instant } from './time.ts'

/** What a call wants a device to do. */
export type WantedSetpoint = {
  readonly callId: CallId
  readonly direction: Direction
  readonly powerW: number
  readonly validUntil: Instant
  /** What it draws, W, when nobody limits it. */
  readonly drawsW: number
}

/** All that decides whether a device may be told something. */
export type DeviceFacts = Omit<LeaseFacts, 'kind' | 'row'> & {
  readonly resource: Pick<Resource, 'id' | 'kind' | 'rating'>
  readonly session: ChargingSession | null
  readonly reading: DeviceReading | null
  readonly row: (NonNullable<LeaseFacts['row']> & RowInForce) | null
}

/** Why a device is told nothing. */
export type Limit = LeaseLimit | 'unknown-charge' | 'reserve' | 'ready-by'

export type Permission =
  /** It may be told this, until then. */
  | { readonly kind: 'granted'; readonly powerW: number; readonly validUntil: Instant }
  /** Back to its own default: a sentence for its owner says why. */
  | {
      readonly kind: 'refused'
      readonly limit: Limit
      readonly detail: string
      /** null: since now. */
      readonly since: Instant | null
    }

type Rules = Pick<Program, 'legalFloorsW' | 'timeZone' | 'controlCycleSeconds'>

/**
 * What a device may be told at an instant, of what a call wants: the one judge of every setpoint.
 * Who is stronger than the call keeps the device. Else the power is kept within what the law and
 * others leave, and the setpoint ends before a reserve is touched or a car would leave short.
 */
export function permit(
  wanted: WantedSetpoint,
  facts: DeviceFacts,
  rules: Rules,
  now: Instant,
): Permission {
  const { resource } = facts
  const lease = leaseOf({ ...facts, kind: resource.kind }, now)
  if (!mayLead(lease, wanted.callId)) {
    const { limit, detail, since } = lease
    return { kind: 'refused', limit: limit ?? 'led-elsewhere', detail, since }
  }
  const powerW = withinBounds(wanted, facts, legalFloorW(resource, rules))
  let { validUntil } = wanted
  for (const end of endsOf({ ...wanted, powerW }, facts, rules, now)) {
    const { limit, detail } = end
    if (end.at === null || end.at <= now) return { kind: 'refused', limit, detail, since: null }
    if (end.at < validUntil) validUntil = end.at
  }
  return { kind: 'granted', powerW, validUntil }
}

/** Never below the law's floor, and never more import than somebody else leaves. */
function withinBounds(
  { powerW, direction }: WantedSetpoint,
  { condition, resource }: DeviceFacts,
  floorW: number,
): number {
  const limitW = condition?.externalLimitW ?? null
  // Of a limit that reduces, the device itself takes the lower one.
  const isCapped = direction === 'increase-import' || resource.kind === 'battery'
  const capped = limitW !== null && isCapped ? Math.min(powerW, Math.floor(limitW)) : powerW
  // No floor is no bound: a battery's power may well be below 0.
  return floorW > 0 ? Math.max(capped, floorW) : capped
}

type End = {
  /** null: nobody can tell. */
  readonly at: Instant | null
  readonly limit: Limit
  readonly detail: string
}

/** What ends the setpoint before its time, if it ever does. */
function endsOf(
  { powerW, drawsW, direction }: WantedSetpoint,
  facts: DeviceFacts,
  { timeZone, controlCycleSeconds: settleSeconds }: Rules,
  now: Instant,
): End[] {
  const { resource, owner, reading, session, row } = facts
  const { rating, kind } = resource
  const reserveWh = reserveOf(rating, owner)
  const energy: EnergyFacts = { rating, reserveWh, reading, row, now, settleSeconds }
  const ends: End[] = []
  if (powerW < 0) {
    const at = reserveLastsUntil(energy, powerW)
    ends.push(
      at === null
        ? { at, limit: 'unknown-charge', detail: 'it does not tell how full it is' }
        : { at, limit: 'reserve', detail: `its owner keeps ${reserveWh} Wh in it` },
    )
  }
  if (kind === 'charger' && session !== null && direction === 'reduce-import') {
    const car = asWished(session, owner, timeZone)
    const at = mayWaitUntil(energy, car, drawsW, powerW)
    if (at !== null) ends.push({ at, limit: 'ready-by', detail: readyDetail(car) })
  }
  return ends
}

function readyDetail({ energyNeededWh, departureAt }: ChargingSession): string {
  const at = departureAt === null ? 'its departure' : formatInstant(departureAt)
  return `its car must have ${energyNeededWh} Wh by ${at} and needs full power for that now`
}

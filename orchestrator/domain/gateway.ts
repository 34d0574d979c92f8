import { hashOf } from './canonical.ts'
import { DomainError } from './errors.ts'
import type { GatewayId, Hex, ResourceId } from './ids.ts'
import type { Connection } from './resource.ts'
import { addSeconds, type Instant, instant } from './time.ts'

/** A process that signs what devices say. Its lease is a number that it counts up. */
export type KnownGateway = {
  readonly id: GatewayId
  readonly publicKey: Hex
  /** Names the process that acts as this gateway now; null: none does, or it has left properly. */
  readonly instance: string | null
  /**
   * Whoever has watched it stand still for as long as a lease lasts may take over what this gateway
   * holds: no clock of one machine is compared with that of another.
   */
  readonly beat: number
  /** When it was counted up last, business time: only to judge whether devices can be heard. */
  readonly seenAt: Instant
  /** Where charge points dial it; null: nowhere. */
  readonly ocppUrl: string | null
}

/** Which gateway applies the setpoints of a device. */
export type DeviceOwner = {
  readonly resourceId: ResourceId
  readonly gatewayId: GatewayId
  /** Since when it is this gateway; a device that only reconnects to it does not change this. */
  readonly since: Instant
  /** False: it hung up, or its gateway is gone. */
  readonly isHeld: boolean
}

/** A name stands for one key for ever: verifiers look readings up by it. */
export function foreignKey(id: GatewayId): DomainError {
  return new DomainError(
    'duplicate',
    `gateway ${id} is known to this database with another key: put that key back, or set ` +
      'GRIDCALL_GATEWAY to a name of its own',
  )
}

/** Charge points dial a gateway and belong to the one they have dialled; others are dialled by us. */
export function dialsIn(protocol: Connection['protocol']): boolean {
  return protocol === 'ocpp'
}

/** Wall seconds without a beat after which nobody should rely on a gateway's silence. */
const AWAY_WALL_SECONDS = 1.5

/**
 * From when on a device's silence is its own: not before this process was there, nor while its
 * gateway was away, nor before the gateway that holds it now has taken it over.
 */
export function listeningSince(
  startedAt: Instant,
  owner: DeviceOwner | undefined,
  gateway: KnownGateway | undefined,
  now: Instant,
  speed: number,
): Instant {
  if (owner === undefined) return startedAt
  const from = Math.max(startedAt, owner.since)
  if (gateway === undefined) return instant(from)
  const isAway = now > addSeconds(gateway.seenAt, AWAY_WALL_SECONDS * speed)
  return instant(isAway ? Math.max(from, gateway.seenAt) : from)
}

/** Who should dial a device, so that gateways share them evenly without asking one another. */
export function preferredGateway(
  resourceId: ResourceId,
  running: readonly GatewayId[],
): GatewayId | null {
  const ranked = running
    .map((id) => ({ id, rank: hashOf({ resourceId, gatewayId: id }) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
  return ranked[0]?.id ?? null
}

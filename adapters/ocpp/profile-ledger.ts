import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Instant } from '#domain/time.ts'

/**
 * Which charging profiles are ours on one station, per connector. A charger's own list is often
 * incomplete or not to be had, and clearing without an id clears what belongs to others.
 */
export type ProfileLedger = {
  /** Ids are unique within the station and the same after a restart: the same id replaces. */
  idsOf(connectorId: number): { readonly defaultId: number; readonly limitId: number }
  /** The newest setpoint asked for. */
  wanted(connectorId: number): DesiredSetpoint | null
  /** @throws DomainError device-refused for a version older than one asked for before. */
  want(connectorId: number, setpoint: DesiredSetpoint): void
  /** When the station acknowledged the last change, business time. */
  changedAt(connectorId: number): Instant | null
  changed(connectorId: number, at: Instant): void
  /** The current that the station says it offers. */
  lastOffered(connectorId: number): { readonly ampere: number; readonly at: Instant } | null
  offered(connectorId: number, ampere: number, at: Instant): void
}

/** Above what other back ends tend to number their profiles with. */
const DEFAULT_ID_BASE = 710_000
const LIMIT_ID_BASE = 720_000

export function createProfileLedger(): ProfileLedger {
  const wants = new Map<number, DesiredSetpoint>()
  const changes = new Map<number, Instant>()
  const offers = new Map<number, { ampere: number; at: Instant }>()
  return {
    idsOf: (connectorId) => ({
      defaultId: DEFAULT_ID_BASE + connectorId,
      limitId: LIMIT_ID_BASE + connectorId,
    }),
    wanted: (connectorId) => wants.get(connectorId) ?? null,
    want(connectorId, setpoint) {
      const known = wants.get(connectorId)
      if (known !== undefined && setpoint.version < known.version) {
        throw new DomainError(
          'device-refused',
          `setpoint ${setpoint.version} is older than ${known.version}, which was asked for before`,
        )
      }
      wants.set(connectorId, setpoint)
    },
    changedAt: (connectorId) => changes.get(connectorId) ?? null,
    changed: (connectorId, at) => void changes.set(connectorId, at),
    lastOffered: (connectorId) => offers.get(connectorId) ?? null,
    offered(connectorId, ampere, at) {
      const known = offers.get(connectorId)
      if (known === undefined || at >= known.at) offers.set(connectorId, { ampere, at })
    },
  }
}

/**
 * A limit that somebody else set on a 1.6 station, which has no message for it: inferred only where
 * the composite schedule stays below what we asked for and below the default, and told as inferred.
 */
import type { Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { EffectiveSetpoint } from '#ports.ts'
import { noteLimit } from './limits-elsewhere.ts'
import { connectorOf, type ProfileDialect } from './profile-calls.ts'
import { readBack } from './read-back.ts'
import type { SessionContext } from './station.ts'
import { grainOf } from './wire.ts'

export type Elsewhere = {
  /** What a composite schedule told. */
  saw(resource: Resource, effective: EffectiveSetpoint): void
  /** Is there anything that may be another's limit? */
  isWatching(): boolean
  /** Looks again at what may be another's limit. */
  look(deadlineMs: number): Promise<void>
}

const SOURCE = 'inferred from read-back'
/** Business time: a station may take its time to follow a change of ours (EVerest/libocpp#811). */
const SETTLED_MS = 30_000
const LOOK_EVERY_MS = 60_000

export function createElsewhere(context: SessionContext, dialect: ProfileDialect): Elsewhere {
  const { station, clock } = context
  let suspects: Map<number, { isTold: boolean; seenAt: Instant }> | null = null // few have any

  /** null: it says no less than we and the default let through, or nothing can be concluded. */
  function lowerThanOurs(resource: Resource, effective: EffectiveSetpoint): number | null {
    const connectorId = connectorOf(resource)
    // After a restart of this service what stands there may be our own.
    if (effective.kind !== 'limited' || station.ledger.wanted(connectorId) === null) return null
    const { importMaxW } = resource.rating
    const inForce = station.ledger.inForce(connectorId)
    const isOver = inForce === null || inForce.setpoint.validUntil <= clock.now()
    const ours = isOver ? importMaxW : Math.min(inForce.limitW, importMaxW)
    // Two steps: stations round, and hold their pilot in steps of 0.234 A.
    const { stepW } = grainOf(resource.rating, 'A')
    return effective.powerW < ours - 3 * stepW ? effective.powerW : null
  }

  function saw(resource: Resource, effective: EffectiveSetpoint): void {
    if (context.version !== 'ocpp1.6') return
    const connectorId = connectorOf(resource)
    const suspect = suspects?.get(connectorId)
    const lowerW = lowerThanOurs(resource, effective)
    if (lowerW === null) {
      if (suspect?.isTold === true) noteLimit(context, connectorId, SOURCE, null)
      suspects?.delete(connectorId)
      return
    }
    const now = clock.now()
    const changedAt = station.ledger.changedAt(connectorId)
    const isSettled = changedAt === null || now - changedAt >= SETTLED_MS
    if (isSettled) noteLimit(context, connectorId, SOURCE, lowerW)
    suspects ??= new Map()
    suspects.set(connectorId, { isTold: isSettled || suspect?.isTold === true, seenAt: now })
  }

  return {
    saw,
    isWatching: () => suspects !== null && suspects.size > 0,
    async look(deadlineMs) {
      for (const [connectorId, { isTold, seenAt }] of suspects ?? []) {
        const resource = station.resources.get(connectorId)
        const isDue = clock.now() - seenAt >= (isTold ? LOOK_EVERY_MS : SETTLED_MS)
        if (resource === undefined || !isDue) continue
        const said = await readBack(context, dialect, resource, deadlineMs)
        if (said.by === 'composite') saw(resource, said.effective)
      }
    },
  }
}

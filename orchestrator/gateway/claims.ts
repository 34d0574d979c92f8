import { type DeviceOwner, preferredGateway } from '#domain/gateway.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { GatewayPorts } from '#ports.ts'
import { LEASE_MS, type Leases } from './leases.ts'

export type Owners = ReadonlyMap<ResourceId, DeviceOwner>

/** Which of the devices that are dialled by us this gateway dials. */
export type Claims = {
  /** Takes what is free and this gateway's to take; returns all that it holds. */
  takeOver(dialled: readonly Resource[], owners: Owners): Promise<ReadonlySet<ResourceId>>
}

/** One gateway dials a device; another takes over when the lease of the first has run out. */
export function createClaims(
  { store, clock, timer, gateway }: GatewayPorts,
  leases: Leases,
): Claims {
  const freeSinceMs = new Map<ResourceId, number>()

  function isFree(owner: DeviceOwner | undefined): boolean {
    return owner === undefined || !owner.isHeld || leases.isExpired(owner.gatewayId)
  }

  /** Whoever is not the first choice for a free device leaves the first choice the time to come. */
  function wants(resourceId: ResourceId, owner: DeviceOwner | undefined): boolean {
    if (!isFree(owner)) {
      freeSinceMs.delete(resourceId)
      return false
    }
    if (owner?.gatewayId === gateway.id) return true
    if (preferredGateway(resourceId, leases.running()) === gateway.id) return true
    const sinceMs = freeSinceMs.get(resourceId) ?? timer.monotonicMs()
    freeSinceMs.set(resourceId, sinceMs)
    return timer.monotonicMs() - sinceMs >= LEASE_MS
  }

  return {
    async takeOver(dialled, owners) {
      const mine = new Set<ResourceId>()
      const wanted = dialled.filter(({ id }) => {
        const owner = owners.get(id)
        if (owner?.gatewayId === gateway.id && owner.isHeld) mine.add(id)
        return !mine.has(id) && wants(id, owner)
      })
      if (wanted.length === 0) return mine
      const taken = await store.transaction(async (tx) => {
        const ids: ResourceId[] = []
        for (const { id } of wanted) {
          const from = owners.get(id) ?? null
          if (await tx.gateways.take(id, gateway.id, from, clock.now())) ids.push(id)
        }
        return ids
      })
      for (const id of taken) mine.add(id)
      return mine
    },
  }
}

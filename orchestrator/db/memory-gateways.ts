import { type DeviceOwner, foreignKey, type KnownGateway } from '#domain/gateway.ts'
import type { GatewayId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { GatewayRepository } from '#store-ports.ts'
import type { MakeTable } from './memory-store.ts'

/** Gateways and the devices they hold, in memory. */
export function memoryGateways(makeTable: MakeTable): GatewayRepository {
  const gateways = makeTable<KnownGateway>()
  const owners = makeTable<DeviceOwner & { readonly dialledAt: Instant }>()

  function letGo(id: GatewayId): void {
    for (const owner of owners.values()) {
      if (owner.gatewayId === id) owners.set(owner.resourceId, { ...owner, isHeld: false })
    }
  }

  return {
    async introduce(id, publicKey, at) {
      const fresh = { id, publicKey, instance: null, beat: 0, seenAt: at, ocppUrl: null }
      gateways.add(id, fresh)
      if (gateways.get(id)?.publicKey === publicKey) return
      throw foreignKey(id)
    },
    async begin({ id, instance, ocppUrl }) {
      letGo(id)
      const known = gateways.get(id)
      if (known) gateways.set(id, { ...known, instance, ocppUrl, beat: known.beat + 1 })
    },
    async beat(id, instance, at) {
      const known = gateways.get(id)
      if (known?.instance !== instance) return false
      gateways.set(id, { ...known, beat: known.beat + 1, seenAt: at })
      return true
    },
    async leave(id, instance) {
      const known = gateways.get(id)
      if (known?.instance !== instance) return
      gateways.set(id, { ...known, instance: null })
      letGo(id)
    },
    list: async () => gateways.values().sort((a, b) => (a.id < b.id ? -1 : 1)),
    owners: async ({ resourceIds, gatewayId } = {}) =>
      owners
        .values()
        .filter(
          (owner) =>
            (resourceIds === undefined || resourceIds.includes(owner.resourceId)) &&
            (gatewayId === undefined || owner.gatewayId === gatewayId),
        )
        .sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1))
        .map(({ dialledAt: _dialledAt, ...owner }) => owner),
    async claim(resourceId, gatewayId, at) {
      const known = owners.get(resourceId)
      if (known && known.dialledAt > at) return false
      const since = known?.gatewayId === gatewayId ? known.since : at
      owners.set(resourceId, { resourceId, gatewayId, since, dialledAt: at, isHeld: true })
      return true
    },
    async take(resourceId, gatewayId, from, at) {
      const known = owners.get(resourceId)
      if (known?.gatewayId !== from?.gatewayId || known?.since !== from?.since) return false
      const since = from?.gatewayId === gatewayId ? from.since : at
      owners.set(resourceId, { resourceId, gatewayId, since, dialledAt: at, isHeld: true })
      return true
    },
    async release(resourceId, gatewayId) {
      const known = owners.get(resourceId)
      if (known?.gatewayId !== gatewayId) return false
      owners.set(resourceId, { ...known, isHeld: false })
      return true
    },
  }
}

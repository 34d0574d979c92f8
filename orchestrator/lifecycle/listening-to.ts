import { listeningSince } from '#domain/gateway.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** From when on the silence of each device says something of the device and not of our gateways. */
export async function listeningTo(
  { startedAt, clock }: Ports,
  tx: StoreTransaction,
  resourceIds: readonly ResourceId[],
): Promise<Map<ResourceId, Instant>> {
  const now = clock.now()
  const owners = new Map(
    (await tx.gateways.owners({ resourceIds })).map((owner) => [owner.resourceId, owner]),
  )
  const gateways = new Map((await tx.gateways.list()).map((gateway) => [gateway.id, gateway]))
  return new Map(
    resourceIds.map((id) => {
      const owner = owners.get(id)
      const gateway = owner && gateways.get(owner.gatewayId)
      return [id, listeningSince(startedAt, owner, gateway, now, clock.speed)]
    }),
  )
}

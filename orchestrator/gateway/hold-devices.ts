import { dialsIn } from '#domain/gateway.ts'
import type { GatewayId, ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { recordGatewayGone } from '#lifecycle/record-connections.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import { createAttachments } from './attachments.ts'
import { createClaims, type Owners } from './claims.ts'
import type { Leases } from './leases.ts'

/**
 * Decides which devices the drivers of this process are told of. Every gateway opens its door to
 * every charge point; a device that is dialled by us is dialled by one gateway, whose lease must
 * have run out before another one takes over.
 */
export function holdDevices(ports: GatewayPorts, drivers: readonly DeviceDriver[], leases: Leases) {
  const driverOf = new Map(drivers.map((driver) => [driver.protocol, driver]))
  const attachments = createAttachments(ports)
  const claims = createClaims(ports, leases)
  return {
    attached: attachments.all,
    /**
     * Looks at what is enrolled and who holds what, and takes what is this gateway's to take. Returns
     * the charge points that nobody holds.
     */
    async attachAll(): Promise<ResourceId[]> {
      const { resources, known, gateways } = await ports.store.transaction(async (tx) => ({
        resources: await tx.resources.list(),
        known: await tx.gateways.owners(),
        gateways: await tx.gateways.list(),
      }))
      leases.see(gateways)
      const owners: Owners = new Map(known.map((owner) => [owner.resourceId, owner]))
      const dialled = resources.filter(
        ({ connection }) => !dialsIn(connection.protocol) && driverOf.has(connection.protocol),
      )
      const mine = await claims.takeOver(dialled, owners)
      const isOurs = ({ id, connection }: Resource) =>
        driverOf.has(connection.protocol) && (dialsIn(connection.protocol) || mine.has(id))
      const capabilities = await attachments.known(resources.filter(isOurs))
      for (const resource of resources) {
        const driver = driverOf.get(resource.connection.protocol)
        if (driver === undefined) continue
        if (!isOurs(resource)) attachments.letGo(resource, driver)
        else await attachments.attach(resource, driver, capabilities.get(resource.id))
      }
      await sweep(ports, leases, resources, owners)
      return resources
        .filter(({ id, connection }) => dialsIn(connection.protocol) && !owners.get(id)?.isHeld)
        .map(({ id }) => id)
    },
  }
}

/** Charge points of a gateway that is gone: nobody else would say that they are away. */
async function sweep(
  ports: GatewayPorts,
  leases: Leases,
  resources: readonly Resource[],
  owners: Owners,
): Promise<void> {
  const gone = new Map<GatewayId, ResourceId[]>()
  for (const { id, connection } of resources) {
    const owner = owners.get(id)
    if (!dialsIn(connection.protocol) || !owner?.isHeld) continue
    if (leases.isExpired(owner.gatewayId)) {
      gone.set(owner.gatewayId, [...(gone.get(owner.gatewayId) ?? []), id])
    }
  }
  for (const [id, resourceIds] of gone) await recordGatewayGone(ports, id, resourceIds)
}

import type { Capability } from '#domain/capability.ts'
import { type DeviceOwner, dialsIn, preferredGateway } from '#domain/gateway.ts'
import type { GatewayId, ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { recordGatewayGone } from '#lifecycle/record-connections.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import { LEASE_MS, type Leases } from './leases.ts'

/** A device that this gateway's drivers know. */
export type Attached = { readonly resource: Resource; readonly driver: DeviceDriver }

/**
 * Decides which devices the drivers of this process are told of. Every gateway opens its door to
 * every charge point; a device that is dialled by us is dialled by one gateway, whose lease must
 * have run out before another one takes over.
 */
export function holdDevices(ports: GatewayPorts, drivers: readonly DeviceDriver[], leases: Leases) {
  const { store, clock, timer, gateway } = ports
  const driverOf = new Map(drivers.map((driver) => [driver.protocol, driver]))
  const attached = new Map<ResourceId, Attached & { readonly key: string }>()
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

  async function takeOver(
    dialled: readonly Resource[],
    owners: ReadonlyMap<ResourceId, DeviceOwner>,
  ): Promise<Set<ResourceId>> {
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
  }

  async function attach(
    resource: Resource,
    driver: DeviceDriver,
    known: Capability | undefined,
  ): Promise<void> {
    const key = JSON.stringify([resource.connection, resource.rating])
    if (attached.get(resource.id)?.key === key) return
    attached.set(resource.id, { resource, driver, key })
    await driver.attach(resource, known)
  }

  /** Of those that this process is told of for the first time. */
  async function toldBefore(resources: readonly Resource[]) {
    const ids = resources.filter(({ id }) => !attached.has(id)).map(({ id }) => id)
    if (ids.length === 0) return new Map<ResourceId, Capability>()
    const known = await store.transaction((tx) => tx.resources.capabilities(ids))
    return new Map(known.map(({ resourceId, capability }) => [resourceId, capability]))
  }

  function letGo(resource: Resource, driver: DeviceDriver): void {
    if (!attached.delete(resource.id)) return
    ports.log.warn('another gateway holds this device now', { resourceId: resource.id })
    // On the side: a device that does not answer must not keep this gateway from its others.
    driver.detach?.(resource.id).catch((error: unknown) => {
      ports.log.error('letting a device go failed', { error: String(error) })
    })
  }

  /** Charge points of a gateway that is gone: nobody else would say that they are away. */
  async function sweep(
    resources: readonly Resource[],
    owners: ReadonlyMap<ResourceId, DeviceOwner>,
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

  return {
    attached: attached as ReadonlyMap<ResourceId, Attached>,
    /**
     * Looks at what is enrolled and who holds what, and takes what is this gateway's to take. Returns
     * the charge points that nobody holds.
     */
    async attachAll(): Promise<ResourceId[]> {
      const { resources, known, gateways } = await store.transaction(async (tx) => ({
        resources: await tx.resources.list(),
        known: await tx.gateways.owners(),
        gateways: await tx.gateways.list(),
      }))
      leases.see(gateways)
      const owners = new Map(known.map((owner) => [owner.resourceId, owner]))
      const dialled = resources.filter(
        ({ connection }) => !dialsIn(connection.protocol) && driverOf.has(connection.protocol),
      )
      const mine = await takeOver(dialled, owners)
      const isOurs = ({ id, connection }: Resource) =>
        driverOf.has(connection.protocol) && (dialsIn(connection.protocol) || mine.has(id))
      const told = await toldBefore(resources.filter(isOurs))
      for (const resource of resources) {
        const { protocol } = resource.connection
        const driver = driverOf.get(protocol)
        if (driver === undefined) continue
        if (isOurs(resource)) {
          await attach(resource, driver, told.get(resource.id))
        } else letGo(resource, driver)
      }
      await sweep(resources, owners)
      return resources
        .filter(({ id, connection }) => dialsIn(connection.protocol) && !owners.get(id)?.isHeld)
        .map(({ id }) => id)
    },
  }
}

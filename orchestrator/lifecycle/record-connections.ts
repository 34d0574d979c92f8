import type { GatewayId, ResourceId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { GatewayPorts } from '#ports.ts'

/** What a gateway saw of one device's connection. */
export type ConnectionChange = {
  readonly resourceId: ResourceId
  readonly connected: boolean
  readonly detail: string
  readonly at: Instant
  /** The device dialled us: with the connection it changes its owner. */
  readonly dialledUs: boolean
}

/**
 * Notes who is connected to this gateway and who is not any more. What is told of a device that
 * another gateway holds by now is dropped. Safe to run twice.
 */
export async function recordConnections(
  { store, gateway }: GatewayPorts,
  changes: readonly ConnectionChange[],
): Promise<void> {
  await store.transaction(async (tx) => {
    const mine = new Set(
      (await tx.gateways.owners({ gatewayId: gateway.id })).map((owner) => owner.resourceId),
    )
    for (const { resourceId, connected, detail, at, dialledUs } of changes) {
      const counts = !dialledUs
        ? mine.has(resourceId)
        : connected
          ? await tx.gateways.claim(resourceId, gateway.id, at)
          : await tx.gateways.release(resourceId, gateway.id)
      if (counts) await tx.resources.saveHealth({ resourceId, connected, since: at, detail })
    }
  })
}

/** The devices of a gateway that is gone are away until they dial another one. Safe to run twice. */
export async function recordGatewayGone(
  { store, clock, log }: GatewayPorts,
  gone: GatewayId,
  resourceIds: readonly ResourceId[],
): Promise<void> {
  const since = clock.now()
  await store.transaction(async (tx) => {
    for (const resourceId of resourceIds) {
      if (!(await tx.gateways.release(resourceId, gone))) continue
      const detail = `its gateway ${gone} is gone`
      await tx.resources.saveHealth({ resourceId, connected: false, since, detail })
    }
  })
  log.warn('a gateway is gone', { gateway: gone, devices: resourceIds.length })
}

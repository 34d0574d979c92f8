import type { Capability } from '#domain/capability.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'

/** A device that this gateway's drivers know. */
export type Attached = { readonly resource: Resource; readonly driver: DeviceDriver }

/** What the drivers of this process are told of. */
export type Attachments = {
  readonly all: ReadonlyMap<ResourceId, Attached>
  /** What is known of those that this process is told of for the first time. */
  known(resources: readonly Resource[]): Promise<ReadonlyMap<ResourceId, Capability>>
  /** Without a change nothing happens. */
  attach(resource: Resource, driver: DeviceDriver, known: Capability | undefined): Promise<void>
  /** Another gateway has it. */
  letGo(resource: Resource, driver: DeviceDriver): void
}

export function createAttachments({ store, log }: GatewayPorts): Attachments {
  const all = new Map<ResourceId, Attached & { readonly key: string }>()
  return {
    all,
    async known(resources) {
      const ids = resources.filter(({ id }) => !all.has(id)).map(({ id }) => id)
      if (ids.length === 0) return new Map()
      const known = await store.transaction((tx) => tx.resources.capabilities(ids))
      return new Map(known.map(({ resourceId, capability }) => [resourceId, capability]))
    },
    async attach(resource, driver, known) {
      const key = JSON.stringify([resource.connection, resource.rating])
      if (all.get(resource.id)?.key === key) return
      all.set(resource.id, { resource, driver, key })
      await driver.attach(resource, known)
    },
    letGo({ id: resourceId }, driver) {
      if (!all.delete(resourceId)) return
      log.warn('another gateway holds this device now', { resourceId })
      // On the side: a device that does not answer must not keep this gateway from its others.
      driver.detach?.(resourceId).catch((error: unknown) => {
        log.error('letting a device go failed', { error: String(error) })
      })
    },
  }
}

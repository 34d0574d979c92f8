import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { DeviceDriver, Ports } from '#ports.ts'
import { applySetpoint } from './apply-setpoint.ts'

/** Knows which resources hang on which driver, and brings each to its newest desired row. */
export function keepSetpoints(ports: Ports, drivers: readonly DeviceDriver[]) {
  const { store, log } = ports
  const driverOf = new Map(drivers.map((driver) => [driver.protocol, driver]))
  const attached = new Map<ResourceId, { resource: Resource; key: string }>()
  /** The version that was last made true on the connection that stands now. */
  const applied = new Map<ResourceId, number>()
  const busy = new Map<ResourceId, Promise<void>>()
  const stopping = new AbortController()

  async function attachAll(): Promise<void> {
    const resources = await store.transaction((tx) => tx.resources.list())
    for (const resource of resources) {
      const key = JSON.stringify([resource.connection, resource.rating])
      const driver = driverOf.get(resource.connection.protocol)
      if (!driver || attached.get(resource.id)?.key === key) continue
      attached.set(resource.id, { resource, key })
      await driver.attach(resource)
    }
  }

  async function applyAll(): Promise<void> {
    const rows = await store.transaction((tx) => tx.setpoints.current([...attached.keys()]))
    for (const row of rows) {
      const { resourceId, version } = row
      if (applied.get(resourceId) === version || busy.has(resourceId)) continue
      const resource = attached.get(resourceId)?.resource
      const driver = resource && driverOf.get(resource.connection.protocol)
      if (!resource || !driver) continue
      const work = applySetpoint(ports, driver, resource, row, stopping.signal).then(
        (outcome) => {
          busy.delete(resourceId)
          if (outcome === 'unreached') return
          applied.set(resourceId, version)
          wake() // a newer row may have come meanwhile
        },
        (error: unknown) => {
          busy.delete(resourceId)
          log.error('a setpoint was not recorded', { resourceId, error: String(error) })
        },
      )
      busy.set(resourceId, work)
    }
  }

  let running: Promise<void> | null = null
  let again = false
  function wake(): void {
    again = true
    if (running || stopping.signal.aborted) return
    running = applyWhileAsked().finally(() => {
      running = null
    })
  }

  async function applyWhileAsked(): Promise<void> {
    while (again && !stopping.signal.aborted) {
      again = false
      try {
        await applyAll()
      } catch (error) {
        log.error('applying setpoints failed', { error: String(error) })
      }
    }
  }

  return {
    attachAll,
    /** Looks at the rows now, or again as soon as the look that runs is over. */
    wake,
    /** A new connection: what stands on the device has to be made true again. */
    forget: (resourceId: ResourceId) => applied.delete(resourceId),
    async stop(): Promise<void> {
      stopping.abort()
      await running
      await Promise.all(busy.values())
    },
  }
}

import { assert, DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { DeviceDriver, Log, Timer } from '#ports.ts'
import { Link, type LinkContext } from './link.ts'

export type BlueprintDriverOptions = {
  readonly timer: Timer
  readonly log: Log
  readonly meteringIntervalSeconds: number
}

/** More than any device may take; what is left then is cut. */
const STOP_DEADLINE_MS = 3_000

/** A driver to copy: devices are TCP servers that speak lines, one connection each. */
export function createBlueprintDriver(options: BlueprintDriverOptions): DeviceDriver {
  const { timer, log } = options
  const links = new Map<ResourceId, Link>()
  /** The gateway may attach before it starts: nothing is connected until there is a sink. */
  const waiting = new Map<ResourceId, Resource>()
  let context: LinkContext | null = null

  const link = (id: ResourceId): Link => {
    const found = links.get(id)
    if (found) return found
    throw new DomainError('device-unreachable', `${id} is not known to this gateway`)
  }

  return {
    protocol: 'simulated', // yours: a member of its own, in domain/resource.ts
    async start(sink) {
      assert(context === null, 'the driver is started once')
      context = { ...options, sink }
      for (const resource of waiting.values()) links.set(resource.id, new Link(context, resource))
      waiting.clear()
    },
    async stop() {
      const stopping = Promise.all([...links.values()].map((one) => one.stop()))
      try {
        await timer.deadline(stopping, STOP_DEADLINE_MS, 'the devices to be let go')
      } catch (error) {
        log.warn('connections were cut', { reason: String(error) })
      }
      links.clear()
      context = null
    },
    async attach(resource) {
      const known = links.get(resource.id)
      if (known) known.renew(resource)
      else if (context) links.set(resource.id, new Link(context, resource))
      else waiting.set(resource.id, resource)
    },
    // For drivers that dial: another gateway holds the device from now on. What was ordered stays.
    async detach(id) {
      const known = links.get(id)
      links.delete(id)
      waiting.delete(id)
      await known?.stop()
    },
    async apply(id, setpoint, deadlineMs) {
      await link(id).apply(setpoint, deadlineMs)
      return { strategy: null } // there is one form only in which this device takes an order
    },
    nextStrategy: () => null,
    readBack: async (id, deadlineMs) => await link(id).readBack(deadlineMs),
  }
}

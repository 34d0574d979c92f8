import type { Clock, DeviceDriver, Log, Timer } from '#ports.ts'
import { assert, DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { InverterLink } from './inverter-link.ts'
import { reasonOf } from './line.ts'
import type { InverterContext } from './live-inverter.ts'

export type ModbusDriverOptions = {
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  readonly meteringIntervalSeconds: number
  /** Wall time between two looks at an inverter; a raster point of the meter is never missed. */
  readonly pollMs?: number
  /** Wall time that an inverter may take for one answer. */
  readonly requestDeadlineMs?: number
  /** Wall time that an inverter's heartbeat may stand still before it takes no orders. */
  readonly staleMs?: number
}

const stopDeadlineMs = 5_000

/** Inverter-batteries that speak SunSpec over Modbus TCP, one connection each. */
export function createModbusDriver(options: ModbusDriverOptions): DeviceDriver {
  const { timer, log, pollMs = 1_000, requestDeadlineMs = 2_000, staleMs = 4_000 } = options
  const links = new Map<ResourceId, InverterLink>()
  const waiting = new Map<ResourceId, Resource>()
  let context: InverterContext | null = null

  const link = (id: ResourceId): InverterLink => {
    const found = links.get(id)
    if (found) return found
    throw new DomainError('device-unreachable', `inverter ${id} is not known to this gateway`)
  }

  return {
    protocol: 'modbus',
    async start(sink) {
      assert(context === null, 'the Modbus driver is started once')
      context = { ...options, sink, pollMs, requestDeadlineMs, staleMs }
      for (const resource of waiting.values()) {
        links.set(resource.id, new InverterLink(context, resource))
      }
      waiting.clear()
    },
    async stop() {
      const stopping = Promise.all([...links.values()].map((one) => one.stop()))
      try {
        await timer.deadline(stopping, stopDeadlineMs, 'the inverters to be let go')
      } catch (error) {
        log.warn('Modbus connections were cut', { reason: reasonOf(error) })
      }
      links.clear()
      context = null
    },
    async attach(resource) {
      const known = links.get(resource.id)
      if (known) known.renew(resource)
      else if (context) links.set(resource.id, new InverterLink(context, resource))
      else waiting.set(resource.id, resource)
    },
    async detach(id) {
      const known = links.get(id)
      links.delete(id)
      waiting.delete(id)
      await known?.stop()
    },
    async apply(id, setpoint, deadlineMs) {
      await link(id).apply(setpoint, deadlineMs)
      return { strategy: null }
    },
    nextStrategy: () => null,
    readBack: async (id, deadlineMs) => await link(id).readBack(deadlineMs),
  }
}

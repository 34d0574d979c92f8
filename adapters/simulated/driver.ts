import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import type { Resource } from '#domain/resource.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { Clock, DeviceDriver, DeviceSink, EffectiveSetpoint } from '#ports.ts'
import {
  createSimulatedDevice,
  type SimulatedDevice,
  type SimulatedDeviceOptions,
} from './device.ts'

export type SimulatedDriver = DeviceDriver & {
  /** Puts a machine behind a resource, before or after it is enrolled. */
  plug(resourceId: ResourceId, options: SimulatedDeviceOptions): void
  /** Lets business time pass to an instant: machines move, meters report on their raster. */
  passTo(at: Instant): void
  device(resourceId: ResourceId): SimulatedDevice
}

/** A device tells its last readings again after a reconnect, as chargers do. */
const MEMORY_READINGS = 8

/** A driver whose devices live in memory and know only business time. */
export function createSimulatedDriver(options: {
  readonly clock: Clock
  readonly meteringIntervalSeconds: number
}): SimulatedDriver {
  const devices = new Map<ResourceId, SimulatedDevice>()
  const attached = new Set<ResourceId>()
  const memory = new Map<ResourceId, DeviceReading[]>()
  const step = options.meteringIntervalSeconds * 1000
  let sink: DeviceSink | null = null
  let passed = options.clock.now()

  function find(resourceId: ResourceId): SimulatedDevice {
    const device = devices.get(resourceId)
    if (!device) throw new DomainError('device-unreachable', `no machine behind ${resourceId}`)
    return device
  }

  function reportAll(at: Instant): void {
    for (const [resourceId, device] of [...devices].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const reading = device.meter(at)
      if (!reading) continue
      const kept = [...(memory.get(resourceId) ?? []), { resourceId, ...reading }]
      memory.set(resourceId, kept.slice(-MEMORY_READINGS))
      if (attached.has(resourceId)) sink?.measured({ resourceId, ...reading })
    }
  }

  return {
    protocol: 'simulated',
    async start(receiver) {
      sink = receiver
    },
    async stop() {
      sink = null
      attached.clear()
    },
    async attach(resource: Resource) {
      attached.add(resource.id)
      const session = devices.get(resource.id)?.session
      if (session) sink?.session({ resourceId: resource.id, ...session })
      for (const reading of memory.get(resource.id) ?? []) sink?.measured(reading)
      sink?.connected(resource.id, 'in memory')
    },
    async apply(resourceId: ResourceId, setpoint: DesiredSetpoint) {
      const answer = find(resourceId).accept(setpoint, options.clock.now())
      if (answer !== null) throw new DomainError('device-refused', answer)
      return { strategy: null }
    },
    nextStrategy: () => null,
    async readBack(resourceId: ResourceId): Promise<EffectiveSetpoint> {
      return find(resourceId).effective(options.clock.now())
    },
    async detach(resourceId) {
      attached.delete(resourceId)
    },
    plug(resourceId, machine) {
      devices.set(resourceId, createSimulatedDevice(machine, options.clock.now()))
    },
    passTo(at) {
      let next = instant((Math.floor(passed / step) + 1) * step)
      while (next <= at) {
        reportAll(next)
        next = instant(next + step)
      }
      passed = at
    },
    device: find,
  }
}

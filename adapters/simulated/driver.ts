import type { Capability } from '#domain/capability.ts'
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
  /** Its line breaks, or it answers nothing any more, until it is mended. */
  cut(resourceId: ResourceId): void
  hush(resourceId: ResourceId): void
  mend(resourceId: ResourceId): void
}

const CUT = 'its line is cut'

/** A driver whose devices live in memory and know only business time. */
export function createSimulatedDriver(options: {
  readonly clock: Clock
  readonly meteringIntervalSeconds: number
}): SimulatedDriver {
  const devices = new Map<ResourceId, SimulatedDevice>()
  const attached = new Map<ResourceId, Resource>()
  /** Why a device is not heard. */
  const away = new Map<ResourceId, string>()
  const newest = new Map<ResourceId, number>()
  const memory = new Map<ResourceId, DeviceReading[]>()
  const step = options.meteringIntervalSeconds * 1000
  let sink: DeviceSink | null = null
  let passed = options.clock.now()

  function find(resourceId: ResourceId): SimulatedDevice {
    const device = devices.get(resourceId)
    if (!device) throw new DomainError('device-unreachable', `no machine behind ${resourceId}`)
    return device
  }

  function reach(resourceId: ResourceId): SimulatedDevice {
    const why = away.get(resourceId)
    if (!attached.has(resourceId)) {
      throw new DomainError('device-unreachable', `${resourceId} is not attached`)
    }
    if (why !== undefined) throw new DomainError('device-unreachable', `${resourceId}: ${why}`)
    return find(resourceId)
  }

  function connect(resource: Resource): void {
    if (away.get(resource.id) === CUT) return
    const session = devices.get(resource.id)?.session
    if (session) sink?.session({ resourceId: resource.id, ...session })
    for (const reading of memory.get(resource.id) ?? []) sink?.measured(reading)
    sink?.capability(resource.id, capabilityOf(resource, options.meteringIntervalSeconds))
    sink?.connected(resource.id, 'in memory')
  }

  function isHeard(resourceId: ResourceId): boolean {
    return attached.has(resourceId) && !away.has(resourceId)
  }

  function reportAll(at: Instant): void {
    for (const [resourceId, device] of [...devices].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const reading = device.meter(at)
      if (!reading) continue
      const kept = [...(memory.get(resourceId) ?? []), { resourceId, ...reading }]
      memory.set(resourceId, kept.slice(-device.remembers))
      if (isHeard(resourceId)) sink?.measured({ resourceId, ...reading })
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
      const isKnown = attached.has(resource.id)
      attached.set(resource.id, resource)
      if (!isKnown) connect(resource)
    },
    async detach(resourceId) {
      attached.delete(resourceId)
    },
    async apply(resourceId: ResourceId, setpoint: DesiredSetpoint) {
      const device = reach(resourceId)
      const known = newest.get(resourceId) ?? setpoint.version
      if (setpoint.version < known) {
        const why = `order ${known} came before order ${setpoint.version}`
        throw new DomainError('device-refused', why)
      }
      newest.set(resourceId, setpoint.version)
      const answer = device.accept(setpoint, options.clock.now())
      if (answer !== null) throw new DomainError('device-refused', answer)
      return { strategy: null }
    },
    nextStrategy: () => null,
    async readBack(resourceId: ResourceId): Promise<EffectiveSetpoint> {
      return reach(resourceId).effective(options.clock.now())
    },
    cut(resourceId) {
      away.set(resourceId, CUT)
      if (attached.has(resourceId)) sink?.disconnected(resourceId, CUT)
    },
    hush: (resourceId) => void away.set(resourceId, 'it does not answer'),
    mend(resourceId) {
      const resource = attached.get(resourceId)
      const wasCut = away.get(resourceId) === CUT
      away.delete(resourceId)
      if (resource !== undefined && wasCut) connect(resource)
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

function capabilityOf({ rating }: Resource, meterIntervalSeconds: number): Capability {
  return {
    protocol: 'simulated',
    make: null,
    model: null,
    firmware: null,
    quirks: null,
    unit: 'W',
    phases: rating.phases,
    minimumW: rating.importMinW,
    stepW: 1,
    stackLevelMax: null,
    periodsMax: null,
    purposes: [],
    kinds: [],
    pauses: rating.pausable,
    resumes: true,
    readBack: 'setpoint',
    meterIntervalSeconds,
    signs: false,
    v2x: rating.exportMaxW > 0,
    dynamic: true,
    offlineFallback: 'expires',
    updateEverySeconds: null,
  }
}

import { type Capability, ONE_SETPOINT, type VoltageCapability } from '#domain/capability.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { Clock, DeviceDriver, DeviceSink } from '#ports.ts'
import type { SimulatedDevice, SimulatedDeviceOptions } from './device.ts'
import { createMachines } from './machines.ts'

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
  const { clock, meteringIntervalSeconds } = options
  const machines = createMachines(clock.now(), meteringIntervalSeconds)
  const attached = new Map<ResourceId, Resource>()
  /** Why a device is not heard. */
  const away = new Map<ResourceId, string>()
  let sink: DeviceSink | null = null

  function reach(resourceId: ResourceId): SimulatedDevice {
    const why = attached.has(resourceId) ? away.get(resourceId) : 'it is not attached'
    if (why !== undefined) throw new DomainError('device-unreachable', `${resourceId}: ${why}`)
    return machines.find(resourceId)
  }

  function connect(resource: Resource): void {
    const { id: resourceId } = resource
    if (away.get(resourceId) === CUT) return
    const session = machines.session(resourceId)
    if (session) sink?.session({ resourceId, ...session })
    for (const reading of machines.remembered(resourceId)) sink?.measured(reading)
    const make = machines.make(resourceId)
    const capability = { ...capabilityOf(resource, meteringIntervalSeconds), make }
    const answers = machines.answers(resourceId)
    sink?.capability(resourceId, {
      ...capability,
      ...(answers.includes('frequency') ? { frequency: true as const } : {}),
      ...(answers.includes('voltage') ? { voltage: voltageOf(resource) } : {}),
    })
    sink?.connected(resourceId, 'in memory')
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
    detach: async (resourceId) => void attached.delete(resourceId),
    async apply(resourceId: ResourceId, setpoint: DesiredSetpoint) {
      const refusal = reach(resourceId).accept(setpoint, clock.now())
      if (refusal !== null) throw new DomainError('device-refused', refusal)
      return { strategy: null }
    },
    nextStrategy: () => null,
    async arm(resourceId, order) {
      const refusal = reach(resourceId).arm(order, clock.now())
      if (refusal !== null) throw new DomainError('device-refused', refusal)
    },
    recording: async (resourceId, answers, window) => reach(resourceId).recordedIn(answers, window),
    readBack: async (resourceId) => reach(resourceId).effective(clock.now()),
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
    plug: (resourceId, machine) => machines.plug(resourceId, machine, clock.now()),
    passTo: (at) =>
      machines.passTo(at, (reading) => {
        const { resourceId } = reading
        if (attached.has(resourceId) && !away.has(resourceId)) sink?.measured(reading)
      }),
    device: machines.find,
  }
}

function voltageOf({ rating }: Resource): VoltageCapability {
  const ratedVar = Math.max(rating.importMaxW, rating.exportMaxW)
  return { curves: ['volt-var', 'volt-watt'], ratedVar, pointsMax: 8 }
}

function capabilityOf({ rating }: Resource, meterIntervalSeconds: number): Capability {
  return {
    protocol: 'simulated',
    ...ONE_SETPOINT,
    make: null,
    model: null,
    firmware: null,
    quirks: null,
    phases: rating.phases,
    minimumW: rating.importMinW,
    stepW: 1,
    pauses: rating.pausable,
    resumes: true,
    meterIntervalSeconds,
    signs: false,
    v2x: rating.exportMaxW > 0,
    offlineFallback: 'expires',
  }
}

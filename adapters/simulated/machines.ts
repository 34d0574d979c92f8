import { DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { type Instant, instant } from '#domain/time.ts'
import {
  createSimulatedDevice,
  type SimulatedDevice,
  type SimulatedDeviceOptions,
} from './device.ts'

/** The machines behind resources. They move and meter on their raster, whoever listens. */
export type Machines = {
  plug(resourceId: ResourceId, options: SimulatedDeviceOptions, now: Instant): void
  /** @throws DomainError device-unreachable */
  find(resourceId: ResourceId): SimulatedDevice
  answers(resourceId: ResourceId): SimulatedDevice['answers']
  session(resourceId: ResourceId): SimulatedDevice['session']
  make(resourceId: ResourceId): string | null
  /** What a machine tells again after a reconnect, oldest first. */
  remembered(resourceId: ResourceId): readonly DeviceReading[]
  passTo(at: Instant, measured: (reading: DeviceReading) => void): void
}

export function createMachines(start: Instant, meteringIntervalSeconds: number): Machines {
  const devices = new Map<ResourceId, SimulatedDevice>()
  const memory = new Map<ResourceId, readonly DeviceReading[]>()
  const step = meteringIntervalSeconds * 1000
  let passed = start

  function meterAll(at: Instant, measured: (reading: DeviceReading) => void): void {
    for (const [resourceId, device] of [...devices].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const told = device.meter(at)
      if (!told) continue
      const reading = { resourceId, ...told }
      const kept = [...(memory.get(resourceId) ?? []), reading]
      memory.set(resourceId, kept.slice(-device.remembers))
      measured(reading)
    }
  }

  return {
    plug: (id, options, now) => void devices.set(id, createSimulatedDevice(options, now)),
    find(resourceId) {
      const device = devices.get(resourceId)
      if (!device) throw new DomainError('device-unreachable', `no machine behind ${resourceId}`)
      return device
    },
    answers: (resourceId) => devices.get(resourceId)?.answers ?? [],
    session: (resourceId) => devices.get(resourceId)?.session ?? null,
    make: (resourceId) => devices.get(resourceId)?.make ?? null,
    remembered: (resourceId) => memory.get(resourceId) ?? [],
    passTo(at, measured) {
      let next = instant((Math.floor(passed / step) + 1) * step)
      while (next <= at) {
        meterAll(next, measured)
        next = instant(next + step)
      }
      passed = at
    },
  }
}

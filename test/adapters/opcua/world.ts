import { setTimeout as delay } from 'node:timers/promises'
import {
  callId,
  congestionPointId,
  organisationId,
  ownerId,
  type ResourceId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import type { Capability } from '#domain/capability.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import type { Resource } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { DeviceSink, Log, SecurityEvent } from '#ports.ts'

/** Keeps what a driver reports, and lines of its log. */
export type Recorder = DeviceSink & {
  readonly log: Log
  readonly lines: string[]
  readonly told: { id: ResourceId; kind: 'connected' | 'disconnected'; detail: string }[]
  readonly readings: DeviceReading[]
  readonly capabilities: { id: ResourceId; capability: Capability }[]
  readonly securityEvents: SecurityEvent[]
  readonly limits: { id: ResourceId; limitW: number | null; source: string }[]
  connections(id: ResourceId): number
  isConnected(id: ResourceId): boolean
  lastDetail(id: ResourceId): string | undefined
}

export function recorder(): Recorder {
  const told: Recorder['told'] = []
  const readings: DeviceReading[] = []
  const capabilities: Recorder['capabilities'] = []
  const security: SecurityEvent[] = []
  const lines: string[] = []
  const limits: Recorder['limits'] = []
  const keep = (message: string, fields?: Record<string, unknown>) => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`)
  }
  const of = (id: ResourceId) => told.filter((entry) => entry.id === id)
  return {
    log: { info: keep, warn: keep, error: keep },
    lines,
    told,
    readings,
    capabilities,
    securityEvents: security,
    limits,
    connected: (id, detail) => told.push({ id, kind: 'connected', detail }),
    disconnected: (id, detail) => told.push({ id, kind: 'disconnected', detail }),
    measured: (reading) => readings.push(reading),
    session: () => {},
    capability: (id, capability) => capabilities.push({ id, capability }),
    limitedElsewhere: (id, limitW, source) => limits.push({ id, limitW, source }),
    overridden: () => {},
    security: (event) => security.push(event),
    connections: (id) => of(id).filter((entry) => entry.kind === 'connected').length,
    isConnected: (id) => of(id).at(-1)?.kind === 'connected',
    lastDetail: (id) => of(id).at(-1)?.detail,
  }
}

export async function until(what: string, met: () => boolean, withinMs = 15_000): Promise<void> {
  const end = performance.now() + withinMs
  while (!met()) {
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms for ${what}`)
    await delay(20)
  }
}

export function battery(
  name: string,
  endpoint: string,
  thumbprint: string | null,
  product?: string,
  user?: 'password' | 'certificate',
  object?: string,
): Resource {
  return {
    id: resourceId(name),
    kind: 'battery',
    siteId: siteId('site'),
    ownerId: ownerId('owner'),
    aggregatorId: organisationId('aggregator'),
    congestionPointId: congestionPointId('feeder'),
    rating: {
      importMaxW: 5000,
      exportMaxW: 5000,
      importMinW: 0,
      phases: 3,
      energyWh: 10_000,
      reserveWh: 1000,
      pausable: true,
    },
    offer: {
      price: 100_000n as never,
      directions: ['reduce-import'],
      fromMinute: 0,
      untilMinute: 1440,
    },
    connection: {
      protocol: 'opcua',
      endpoint,
      thumbprint,
      ...(product === undefined ? {} : { product }),
      ...(user === undefined ? {} : { user }),
      ...(object === undefined ? {} : { object }),
    },
    meter: null,
    enrolledAt: instant(0),
  }
}

export function setpoint(
  id: ResourceId,
  version: number,
  powerW: number | null,
  validUntil: Instant,
): DesiredSetpoint {
  return {
    resourceId: id,
    callId: callId('call'),
    version,
    powerW,
    validFrom: instant(0),
    validUntil,
    orderedAt: instant(0),
  }
}

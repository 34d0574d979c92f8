import { setTimeout as delay } from 'node:timers/promises'
import {
  callId,
  congestionPointId,
  organisationId,
  ownerId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import type { Capability } from '#domain/capability.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { microEurPerKwh } from '#domain/money.ts'
import type { Connection, Rating, Resource, ResourceKind } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, instant, parseInstant } from '#domain/time.ts'
import type { Clock, DeviceDriver, DeviceSink, Log } from '#ports.ts'
import { createAnchoredClock } from '#processes/wall-time.ts'

/** What a test of the contract needs from one kind of device. */
export type Rig = {
  readonly clock: Clock
  readonly meteringIntervalSeconds: number
  /** A driver of this kind, not started. */
  openDriver(log: Log): Promise<DeviceDriver>
  /** A real device that a started driver can reach, or that dials in to it. */
  openDevice(driver: DeviceDriver): Promise<DeviceUnderTest>
  close(): Promise<void>
}

export type DeviceUnderTest = {
  readonly resource: Resource
  /** Three powers that it can hold, W, + is import, with at least `stepW` between them. */
  readonly powersW: readonly [number, number, number]
  /** How far from what was ordered it may be by its own grain, W. */
  readonly stepW: number
  /** What is in force on the device itself, W; null: its own default. */
  truth(): number | null
  /** Breaks its line, and keeps it broken. */
  cut(): Promise<void>
  restore(): Promise<void>
  /** It takes what comes and answers nothing; `cut` and `restore` bring it back. */
  hush(): void
  /** Does it refuse setpoints? */
  refuse(isOn: boolean): void
  /** Connections that stand now. */
  connections(): number
  leave(): Promise<void>
}

export const START = parseInstant('2026-03-02T17:00:00Z')
export const SPEED = 10
export const INTERVAL_SECONDS = 2

/** Business time that runs ten times as fast. */
export function runningClock(): Clock {
  return createAnchoredClock(START, { wallMs: Date.now(), businessMs: START, speed: SPEED })
}

export type Heard = DeviceSink & {
  readonly log: Log
  readonly lines: string[]
  readonly connections: { isConnected: boolean; detail: string }[]
  readonly readings: DeviceReading[]
  readonly capabilities: Capability[]
  readonly security: DeviceSink['security']
}

/** A sink that keeps what it hears. */
export function heard(): Heard {
  const connections: Heard['connections'] = []
  const readings: DeviceReading[] = []
  const capabilities: Capability[] = []
  const lines: string[] = []
  const keep = (message: string, fields: Record<string, unknown> = {}) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`)
  return {
    log: { info: keep, warn: keep, error: keep },
    lines,
    connections,
    readings,
    capabilities,
    connected: (_, detail) => void connections.push({ isConnected: true, detail }),
    disconnected: (_, detail) => void connections.push({ isConnected: false, detail }),
    measured: (reading) => void readings.push(reading),
    session: () => undefined,
    capability: (_, capability) => void capabilities.push(capability),
    limitedElsewhere: () => undefined,
    overridden: () => undefined,
    security: () => undefined,
  }
}

/** Waits until something holds. @throws Error that names what was waited for */
export async function until(what: string, holds: () => boolean, withinMs = 15_000): Promise<void> {
  const end = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms for ${what}`)
    await delay(10)
  }
}

export function resourceOf(
  name: string,
  kind: ResourceKind,
  connection: Connection,
  rating: Partial<Rating> = {},
): Resource {
  return {
    id: resourceId(name),
    kind,
    siteId: siteId('site'),
    ownerId: ownerId('owner'),
    aggregatorId: organisationId('aggregator'),
    congestionPointId: congestionPointId('feeder'),
    rating: {
      importMaxW: 5000,
      exportMaxW: kind === 'battery' ? 5000 : 0,
      importMinW: 0,
      phases: 3,
      energyWh: kind === 'battery' ? 10_000 : 0,
      reserveWh: 0,
      pausable: true,
      ...rating,
    },
    offer: {
      price: microEurPerKwh(100_000n),
      directions: ['reduce-import'],
      fromMinute: 0,
      untilMinute: 1440,
    },
    connection,
    meter: null,
    enrolledAt: START,
  }
}

export function orderFor(
  { id }: Resource,
  clock: Clock,
  version: number,
  powerW: number | null,
  seconds = 600,
): DesiredSetpoint {
  const now: Instant = clock.now()
  return {
    resourceId: id,
    callId: callId('call'),
    version,
    powerW,
    validFrom: instant(now - 1000),
    validUntil: addSeconds(now, seconds),
    orderedAt: now,
  }
}

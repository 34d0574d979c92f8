/** What the OCPP tests stand on: a driver on a free port, its sink as lists, and stations of wire. */
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createOcppDriver, type OcppDriver, type OcppDriverOptions } from '#adapters/ocpp/driver.ts'
import type { Capability } from '#domain/capability.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import {
  callId,
  congestionPointId,
  organisationId,
  ownerId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import type { MicroEurPerKwh } from '#domain/money.ts'
import type { ChargingSession, Rating, Resource } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { instant, parseInstant } from '#domain/time.ts'
import type { Clock, DeviceSink, Log, SecurityEvent } from '#ports.ts'
import { wallTimer } from '#test/support/wall-timer.ts'

export const PASSWORD = '00112233445566778899aabbccddeeff00112233'
export const START = parseInstant('2026-03-02T17:00:00Z')

/** A clock that stands still until it is moved. */
export type TestClock = Clock & { set(at: number): void }

export function testClock(): TestClock {
  let now = START
  return { speed: 1, now: () => now, set: (at) => void (now = instant(at)) }
}

export type Heard = {
  readonly connected: { id: string; detail: string }[]
  readonly disconnected: { id: string; detail: string }[]
  readonly readings: DeviceReading[]
  readonly signed: { id: string; text: string }[]
  readonly sessions: ChargingSession[]
  readonly capabilities: { id: string; capability: Capability }[]
  readonly limits: { id: string; limitW: number | null; source: string }[]
  readonly overrides: { id: string; isOn: boolean }[]
  readonly security: SecurityEvent[]
  readonly log: { level: string; message: string; fields: Record<string, unknown> }[]
}

export type World = {
  readonly driver: OcppDriver
  readonly clock: TestClock
  readonly heard: Heard
  stop(): Promise<void>
}

/** A started driver with one known charger 'CP-1'. */
export async function startWorld(
  options: Partial<OcppDriverOptions> = {},
  resources: readonly Resource[] = [charger()],
): Promise<World> {
  const clock = testClock()
  const heard: Heard = {
    connected: [],
    disconnected: [],
    readings: [],
    signed: [],
    sessions: [],
    capabilities: [],
    limits: [],
    overrides: [],
    security: [],
    log: [],
  }
  const note =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      heard.log.push({ level, message, fields })
    }
  const log: Log = { info: note('info'), warn: note('warn'), error: note('error') }
  const sink: DeviceSink = {
    connected: (id, detail) => heard.connected.push({ id, detail }),
    disconnected: (id, detail) => heard.disconnected.push({ id, detail }),
    measured: (reading) => heard.readings.push(reading),
    signed: (id, text) => heard.signed.push({ id, text }),
    session: (session) => heard.sessions.push(session),
    capability: (id, capability) => heard.capabilities.push({ id, capability }),
    limitedElsewhere: (id, limitW, source) => heard.limits.push({ id, limitW, source }),
    overridden: (id, isOn) => heard.overrides.push({ id, isOn }),
    security: (event) => heard.security.push(event),
  }
  const driver = createOcppDriver({
    clock,
    timer: wallTimer,
    log,
    host: '127.0.0.1',
    port: 0,
    meteringIntervalSeconds: 30,
    pingTimeoutMs: 150,
    bootGraceMs: 1_500,
    ...options,
  })
  for (const resource of resources) await driver.attach(resource)
  await driver.start(sink)
  return { driver, clock, heard, stop: async () => await driver.stop() }
}

export function charger(
  overrides: {
    identity?: string
    connectorId?: number
    password?: string
    rating?: Partial<Rating>
  } = {},
): Resource {
  const { identity = 'CP-1', connectorId = 1, password = PASSWORD } = overrides
  return {
    id: resourceId(`charger-${identity}-${connectorId}`),
    kind: 'charger',
    siteId: siteId('site-1'),
    ownerId: ownerId('owner-1'),
    aggregatorId: organisationId('aggregator-1'),
    congestionPointId: congestionPointId('feeder-1'),
    rating: {
      importMaxW: 11_040,
      exportMaxW: 0,
      importMinW: 4_140,
      phases: 3,
      energyWh: 0,
      reserveWh: 0,
      pausable: true,
      ...overrides.rating,
    },
    offer: {
      price: 150_000n as MicroEurPerKwh,
      directions: ['reduce-import'],
      fromMinute: 0,
      untilMinute: 1440,
    },
    connection: {
      protocol: 'ocpp',
      identity,
      passwordSha256: createHash('sha256').update(password).digest('hex'),
      connectorId,
    },
    meter: null,
    enrolledAt: START,
  }
}

export function setpoint(
  resource: Resource,
  overrides: Partial<DesiredSetpoint> = {},
): DesiredSetpoint {
  return {
    resourceId: resource.id,
    callId: callId('call-1'),
    version: 1,
    powerW: 4_200,
    validFrom: START,
    validUntil: instant(START + 1_800_000),
    orderedAt: START,
    ...overrides,
  }
}

/** Waits until something holds. @throws Error after ten seconds, naming what was waited for. */
export async function until(
  what: string,
  holds: () => boolean,
  deadlineMs = 10_000,
): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms for ${what}`)
    await pause(5)
  }
}

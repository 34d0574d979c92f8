import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOcppDriver, type OcppDriver } from '#adapters/ocpp/driver.ts'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import {
  callId,
  congestionPointId,
  organisationId,
  ownerId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import type { ChargingSession, Connection, Resource } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, instant, parseInstant } from '#domain/time.ts'
import type { DeviceDriver, DeviceSink } from '#ports.ts'
import { AnchorClock } from '#simulations/clock.ts'
import { type FleetProcess, type FleetStations, forkFleet } from '#simulations/fleet-process.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import type { ScenarioDevice } from '#simulations/scenarios/scenario.ts'
import { wallTimer } from '../support/wall-timer.ts'
import { until } from './devices/csms.ts'

/*
 * The fleet and our own drivers, face to face over their sockets: both were written to the same
 * standards, neither to the other.
 */
const scenario = bundledScenario(7)
const SPEED = 60
const INTERVAL = scenario.meteringIntervalSeconds
const start = parseInstant(scenario.start)
const passwordOf = (ref: string) => createHash('sha1').update(ref).digest('hex')

let folder: string
let fleet: FleetProcess
let ocpp: OcppDriver
let opcua: OpcuaDriver
const clock = new AnchorClock(start)
const readings = new Map<string, DeviceReading[]>()
const sessions = new Map<string, ChargingSession>()
const connected = new Set<string>()
const complaints: unknown[] = []

const sink: DeviceSink = {
  connected: (id) => void connected.add(id),
  disconnected: (id) => void connected.delete(id),
  measured: (reading) => {
    readings.set(reading.resourceId, [...(readings.get(reading.resourceId) ?? []), reading])
  },
  session: (session) => void sessions.set(session.resourceId, session),
  capability: () => {},
  limitedElsewhere: () => {},
  overridden: () => {},
  security: (event) => void complaints.push(event),
}

function resource(device: ScenarioDevice, connection: Connection): Resource {
  return {
    id: resourceId(device.ref),
    kind: device.kind,
    siteId: siteId(device.site),
    ownerId: ownerId('owner-01'),
    aggregatorId: organisationId('agg-amber'),
    congestionPointId: congestionPointId('cp-north'),
    rating: device.rating,
    offer: { ...device.offer, price: microEurPerKwh(BigInt(device.offer.price)) },
    connection,
    meter: null,
    enrolledAt: start,
  }
}

const driverOf = ({ kind }: ScenarioDevice): DeviceDriver => (kind === 'charger' ? ocpp : opcua)

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gridcall-test-drivers-'))
  const scenarioFile = path.join(folder, 'scenario.json')
  writeFileSync(scenarioFile, JSON.stringify(scenario))
  fleet = forkFleet({ scenarioFile, logFile: path.join(folder, 'fleet.jsonl') })
  const complain = (message: string, fields?: unknown) => void complaints.push({ message, fields })
  const log = { info: () => undefined, warn: complain, error: complain }
  const common = { clock, timer: wallTimer, log, meteringIntervalSeconds: INTERVAL }
  ocpp = createOcppDriver({ ...common, host: '127.0.0.1', port: 0 })
  opcua = createOpcuaDriver({ ...common, pkiFolder: path.join(folder, 'pki') })
  await ocpp.start(sink)
  await opcua.start(sink)
})

afterAll(async () => {
  await ocpp.stop()
  await opcua.stop()
  await fleet.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('every device connects, meters without a gap, obeys and returns to its default', async () => {
  const batteries = await fleet.ready()
  const stations: FleetStations[number][] = []
  for (const device of scenario.devices) {
    if (device.kind !== 'charger') continue
    const password = passwordOf(device.ref)
    const passwordSha256 = createHash('sha256').update(password).digest('hex')
    const connection = {
      protocol: 'ocpp',
      identity: device.ref,
      passwordSha256,
      connectorId: 1,
    } as const
    await ocpp.attach(resource(device, connection))
    stations.push({ ref: device.ref, url: ocpp.url(device.ref), password })
  }
  const { pem } = await opcua.clientCertificate()
  await fleet.connect(stations, pem)
  for (const { ref, endpoint, thumbprint } of batteries) {
    const device = scenario.devices.find((one) => one.ref === ref)
    if (device === undefined) throw new Error(ref)
    await opcua.attach(resource(device, { protocol: 'opcua', endpoint, thumbprint }))
  }
  await until('all are connected', () => connected.size === scenario.devices.length, 15_000)
  await until('all drivers are known', () => sessions.size === 24, 5000)
  for (const device of scenario.devices) {
    if (device.kind !== 'charger') continue
    const [visit] = device.visits
    expect(sessions.get(device.ref)).toMatchObject({
      energyNeededWh: visit?.energyNeededWh,
      departureAt: parseInstant(visit?.departureAt ?? ''),
      startedAt: parseInstant(visit?.pluggedInAt ?? ''),
    })
  }

  const anchor = { wallMs: Date.now(), businessMs: start, speed: SPEED }
  clock.anchor(anchor)
  fleet.startClock(anchor)
  const heardFrom = (count: number) =>
    [...readings.values()].filter((list) => list.length >= count).length === scenario.devices.length
  await until('three readings of every device', () => heardFrom(3), 15_000)

  const orderedAt = clock.now()
  const validUntil = addSeconds(orderedAt, 180)
  const wanted = new Map<string, number>()
  await Promise.all(
    scenario.devices.map(async (device, index) => {
      const draws = readings.get(device.ref)?.at(-1)?.powerW ?? 0
      const { importMinW, exportMaxW, pausable } = device.rating
      const powerW =
        device.kind === 'battery' ? -exportMaxW : pausable && index % 2 === 0 ? 0 : importMinW
      expect(draws).toBeGreaterThan(device.kind === 'battery' ? -1 : powerW)
      wanted.set(device.ref, powerW)
      const setpoint: DesiredSetpoint = {
        resourceId: resourceId(device.ref),
        callId: callId('call-1'),
        version: 1,
        powerW,
        validFrom: orderedAt,
        validUntil,
        orderedAt,
      }
      await driverOf(device).apply(setpoint.resourceId, setpoint, 5000)
      const effective = await driverOf(device).readBack(setpoint.resourceId, 5000)
      expect(effective.kind, device.ref).toBe('limited')
      if (effective.kind === 'limited') expect(Math.abs(effective.powerW - powerW)).toBeLessThan(25)
    }),
  )
  const after = instant(clock.now() + 2 * INTERVAL * 1000)
  const observed = (ref: string) => readings.get(ref)?.find(({ at }) => at >= after)
  await until(
    'a reading wholly after the order',
    () => scenario.devices.every(({ ref }) => observed(ref) !== undefined),
    10_000,
  )
  for (const { ref } of scenario.devices) {
    expect(
      Math.abs((observed(ref)?.powerW ?? Number.NaN) - (wanted.get(ref) ?? 0)),
      ref,
    ).toBeLessThan(25)
  }

  await until(
    'every order has expired',
    () => clock.now() > addSeconds(validUntil, 2 * INTERVAL),
    15_000,
  )
  for (const device of scenario.devices) {
    const effective = await driverOf(device).readBack(resourceId(device.ref), 5000)
    expect(effective, device.ref).toEqual({ kind: 'default' })
  }
  for (const [ref, list] of readings) {
    const stamps = list.map(({ at }) => at)
    const complete = stamps.map((_, index) => instant((stamps[0] ?? 0) + index * INTERVAL * 1000))
    expect(stamps, `${ref} left no reading out`).toEqual(complete)
    expect(stamps[0], ref).toBe(addSeconds(start, INTERVAL))
  }
  expect(complaints).toEqual([])
}, 60_000)

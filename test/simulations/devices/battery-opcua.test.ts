import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  AttributeIds,
  ClientMonitoredItem,
  type ClientSession,
  DataType,
  type DataValue,
  MessageSecurityMode,
  SecurityPolicy,
  TimestampsToReturn,
} from 'node-opcua'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { BatteryOpcua } from '#simulations/devices/battery-opcua.ts'
import { redirectOpcuaOutput } from '#simulations/devices/opcua-stack.ts'
import type { ScenarioBattery } from '#simulations/scenarios/scenario.ts'
import { at, START } from './charger.ts'
import { until } from './csms.ts'
import { call, type ClientPki, clientPki, connectTo, nodeIds, read } from './opcua-client.ts'

const DEVICE: ScenarioBattery = {
  kind: 'battery',
  ref: 'res-bat-01',
  site: 'site-01-north',
  rating: {
    importMaxW: 5000,
    exportMaxW: 5000,
    importMinW: 0,
    phases: 1,
    energyWh: 10_000,
    reserveWh: 1000,
    pausable: true,
  },
  offer: { price: '1', directions: ['reduce-import'], fromMinute: 0, untilMinute: 1440 },
  battery: {
    soc: 0.6,
    socMin: 0.05,
    socMax: 0.95,
    rampPerSecond: 0.5,
    revertW: 0,
    importedWh: 1_000_000,
    exportedWh: 400_000,
  },
}

let folder: string
let ours: ClientPki
let stranger: ClientPki
let battery: BatteryOpcua
let endpoint: string
let sessions: { close(): Promise<void> }[]
const clock = { now: START }
const log: { kind: string; [more: string]: unknown }[] = []
const setpoints: { powerW: number; validUntil: number }[] = []
const defaults: number[] = []

beforeAll(async () => {
  redirectOpcuaOutput(() => undefined)
  folder = mkdtempSync(path.join(tmpdir(), 'gridcall-test-battery-'))
  ours = await clientPki(folder, 'ours')
  stranger = await clientPki(folder, 'stranger')
})

afterAll(async () => {
  await ours.manager.dispose()
  await stranger.manager.dispose()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  clock.now = START
  for (const list of [log, setpoints, defaults]) list.length = 0
  sessions = []
  battery = new BatteryOpcua(DEVICE, START, path.join(folder, 'battery'), {
    now: () => clock.now,
    log: (kind, fields) => log.push({ kind, ...fields }),
    setpoint: (setpoint) => setpoints.push(setpoint),
    backAtDefault: (when) => defaults.push(when),
    driverLeft: () => undefined,
  })
  const started = await battery.start()
  endpoint = started.endpoint
  expect(started.thumbprint).toMatch(/^[0-9A-F]{40}$/)
  await battery.trust(ours.pem)
})

afterEach(async () => {
  for (const session of sessions) await session.close()
  await battery.stop()
})

async function connect(from: ClientPki, security: Parameters<typeof connectTo>[2] = {}) {
  const connected = await connectTo(endpoint, from, security)
  sessions.push(connected)
  return connected.session
}

const setActivePower = (session: ClientSession, watts: number, until: number, sequence: number) =>
  call(session, 'SetActivePower', [watts, new Date(until), sequence])

function advance(seconds: number): void {
  clock.now = at(seconds)
  battery.unit.advance(clock.now)
}

test('a client with an unknown certificate does not get in', async () => {
  await expect(connect(stranger)).rejects.toThrow()
  expect(log.filter(({ kind }) => kind === 'connected')).toEqual([])
})

test('a client without encryption does not get in', async () => {
  const none = { mode: MessageSecurityMode.None, policy: SecurityPolicy.None }
  await expect(connect(ours, none)).rejects.toThrow()
  const signed = { mode: MessageSecurityMode.Sign }
  await expect(connect(ours, signed)).rejects.toThrow()
})

test('late, old and too large orders are refused by code, and every order in LOCAL', async () => {
  const session = await connect(ours)
  expect(await setActivePower(session, 1000, at(-1), 1)).toBe(3)
  expect(await setActivePower(session, 5001, at(60), 1)).toBe(4)
  expect(await setActivePower(session, 1000, at(60), 5)).toBe(0)
  expect(await setActivePower(session, 2000, at(60), 5)).toBe(2)
  expect(await call(session, 'ReleaseSetpoint', [4])).toBe(2)
  battery.unit.local = true
  expect(await setActivePower(session, 2000, at(60), 6)).toBe(1)
  expect(setpoints).toEqual([{ powerW: -1000, validUntil: at(60) }])
})

test('both policies are served', async () => {
  const session = await connect(ours, { policy: SecurityPolicy.Aes256_Sha256_RsaPss })
  expect(await read(session, 'EnergyRating')).toBe(10_000)
  expect(await read(session, 'StateOfCharge')).toBeCloseTo(60, 6)
})

test('discharge is + on the wire; an order is read back, followed and expires', async () => {
  const session = await connect(ours)
  expect(await setActivePower(session, 3000, at(300), 1)).toBe(0)
  expect(await read(session, 'SetpointEnable')).toBe(true)
  expect(await read(session, 'ActivePowerSetpoint')).toBe(3000)
  expect(await read(session, 'SetpointValidUntil')).toEqual(new Date(at(300)))
  advance(60)
  expect(await read(session, 'ActivePower')).toBeCloseTo(3000, 6)
  expect(await read(session, 'RevertRemaining')).toBe(240)
  expect(battery.unit.state.powerW).toBeCloseTo(-3000, 6)
  advance(310)
  expect(await read(session, 'SetpointEnable')).toBe(false)
  expect(await read(session, 'ActivePower')).toBe(0)
  expect(defaults).toEqual([at(300)])
  const reactions = log.filter(({ kind }) => kind === 'reaction')
  expect(reactions.map(({ powerW }) => powerW)).toEqual([-3000, 0])
})

test('a release returns to the default at once', async () => {
  const session = await connect(ours)
  await setActivePower(session, -2000, at(300), 1)
  advance(10)
  expect(await read(session, 'ActivePower')).toBeCloseTo(-2000, 6)
  expect(await call(session, 'ReleaseSetpoint', [2])).toBe(0)
  expect(defaults).toEqual([at(10)])
  expect(log.map(({ action }) => action)).toContain('ReleaseSetpoint')
})

test('one that disobeys reads back its order and stays as it is', async () => {
  const session = await connect(ours)
  battery.unit.ignoreUntil(at(300))
  await setActivePower(session, 3000, at(300), 1)
  advance(60)
  expect(await read(session, 'ActivePowerSetpoint')).toBe(3000)
  expect(await read(session, 'ActivePower')).toBe(0)
})

test('a metering interval that is no whole second is refused', async () => {
  const session = await connect(ours)
  const id = await nodeIds(session)
  const write = async (value: number) => {
    const nodeId = id('MeteringInterval')
    const written = { value: { dataType: DataType.Double, value } }
    return (await session.write({ nodeId, attributeId: AttributeIds.Value, value: written })).name
  }
  expect(await write(0.5)).toBe('BadOutOfRange')
  expect(await write(60)).toBe('Good')
  expect(battery.unit.meteringIntervalSeconds).toBe(60)
})

test('every record reaches a monitored item, also when ten come at once', async () => {
  const session = await connect(ours)
  const id = await nodeIds(session)
  battery.unit.meteringIntervalSeconds = 30
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 50,
    requestedMaxKeepAliveCount: 20,
    requestedLifetimeCount: 200,
    maxNotificationsPerPublish: 1000,
    publishingEnabled: true,
    priority: 1,
  })
  const records: number[][] = []
  const item = ClientMonitoredItem.create(
    subscription,
    { nodeId: id('MeterRecord'), attributeId: AttributeIds.Value },
    { samplingInterval: 0, queueSize: 100, discardOldest: true },
    TimestampsToReturn.Neither,
  )
  item.on('changed', (value: DataValue) => records.push([...(value.value.value as number[])]))
  await until('the first value, which says that there is no record', () => records.length === 1)
  await setActivePower(session, 3600, at(900), 1)
  advance(300)
  await until('ten records', () => records.length === 11)
  expect(records.slice(1).map(([stamp]) => stamp)).toEqual(
    Array.from({ length: 10 }, (_, index) => at(30 * (index + 1))),
  )
  const [, powerW, importedWh, exportedWh] = records[10] ?? []
  expect(powerW).toBeCloseTo(3600, 6)
  expect(importedWh).toBe(1_000_000)
  expect(exportedWh).toBeCloseTo(400_000 + 300 - 0.5, 0)
})

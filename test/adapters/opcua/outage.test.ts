import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { OPCUACertificateManager } from 'node-opcua'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import { instant } from '#domain/time.ts'
import type { Timer } from '#ports.ts'
import { quickTimer, wallTimer } from '#test/support/wall-timer.ts'
import { type BatteryServer, serverPki, startBatteryServer, trust } from './battery-server.ts'
import { openWire, type Wire } from './proxy.ts'
import { battery, type Recorder, recorder, setpoint, until } from './world.ts'

const businessNow = 1_700_000_000_000
const soon = instant(businessNow + 900_000)
const { id } = battery('battery', 'opc.tcp://127.0.0.1:1', null)
/** How much faster the watchdog of clients to come is, so that its tests need not wait for it. */
let watchdogPace = 1
const pacedTimer: Timer = {
  ...quickTimer(4),
  every: (ms, what, run) => wallTimer.every(ms / watchdogPace, what, run),
}

let folder: string
let manager: OPCUACertificateManager
let server: BatteryServer
let wire: Wire
let driver: OpcuaDriver
let seen: Recorder
let version = 1

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-opcua-'))
  manager = await serverPki(path.join(folder, 'battery'))
  server = await startBatteryServer(manager)
  wire = await openWire(server.port)
  seen = recorder()
  driver = createOpcuaDriver({
    clock: { now: () => instant(businessNow), speed: 60 },
    timer: pacedTimer,
    log: seen.log,
    pkiFolder: path.join(folder, 'gateway'),
    meteringIntervalSeconds: 30,
  })
  await trust(manager, (await driver.clientCertificate()).pem)
  await driver.start(seen)
  await driver.attach(battery(id, `opc.tcp://127.0.0.1:${wire.port}`, server.thumbprint))
  await until('the connection', () => seen.isConnected(id))
}, 60_000)

beforeEach(async () => {
  server.now = businessNow
  await until('the connection', () => seen.isConnected(id))
}, 30_000)

afterAll(async () => {
  await driver?.stop()
  await wire?.close()
  await server?.stop()
  await rm(folder, { recursive: true })
})

const order = (powerW: number | null, deadlineMs = 2000) => {
  version += 1
  return driver.apply(id, setpoint(id, version, powerW, soon), deadlineMs)
}
const unreachable = { code: 'device-unreachable' }
const stamps = () => seen.readings.map((reading) => reading.at / 30_000)
/** After an outage records may come out of order, but each once. */
const inOrder = () => stamps().toSorted((a, b) => a - b)

test('records written while the line was cut arrive after it', async () => {
  server.record(30_000, 0, 0, 0, 50)
  await until('the first record', () => stamps().includes(1))
  await wire.unplug()
  await until('the bad news', () => !seen.isConnected(id))
  await expect(order(-1000)).rejects.toMatchObject(unreachable)
  for (let i = 2; i <= 20; i++) server.record(i * 30_000, 0, 0, 0, 50)
  await delay(300)
  await wire.mend()
  await until('the connection', () => seen.isConnected(id))
  await until('all records', () => stamps().length >= 20)
  expect(inOrder()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  expect(server.orders).toEqual([])
  await order(-1000)
  expect(await driver.readBack(id, 2000)).toEqual({ kind: 'limited', powerW: -1000 })
})

test('an order in flight when the line breaks settles at once and is not sent again', async () => {
  const before = server.orders.length
  wire.hold()
  const inFlight = order(-3500, 10_000)
  await delay(100)
  server.record(21 * 30_000, 0, 0, 0, 50)
  server.record(22 * 30_000, 0, 0, 0, 50)
  wire.cut()
  wire.release()
  await expect(inFlight).rejects.toMatchObject(unreachable)
  await until('the records of the outage', () => [21, 22].every((n) => stamps().includes(n)))
  expect(inOrder()).toEqual(Array.from({ length: 22 }, (_, i) => i + 1))
  await until('the connection', () => seen.isConnected(id))
  expect(server.orders.length).toBe(before)
})

test('an order into silence settles, and is void when it arrives late', async () => {
  wire.hold()
  const before = server.orders.length
  watchdogPace = 4
  await expect(order(-4000, 300)).rejects.toMatchObject(unreachable)
  await expect(order(-4000)).rejects.toMatchObject(unreachable)
  server.now = soon
  await delay(300)
  wire.release()
  await until('the late order', () => server.orders.length > before)
  expect(server.orders.slice(before)).toMatchObject([{ setpoint: 4000, result: 3 }])
  expect(server.get('ActivePowerSetpoint')).toBe(1000)
  await until('the connection', () => seen.isConnected(id))
  expect(server.orders.length).toBe(before + 1)
})

test('a silent line is found out by the watchdog, which builds a new client', async () => {
  wire.hold()
  await until('the bad news', () => !seen.isConnected(id))
  expect(seen.lastDetail(id)).toBe('no fresh data for 4 s')
  await until('the drop', () => seen.lastDetail(id) === 'no fresh data for 8 s')
  wire.cut()
  wire.release()
  await until('the connection', () => seen.isConnected(id))
  await order(-1500)
  expect(server.get('ActivePowerSetpoint')).toBe(1500)
  expect(new Set(stamps()).size).toBe(stamps().length)
})

test('a battery that was killed and comes back is found again', async () => {
  await server.stop()
  await until('the bad news', () => !seen.isConnected(id))
  await expect(order(-1000)).rejects.toMatchObject(unreachable)
  await delay(300)
  const { port } = server
  server = await startBatteryServer(manager, { port })
  await until('the connection', () => seen.isConnected(id))
  expect(await driver.readBack(id, 2000)).toEqual({ kind: 'default' })
  await order(-2500)
  expect(server.orders).toMatchObject([{ setpoint: 2500, result: 0 }])
})

test('a server that comes back with another certificate is refused', async () => {
  const other = await serverPki(path.join(folder, 'impostor'))
  await trust(other, (await driver.clientCertificate()).pem)
  await server.stop()
  const { port } = server
  server = await startBatteryServer(other, { port })
  await until('the refusal', () => /certificate refused/.test(seen.lastDetail(id) ?? ''), 30_000)
  expect(seen.lastDetail(id)).toContain(server.thumbprint)
  expect(driver.presentedThumbprint(id)).toBe(server.thumbprint)
})

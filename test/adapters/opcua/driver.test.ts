import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { OPCUACertificateManager } from 'node-opcua'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import { type ResourceId, resourceId } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import { type BatteryServer, serverPki, startBatteryServer, trust } from './battery-server.ts'
import { openWire, type Wire } from './proxy.ts'
import { battery, type Recorder, recorder, setpoint, until, wallTimer } from './world.ts'

const businessNow = 1_700_000_000_000
const soon = instant(businessNow + 900_000)

let folder: string
let manager: OPCUACertificateManager
let server: BatteryServer
let wire: Wire
let driver: OpcuaDriver
let seen: Recorder
const main = resourceId('battery-main')
const url = (port: number) => `opc.tcp://127.0.0.1:${port}`

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-opcua-'))
  manager = await serverPki(path.join(folder, 'battery'))
  server = await startBatteryServer(manager)
  server.now = businessNow
  wire = await openWire(server.port)
  seen = recorder()
  driver = createOpcuaDriver({
    clock: { now: () => instant(businessNow), speed: 60 },
    timer: wallTimer,
    log: seen.log,
    pkiFolder: path.join(folder, 'gateway'),
    meteringIntervalSeconds: 30,
  })
  await driver.start(seen)
}, 60_000)

afterAll(async () => {
  await driver?.stop()
  await wire?.close()
  await server?.stop()
  await rm(folder, { recursive: true })
})

async function attached(name: string, port: number, thumbprint: string | null): Promise<ResourceId> {
  const resource = battery(name, url(port), thumbprint)
  await driver.attach(resource)
  return resource.id
}

test('an order to a battery that nobody attached is refused', async () => {
  const id = resourceId('unknown')
  const order = driver.apply(id, setpoint(id, 1, 0, soon), 1000)
  await expect(order).rejects.toMatchObject({ code: 'device-unreachable' })
})

test('a server that does not know our certificate turns us away, and that is told', async () => {
  const id = await attached('shy', server.port, server.thumbprint)
  await until('the refusal', () => seen.lastDetail(id) !== undefined)
  expect(seen.lastDetail(id)).toMatch(/rejected by server.*BadSecurityChecksFailed/)
  expect(seen.connections(id)).toBe(0)
  await trust(manager, (await driver.clientCertificate()).pem)
  await until('the connection after the owner trusted us', () => seen.isConnected(id))
})

test('an unknown certificate is refused and named, until it is trusted', async () => {
  const id = await attached('new', server.port, null)
  await until('the refusal', () => seen.lastDetail(id) !== undefined)
  expect(seen.lastDetail(id)).toContain(`presents ${server.thumbprint}, trusted is none yet`)
  expect(driver.presentedThumbprint(id)).toBe(server.thumbprint)
  const order = driver.apply(id, setpoint(id, 1, 0, soon), 1000)
  await expect(order).rejects.toMatchObject({ code: 'device-unreachable' })
  expect(seen.connections(id)).toBe(0)
  await attached('new', server.port, driver.presentedThumbprint(id))
  await until('the connection', () => seen.isConnected(id))
})

test('another thumbprint than the trusted one is refused, and both are named', async () => {
  const other = 'AB'.repeat(20)
  const id = await attached('other', server.port, other)
  await until('the refusal', () => seen.lastDetail(id) !== undefined)
  expect(seen.lastDetail(id)).toContain(`presents ${server.thumbprint}, trusted is ${other}`)
  expect(seen.connections(id)).toBe(0)
})

test('a server that offers no encryption is refused', async () => {
  const open = await startBatteryServer(manager, { secure: false })
  try {
    const id = await attached('open', open.port, open.thumbprint)
    await until('the refusal', () => seen.lastDetail(id) !== undefined)
    expect(seen.lastDetail(id)).toMatch(/expected an endpoint with SignAndEncrypt.*got None None/)
    expect(seen.connections(id)).toBe(0)
  } finally {
    await open.stop()
  }
})

test('readings arrive with our sign, each once, also those that came in a burst', async () => {
  await attached(main, wire.port, server.thumbprint)
  await until('the connection', () => seen.isConnected(main))
  expect(server.get('MeteringInterval')).toBe(30)
  for (let i = 1; i <= 60; i++) server.record(i * 30_000, 1000.4, 500 + i, 100.2, 55.55)
  const mine = () => seen.readings.filter((reading) => reading.resourceId === main)
  await until('60 readings', () => mine().length >= 60)
  await delay(300)
  expect(mine().map((reading) => reading.at)).toEqual(
    Array.from({ length: 60 }, (_, i) => (i + 1) * 30_000),
  )
  expect(mine()[0]).toEqual({
    resourceId: main,
    at: 30_000,
    powerW: -1000,
    registerWh: 401,
    socBp: 5555,
  })
})

test('an order goes out with its sign and its end, is read back, and ends by itself', async () => {
  await driver.apply(main, setpoint(main, 10, -3000, soon), 2000)
  expect(server.get('ActivePowerSetpoint')).toBe(3000)
  expect(server.orders.at(-1)).toMatchObject({ sequence: 10, validUntil: soon, result: 0 })
  expect(await driver.readBack(main, 2000)).toEqual({ kind: 'limited', powerW: -3000 })
  server.now = soon
  server.expire()
  expect(await driver.readBack(main, 2000)).toEqual({ kind: 'default' })
  server.now = businessNow
})

test('a release brings the default back at once', async () => {
  await driver.apply(main, setpoint(main, 11, 2000, soon), 2000)
  expect(server.get('ActivePowerSetpoint')).toBe(-2000)
  await driver.apply(main, setpoint(main, 12, null, soon), 2000)
  expect(await driver.readBack(main, 2000)).toEqual({ kind: 'default' })
})

test('what the battery turns down is a refusal with its reason', async () => {
  const code = { code: 'device-refused' }
  const older = driver.apply(main, setpoint(main, 5, 1000, soon), 2000)
  await expect(older).rejects.toMatchObject({ ...code, message: /same or a newer order/ as never })
}, 20_000)

test('the controller heartbeat counts on', async () => {
  const before = server.get('ControllerHeartbeat')
  await until('a heartbeat', () => server.get('ControllerHeartbeat') !== before)
})

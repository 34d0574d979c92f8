import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MessageSecurityMode, type OPCUACertificateManager } from 'node-opcua'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import { type ResourceId, resourceId } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import { quickTimer } from '#test/support/wall-timer.ts'
import { type BatteryServer, serverPki, startBatteryServer, trust } from './battery-server.ts'
import { openWire, type Wire } from './proxy.ts'
import { battery, type Recorder, recorder, setpoint, until } from './world.ts'

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
    timer: quickTimer(4),
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

async function attached(
  name: string,
  port: number,
  thumbprint: string | null,
): Promise<ResourceId> {
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
  expect(seen.lastDetail(id)).toContain('does it trust our certificate?')
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

test.each(['None', 'Sign'] as const)('a server that offers only %s is refused', async (mode) => {
  const open = await startBatteryServer(manager, { mode: MessageSecurityMode[mode] })
  try {
    const id = await attached(`open-${mode}`, open.port, open.thumbprint)
    await until('the refusal', () => seen.lastDetail(id) !== undefined)
    expect(seen.lastDetail(id)).toContain('expected an endpoint with SignAndEncrypt')
    expect(seen.lastDetail(id)).toContain(`got ${mode} `)
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
  expect(server.orders.at(-1)).toMatchObject({ sequence: 160, validUntil: soon, result: 0 })
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
  const refused = async (reason: string, version: number, powerW: number, validUntil = soon) => {
    const order = driver.apply(main, setpoint(main, version, powerW, validUntil), 2000)
    await expect(order).rejects.toThrow(reason)
    await expect(order).rejects.toMatchObject({ code: 'device-refused' })
  }
  await driver.apply(main, setpoint(main, 20, -1000, soon), 2000)
  await refused('the same or a newer order', 19, -500)
  await refused('the same or a newer order', 20, -500)
  await refused("outside the battery's range", 21, -6000)
  server.now = soon + 1
  await refused("expired by the battery's clock", 21, -500)
  server.now = businessNow
  const before = server.orders.length
  await refused('expired before it was sent', 21, -500, instant(businessNow))
  expect(server.orders.length).toBe(before)
  server.set('ControlMode', 1)
  await refused('LOCAL', 21, -500)
  expect(await driver.readBack(main, 2000)).toEqual({ kind: 'unknown' })
  server.set('ControlMode', 0)
  expect(await driver.readBack(main, 2000)).toEqual({ kind: 'limited', powerW: -1000 })
})

test('an order whose answer was lost counts when it is sent again', async () => {
  await driver.apply(main, setpoint(main, 30, -1200, soon), 2000)
  await driver.apply(main, setpoint(main, 30, -1200, soon), 2000)
  await driver.apply(main, setpoint(main, 31, null, soon), 2000)
  await driver.apply(main, setpoint(main, 31, null, soon), 2000)
  expect(server.orders.slice(-4).map((order) => order.result)).toEqual([0, 2, 0, 2])
})

test('a battery that let go by itself takes the same order again, and no older one', async () => {
  await driver.apply(main, setpoint(main, 40, -1300, soon), 2000)
  server.set('SetpointEnable', false) // as when our heartbeat stood still
  await driver.apply(main, setpoint(main, 40, -1300, soon), 2000)
  expect(await driver.readBack(main, 2000)).toEqual({ kind: 'limited', powerW: -1300 })
  expect(server.orders.slice(-2).map((order) => [order.sequence, order.result])).toEqual([
    [640, 2],
    [641, 0],
  ])
  server.set('SetpointEnable', false)
  const older = driver.apply(main, setpoint(main, 39, -1400, soon), 2000)
  await expect(older).rejects.toMatchObject({ code: 'device-refused' })
  expect(await driver.readBack(main, 2000)).toEqual({ kind: 'default' })
})

test('a record that is none is logged and harms nothing', async () => {
  const before = seen.readings.length
  server.record(Number.NaN, 0, 0, 0, 0)
  await until('the log line', () =>
    seen.lines.some((line) => line.includes('a record that is none')),
  )
  server.record(99 * 30_000, 0, 0, 0, 50)
  await until('the next reading', () => seen.readings.some(({ at }) => at === 99 * 30_000))
  expect(seen.readings.length).toBeGreaterThan(before)
  expect(seen.isConnected(main)).toBe(true)
})

test('the controller heartbeat is written again and again', async () => {
  const before = Number(server.get('ControllerHeartbeat'))
  await until('two heartbeats', () => Number(server.get('ControllerHeartbeat')) >= before + 2)
  expect(Number(server.get('ControllerHeartbeat'))).toBeGreaterThan(before)
})

test('many batteries share one certificate store', async () => {
  const ids = await Promise.all(
    Array.from({ length: 6 }, (_, i) => attached(`many-${i}`, server.port, server.thumbprint)),
  )
  await until('all connections', () => ids.every((id) => seen.isConnected(id)))
  const readBacks = await Promise.all(ids.map((id) => driver.readBack(id, 2000)))
  expect(readBacks).toEqual(ids.map(() => ({ kind: 'default' })))
})

test('stopping is bounded, also when a battery has fallen silent, and then nothing is told', async () => {
  wire.hold()
  const before = performance.now()
  await driver.stop()
  expect(performance.now() - before).toBeLessThan(5500)
  const told = seen.told.length
  await expect(driver.readBack(main, 1000)).rejects.toMatchObject({ code: 'device-unreachable' })
  wire.release()
  server.record(100 * 30_000, 0, 0, 0, 50)
  await delay(300)
  expect(seen.readings.some(({ at }) => at === 100 * 30_000)).toBe(false)
  expect(seen.told.length).toBe(told)
})

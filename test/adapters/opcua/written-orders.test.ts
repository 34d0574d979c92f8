import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { OPCUACertificateManager } from 'node-opcua'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import type { Product } from '#adapters/opcua/product.ts'
import { plainPcs } from '#adapters/opcua/products/plain-pcs.ts'
import { sunspecDer } from '#adapters/opcua/products/sunspec-der.ts'
import type { ResourceId } from '#domain/ids.ts'
import { type Instant, instant } from '#domain/time.ts'
import { quickTimer } from '#test/support/wall-timer.ts'
import { serverPki, trust } from './battery-server.ts'
import { type ProductServer, startProductServer } from './product-server.ts'
import { openWire, type Wire } from './proxy.ts'
import { battery, type Recorder, recorder, setpoint, until } from './world.ts'

const start = 1_700_000_001_000
let now = start
const looksEveryMs = 100
let version = 0

let folder: string
let manager: OPCUACertificateManager
let driver: OpcuaDriver
let seen: Recorder

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-written-'))
  manager = await serverPki(path.join(folder, 'battery'))
  seen = recorder()
  driver = createOpcuaDriver({
    clock: { now: () => instant(now), speed: 1 },
    // Pauses are short; the watchdog is no quicker than a line that is held for half a second.
    timer: { ...quickTimer(4), every: quickTimer(2).every },
    log: seen.log,
    pkiFolder: path.join(folder, 'gateway'),
    meteringIntervalSeconds: 1,
  })
  await trust(manager, (await driver.clientCertificate()).pem)
  await driver.start(seen)
}, 60_000)

afterAll(async () => {
  await driver?.stop()
  await rm(folder, { recursive: true })
})

async function connect(name: string, product: Product, port: number, thumbprint: string) {
  const resource = battery(name, `opc.tcp://127.0.0.1:${port}`, thumbprint, product.name)
  await driver.attach(resource)
  await until('the connection', () => seen.isConnected(resource.id), 30_000)
  return resource.id
}

const order = (
  id: ResourceId,
  powerW: number | null,
  validUntil: Instant = instant(now + 900_000),
  deadlineMs = 3000,
) => {
  version += 1
  return driver.apply(id, setpoint(id, version, powerW, validUntil), deadlineMs)
}
const unreachable = { code: 'device-unreachable' }

test('a product that nobody knows is refused by name', async () => {
  const unknown = battery('odd', 'opc.tcp://127.0.0.1:1', null, 'acme-9000')
  await driver.attach(unknown)
  await until('the refusal', () => seen.lastDetail(unknown.id) !== undefined)
  expect(seen.lastDetail(unknown.id)).toContain('sunspec-der, plain-pcs, got acme-9000')
})

test('a server without the product is refused, and what it lacks is named', async () => {
  const lacking = { ...plainPcs, points: { ...plainPcs.points } }
  delete lacking.points.SetpointEnable
  const server = await startProductServer(manager, lacking)
  try {
    const url = `opc.tcp://127.0.0.1:${server.port}`
    const { id } = battery('lacking', url, server.thumbprint, plainPcs.name)
    await driver.attach(battery('lacking', url, server.thumbprint, plainPcs.name))
    await until('the reason', () => seen.lastDetail(id) !== undefined)
    expect(seen.lastDetail(id)).toContain('got none of PCS/SetpointOn')
  } finally {
    await server.stop()
  }
})

describe.each([plainPcs, sunspecDer])('orders as writes: $name', (product) => {
  let server: ProductServer
  let wire: Wire
  let id: ResourceId
  const onWire = (powerW: number) => (product === plainPcs ? powerW / 1000 : -powerW)
  const isOn = () => Boolean(server.get('SetpointEnable'))

  beforeAll(async () => {
    now = start
    // A setpoint stands there that this process has not ordered.
    const values = { SetpointEnable: true, ActivePowerSetpoint: 1234 }
    server = await startProductServer(manager, product, { values, looksEveryMs })
    wire = await openWire(server.port)
    id = await connect(product.name, product, wire.port, server.thumbprint)
  }, 60_000)

  afterAll(async () => {
    await wire?.close()
    await server?.stop()
  })

  test('what stands there without an order of ours is taken back before it is healthy', () => {
    expect(isOn()).toBe(false)
    expect(seen.lines.some((line) => line.includes('without an order was taken back'))).toBe(true)
    const told = seen.capabilities.find((one) => one.id === id)?.capability
    const offlineFallback = product === plainPcs ? 'unknown' : 'expires'
    expect(told).toMatchObject({ protocol: 'opcua', quirks: product.name, offlineFallback })
  })

  test('in LOCAL control, late or out of turn an order is refused and nothing is written', async () => {
    const before = server.writes.length
    const refused = { code: 'device-refused' }
    await expect(order(id, -1000, instant(now))).rejects.toMatchObject(refused)
    server.set('ControlMode', Number(product.localMode))
    await expect(order(id, -1000)).rejects.toThrow('LOCAL')
    server.set('ControlMode', !product.localMode)
    expect(server.writes.length).toBe(before)
    await order(id, 500)
    const older = driver.apply(id, setpoint(id, version - 1, -700, instant(now + 9000)), 3000)
    await expect(older).rejects.toThrow('a newer order')
    expect(server.get('ActivePowerSetpoint')).toBe(onWire(500))
  })

  test('an order goes out in its unit and sign, in steps, and ends when its time is over', async () => {
    const before = server.writes.length
    await order(id, -2500, instant(now + 60_500))
    const steps = server.writes.slice(before).map(({ point, value }) => [point, value])
    const timer = [
      ['SetpointMode', 1],
      ['RevertEnable', 0],
      ['RevertSeconds', 60],
    ]
    const on = product === plainPcs
    expect(steps).toEqual([
      ...(on ? [] : timer),
      ['ActivePowerSetpoint', onWire(-2500)],
      ['SetpointEnable', on ? true : 1],
    ])
    expect(await driver.readBack(id, 2000)).toEqual({ kind: 'limited', powerW: -2500 })
    now += 60_500
    await until('its end', () => !isOn())
    expect(await driver.readBack(id, 2000)).toEqual({ kind: 'default' })
  })

  test('a setpoint that appears without an order of ours is taken back', async () => {
    server.set('SetpointEnable', true)
    await until('its end', () => !isOn())
    expect(isOn()).toBe(false)
  })

  test('registers are read at each multiple of the metering interval', async () => {
    server.set('EnergyImported', 12_000)
    server.set('EnergyExported', 3000)
    server.set('ActivePower', -1500)
    await delay(300)
    const had = seen.readings.length
    const mine = () => seen.readings.slice(had).filter((one) => one.resourceId === id)
    const clock = setInterval(() => {
      now += 50
    }, 12)
    await until('two readings', () => mine().length >= 2)
    clearInterval(clock)
    const [first, reading] = mine()
    expect(Number(reading?.at) - Number(first?.at)).toBeGreaterThanOrEqual(1000)
    expect(Number(reading?.at) % 1000).toBe(0)
    const powerW = product === plainPcs ? -1500 : 1500
    expect(reading).toMatchObject({ powerW, registerWh: 9000, socBp: 5000 })
  })

  test('what is read too late for its instant counts at the second it was read in', async () => {
    server.set('EnergyImported', 12_500)
    server.set('EnergyExported', 3000)
    const had = seen.readings.length
    now += 3400 // this process stood still past the instant that was next
    await until('a late reading', () => seen.readings.length > had)
    const at = Math.floor(now / 1000) * 1000
    expect(seen.readings[had]).toMatchObject({ resourceId: id, at, registerWh: 9500 })
  })

  test('an answer that was long under way is asked for again', async () => {
    const had = seen.readings.length
    wire.hold()
    now += 1000
    await delay(500) // by now the registers were asked for
    server.set('EnergyImported', 12_700)
    server.set('EnergyExported', 3000)
    now += 2600
    wire.release()
    await until('the reading after it', () => seen.readings.length > had)
    const at = Math.floor(now / 1000) * 1000
    expect(seen.readings[had]).toMatchObject({ at, registerWh: 9700 })
    await delay(100)
    expect(seen.readings.length).toBe(had + 1)
  })

  test('a write without an answer drops the client, which sends nothing more', async () => {
    const before = server.writes.length
    wire.hold()
    await expect(order(id, -4000, instant(now + 900_000), 300)).rejects.toMatchObject(unreachable)
    await expect(order(id, -4000)).rejects.toMatchObject(unreachable)
    wire.cut()
    wire.release()
    await until('the connection', () => seen.isConnected(id), 30_000)
    await delay(200)
    expect(
      server.writes.slice(before).filter(({ point }) => point === 'ActivePowerSetpoint'),
    ).toEqual([])
    expect(await driver.readBack(id, 2000)).toEqual({ kind: 'default' })
  })

  test('an order into an outage is never applied, not even when the server is back', async () => {
    await order(id, -800)
    const { port } = server
    await server.stop()
    const late = order(id, -4000, instant(now + 900_000), 1000)
    await expect(late).rejects.toMatchObject(unreachable)
    await until('the bad news', () => !seen.isConnected(id))
    await expect(order(id, -4100)).rejects.toMatchObject(unreachable)
    server = await startProductServer(manager, product, { port, looksEveryMs })
    await until('the connection', () => seen.isConnected(id), 30_000)
    await delay(200)
    expect(server.writes.filter(({ point }) => point === 'ActivePowerSetpoint')).toEqual([])
    expect(isOn()).toBe(false)
    await order(id, -900)
    expect(server.get('ActivePowerSetpoint')).toBe(onWire(-900))
  })
})

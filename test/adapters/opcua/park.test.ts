import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import { Turnstiles } from '#adapters/opcua/turnstile.ts'
import { addBatteries, type Park } from '#commands/bench/opcua-park.ts'
import { instant } from '#domain/time.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { type BatteryServer, serverPki, startBatteryServer, trust } from './battery-server.ts'
import { openWire, type Wire } from './proxy.ts'
import { battery, type Recorder, recorder, setpoint, until } from './world.ts'

const businessNow = 1_700_000_000_000

let folder: string
let park: Park
let server: BatteryServer
let wire: Wire
let driver: OpcuaDriver
let seen: Recorder

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-opcua-park-'))
  const manager = await serverPki(path.join(folder, 'park'))
  server = await startBatteryServer(manager, {
    prepare: (space) => {
      park = addBatteries(space, 3)
    },
  })
  wire = await openWire(server.port)
  seen = recorder()
  driver = createOpcuaDriver({
    clock: { now: () => instant(businessNow), speed: 1 },
    timer: wallTimer,
    log: seen.log,
    pkiFolder: path.join(folder, 'gateway'),
    meteringIntervalSeconds: 1,
  })
  await trust(manager, (await driver.clientCertificate()).pem)
  await driver.start(seen)
}, 60_000)

afterAll(async () => {
  await driver?.stop()
  await wire?.close()
  park?.stop()
  await server?.stop()
  await rm(folder, { recursive: true })
})

async function attached(name: string, object: string, thumbprint = server.thumbprint) {
  const url = `opc.tcp://127.0.0.1:${wire.port}`
  const resource = battery(name, url, thumbprint, undefined, undefined, object)
  await driver.attach(resource)
  return resource.id
}

test('a battery that its server does not hold is refused by name', async () => {
  const id = await attached('absent', 'BESS-99')
  await until('the refusal', () => seen.lastDetail(id) !== undefined)
  expect(seen.lastDetail(id)).toContain('got none of BESS-99')
  await driver.detach?.(id)
})

test('a server is asked once for all its batteries, and each still compares the certificate', async () => {
  const before = wire.dialled()
  const ids = await Promise.all(park.names.map((object, i) => attached(`one-${i}`, object)))
  const stranger = await attached('stranger', 'BESS-0', 'AB'.repeat(20))
  await until('all of them', () => ids.every((id) => seen.isConnected(id)), 30_000)
  expect(wire.dialled() - before).toBe(1 + ids.length)
  expect(seen.lastDetail(stranger)).toContain(`presents ${server.thumbprint}`)
  expect(seen.connections(stranger)).toBe(0)
  await driver.detach?.(stranger)
})

test('each battery of a server has its own readings and takes its own orders', async () => {
  const [first, second] = await Promise.all([
    attached('one-0', 'BESS-0'),
    attached('one-1', 'BESS-1'),
  ])
  await until('readings of both', () =>
    [first, second].every((id) => seen.readings.some(({ resourceId }) => resourceId === id)),
  )
  const until900 = instant(businessNow + 900_000)
  await driver.apply(first, setpoint(first, 1, -2000, until900), 5000)
  await driver.apply(second, setpoint(second, 1, 700, until900), 5000)
  expect(await driver.readBack(first, 5000)).toEqual({ kind: 'limited', powerW: -2000 })
  expect(await driver.readBack(second, 5000)).toEqual({ kind: 'limited', powerW: 700 })
})

test('no more than so many go through to one place, nor to all places together', async () => {
  const turnstiles = new Turnstiles(2, 3)
  const inside = new Map<string, number>()
  let most = { one: 0, all: 0 }
  const work = (place: string) => async () => {
    inside.set(place, (inside.get(place) ?? 0) + 1)
    const now = [...inside.values()]
    const all = now.reduce((sum, n) => sum + n, 0)
    most = { one: Math.max(most.one, ...now), all: Math.max(most.all, all) }
    await delay(2)
    inside.set(place, (inside.get(place) ?? 0) - 1)
  }
  const places = ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'c', 'c', 'd']
  await Promise.all(places.map((place) => turnstiles.through(place, work(place))))
  expect(most).toEqual({ one: 2, all: 3 })
  const failing = turnstiles.through('a', () => Promise.reject(new Error('failed')))
  await expect(failing).rejects.toThrow('failed')
  await expect(turnstiles.through('a', async () => 'in')).resolves.toBe('in')
})

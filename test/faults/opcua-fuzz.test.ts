import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openClientPki, type ClientPki } from '#adapters/opcua/certificates.ts'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import { askEndpoints, chooseEndpoint } from '#adapters/opcua/endpoint.ts'
import { loadOpcua, type Opcua } from '#adapters/opcua/library.ts'
import { instant } from '#domain/time.ts'
import {
  type BatteryServer,
  serverPki,
  startBatteryServer,
  trust,
} from '#test/adapters/opcua/battery-server.ts'
import { battery, type Recorder, recorder, setpoint, until } from '#test/adapters/opcua/world.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { mutatingWire, recordAnswers, replayServer, seeded } from './opcua-mutation.ts'

const SEED = Number(process.env.GRIDCALL_SEED ?? 7)
const CASES = 20_000
const WORKERS = 24

const businessNow = 1_700_000_000_000
const unhandled: unknown[] = []
const note = (error: unknown) => unhandled.push(error)

let folder: string
let opcua: Opcua
let pki: ClientPki
let server: BatteryServer
let driver: OpcuaDriver
let seen: Recorder
const innocent = battery('innocent', '', null)

beforeAll(async () => {
  process.on('unhandledRejection', note)
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-opcua-fuzz-'))
  seen = recorder()
  const manager = await serverPki(path.join(folder, 'battery'))
  server = await startBatteryServer(manager)
  server.now = businessNow
  driver = createOpcuaDriver({
    clock: { now: () => instant(businessNow), speed: 60 },
    timer: wallTimer,
    log: seen.log,
    pkiFolder: path.join(folder, 'gateway'),
    meteringIntervalSeconds: 30,
  })
  await trust(manager, (await driver.clientCertificate()).pem)
  opcua = await loadOpcua(seen.log)
  pki = await openClientPki(opcua, wallTimer, path.join(folder, 'dialler'))
  await driver.start(seen)
  await driver.attach(battery('innocent', `opc.tcp://127.0.0.1:${server.port}`, server.thumbprint))
  await until('the innocent battery', () => seen.isConnected(innocent.id), 30_000)
}, 90_000)

afterAll(async () => {
  process.off('unhandledRejection', note)
  await driver?.stop()
  await pki?.close()
  await server?.stop()
  await rm(folder, { recursive: true })
})

const discover = async (port: number) => {
  const url = `opc.tcp://127.0.0.1:${port}`
  const offered = await askEndpoints({ opcua, timer: wallTimer, log: seen.log, pki }, url)
  return chooseEndpoint(opcua, url, 'anonymous', offered)
}
const sockets = () =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length

test('answers that nobody changed are understood: the mutations are what fails', async () => {
  const answers = await recordAnswers(server.port, discover)
  expect(answers.map((one) => one.toString('latin1', 0, 3))).toEqual(['ACK', 'OPN', 'MSG', 'MSG'])
  expect(await discover(server.port)).toMatchObject({ thumbprint: server.thumbprint })
})

let version = 0

/** Orders to the innocent battery, one a second, until the end, which answers how each went. */
function orderMeanwhile(): () => Promise<string[]> {
  const orders: Promise<string>[] = []
  const each = setInterval(() => {
    version += 1
    const order = setpoint(innocent.id, version, -1000 - version, instant(businessNow + 900_000))
    orders.push(driver.apply(innocent.id, order, 8000).then(() => 'taken', String))
  }, 1000)
  return async () => {
    clearInterval(each)
    return await Promise.all(orders)
  }
}

test(`${CASES} changed messages: each dial settles, nothing is left open, others go on`, async () => {
  // Up to the endpoints: what comes after them is an answer to our goodbye.
  const answers = (await recordAnswers(server.port, discover)).slice(0, 3)
  const below = seeded(SEED)
  const before = sockets()
  const replay = await replayServer(answers, below)
  const outcomes = new Map<string, number>()
  const worker = async () => {
    while (replay.mutated() < CASES) {
      const outcome = await discover(replay.port).then(
        () => 'understood',
        (error: unknown) => (error instanceof Error ? 'refused' : 'no error'),
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  const finish = orderMeanwhile()
  const begun = performance.now()
  await Promise.all(Array.from({ length: WORKERS }, worker))
  const seconds = (performance.now() - begun) / 1000
  const taken = await finish()
  const dials = [...outcomes.values()].reduce((sum, n) => sum + n, 0)
  process.stderr.write(
    `seed ${SEED}: ${replay.mutated()} changed messages in ${dials} dials, ${seconds.toFixed(1)} s: ` +
      `${JSON.stringify(Object.fromEntries(outcomes))}; ${taken.length} orders to another battery\n`,
  )
  await until('every connection to be closed', () => replay.open() === 0, 15_000)
  await replay.close()
  await until('every socket to be let go', () => sockets() <= before, 15_000)
  expect(replay.mutated()).toBeGreaterThanOrEqual(CASES)
  expect(outcomes.get('no error')).toBeUndefined()
  expect(outcomes.get('refused')).toBeGreaterThan(dials / 2)
  expect(new Set(taken)).toEqual(new Set(['taken']))
  expect(seen.connections(innocent.id)).toBe(1)
  expect(unhandled).toEqual([])
}, 240_000)

test('changed messages inside encrypted channels: others go on, and each comes back', async () => {
  const below = seeded(SEED + 1)
  const wires = await Promise.all(
    Array.from({ length: 6 }, () => mutatingWire(server.port, below, 6)),
  )
  const finish = orderMeanwhile()
  const before = sockets()
  const victims = await Promise.all(
    wires.map(async ({ port }, i) => {
      const one = battery(`victim-${i}`, `opc.tcp://127.0.0.1:${port}`, server.thumbprint)
      await driver.attach(one)
      return one.id
    }),
  )
  await delay(12_000)
  const mutated = wires.reduce((sum, wire) => sum + wire.mutated(), 0)
  for (const wire of wires) wire.heal()
  await until('all of them', () => victims.every((id) => seen.isConnected(id)), 60_000)
  const taken = await finish()
  process.stderr.write(`seed ${SEED + 1}: ${mutated} changed messages in encrypted channels\n`)
  expect(mutated).toBeGreaterThan(10)
  expect(new Set(taken)).toEqual(new Set(['taken']))
  expect(seen.connections(innocent.id)).toBe(1)
  // Each victim has one connection: ours, the relay's two ends and the server's.
  await until('every dropped client', () => sockets() <= before + 4 * victims.length, 20_000)
  expect(unhandled).toEqual([])
  await Promise.all(wires.map((wire) => wire.close()))
}, 120_000)

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { OPCUACertificateManager } from 'node-opcua'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSession, type SessionListener } from '#adapters/opcua/battery-session.ts'
import { openClientPki, type ClientPki } from '#adapters/opcua/certificates.ts'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import { askEndpoints, chooseEndpoint } from '#adapters/opcua/endpoint.ts'
import { loadOpcua, type Opcua } from '#adapters/opcua/library.ts'
import { fastRhythm } from '#adapters/opcua/monitoring.ts'
import { gridcallBess } from '#adapters/opcua/products/gridcall-bess.ts'
import { instant } from '#domain/time.ts'
import type { Timer } from '#ports.ts'
import { guardServers } from '#simulations/devices/opcua-stack.ts'
import {
  type BatteryServer,
  serverPki,
  startBatteryServer,
  trust,
} from '#test/adapters/opcua/battery-server.ts'
import { battery, type Recorder, recorder, setpoint, until } from '#test/adapters/opcua/world.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { corruptAnswers, mutatedClients } from './opcua-attackers.ts'
import { mutatingWire, recordTalk, replayServer, seeded } from './opcua-mutation.ts'

const SEED = Number(process.env.GRIDCALL_SEED ?? 7)
const CASES = 90_000
const CLIENT_CASES = 10_000
const ENCRYPTED_CASES = 500
const WORKERS = 24
/** 100 bytes lost per message would already be this much. */
const GROWTH_BYTES_MAX = 10_000_000

const businessNow = 1_700_000_000_000
const unhandled: unknown[] = []
const note = (error: unknown) => unhandled.push(error)

let folder: string
let opcua: Opcua
let pki: ClientPki
let manager: OPCUACertificateManager
let server: BatteryServer
let driver: OpcuaDriver
let seen: Recorder
const innocent = battery('innocent', '', null)

beforeAll(async () => {
  process.on('unhandledRejection', note)
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-opcua-fuzz-'))
  seen = recorder()
  guardServers() // as the process of the simulated batteries does
  manager = await serverPki(path.join(folder, 'battery'))
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

/** What is still held when everything else is given back. */
async function heapBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await delay(100)
  collect()
  await delay(100)
  collect()
  return process.memoryUsage().heapUsed
}

const say = (text: string) => void process.stderr.write(`${text}\n`)

test('answers that nobody changed are understood: the mutations are what fails', async () => {
  const { answered } = await recordTalk(server.port, discover)
  expect(answered.map((one) => one.toString('latin1', 0, 3))).toEqual(['ACK', 'OPN', 'MSG', 'MSG'])
  expect(await discover(server.port)).toMatchObject({ thumbprint: server.thumbprint })
})

let version = 0

/** Orders to the innocent battery, one a second, until the end: then each was taken. */
function orderMeanwhile(): () => Promise<number> {
  const orders: Promise<string>[] = []
  const connections = seen.connections(innocent.id)
  const each = setInterval(() => {
    version += 1
    const order = setpoint(innocent.id, version, -1000 - version, instant(businessNow + 900_000))
    orders.push(driver.apply(innocent.id, order, 8000).then(() => 'taken', String))
  }, 1000)
  return async () => {
    clearInterval(each)
    const taken = await Promise.all(orders)
    expect(new Set(taken)).toEqual(new Set(['taken']))
    expect(seen.connections(innocent.id)).toBe(connections)
    expect(unhandled).toEqual([])
    return taken.length
  }
}

/** Dials a server that changes its answers until it has changed so many. Answers how each ended. */
async function dialUntil(cases: number, port: number, mutated: () => number) {
  const outcomes = { understood: 0, refused: 0, 'no error': 0 }
  const worker = async () => {
    while (mutated() < cases) {
      const outcome = await discover(port).then(
        () => 'understood' as const,
        (error: unknown) => (error instanceof Error ? 'refused' : 'no error'),
      )
      outcomes[outcome] += 1
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
  return outcomes
}

test(`${CASES} changed answers: each dial settles, nothing is left open, others go on`, async () => {
  // Up to the endpoints: what comes after them is an answer to our goodbye.
  const answers = (await recordTalk(server.port, discover)).answered.slice(0, 3)
  const before = sockets()
  const replay = await replayServer(answers, seeded(SEED))
  await dialUntil(CASES / 20, replay.port, replay.mutated) // until everything that is kept is there
  const heapBefore = await heapBytes()
  const finish = orderMeanwhile()
  const begun = performance.now()
  const outcomes = await dialUntil(CASES, replay.port, replay.mutated)
  const seconds = (performance.now() - begun) / 1000
  const orders = await finish()
  await until('every connection to be closed', () => replay.open() === 0, 15_000)
  await replay.close()
  await until('every socket to be let go', () => sockets() <= before, 15_000)
  const growth = (await heapBytes()) - heapBefore
  const dials = Object.values(outcomes).reduce((sum, n) => sum + n, 0)
  say(
    `seed ${SEED}: ${replay.mutated()} changed answers in ${dials} dials, ${seconds.toFixed(1)} s: ` +
      `${JSON.stringify(outcomes)}; heap ${growth} bytes; ${orders} orders to another battery`,
  )
  expect(replay.mutated()).toBeGreaterThanOrEqual(CASES)
  expect(outcomes['no error']).toBe(0)
  expect(outcomes.refused).toBeGreaterThan(dials / 2)
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX)
}, 280_000)

test(`${CLIENT_CASES} changed requests: a battery that strangers talk to goes on for us`, async () => {
  const { asked } = await recordTalk(server.port, discover)
  const before = sockets()
  const finish = orderMeanwhile()
  const begun = performance.now()
  const cases = await mutatedClients(server.port, asked, CLIENT_CASES, seeded(SEED + 1))
  const seconds = (performance.now() - begun) / 1000
  const orders = await finish()
  say(
    `seed ${SEED + 1}: ${cases} changed requests, ${seconds.toFixed(1)} s; ${orders} orders meanwhile`,
  )
  await until('every socket to be let go', () => sockets() <= before, 20_000)
}, 120_000)

const deaf: SessionListener = {
  record: () => {},
  changed: () => {},
  alive: () => {},
  lost: () => {},
  certificateRefused: () => {},
}

test(`${ENCRYPTED_CASES} changed answers, well signed: each session settles, others go on`, async () => {
  const liar = corruptAnswers(seeded(SEED + 2), 4)
  const evil = await startBatteryServer(manager, { channel: liar.corrupt })
  await trust(manager, pki.certificate.pem)
  // Whoever waits for an answer that was spoilt waits in vain: not as long as in real life.
  const deadline: Timer['deadline'] = (promise, ms, what) =>
    wallTimer.deadline(promise, Math.min(ms, 3000), what)
  const context = { opcua, timer: { ...wallTimer, deadline }, log: seen.log, pki }
  const url = `opc.tcp://127.0.0.1:${evil.port}`
  const found = await discover(server.port)
  const endpoint = { ...found, url, policyUri: opcua.SecurityPolicy.Aes256_Sha256_RsaPss }
  const options = {
    resource: innocent,
    product: gridcallBess,
    user: 'anonymous',
    endpoint,
  } as const
  const before = sockets()
  const outcomes = { through: 0, refused: 0 }
  const session = async () => {
    const opened = await openSession(context, options, deaf)
    try {
      await opened.subscribe(fastRhythm(60))
      await opened.read(['ActivePower', 'StateOfCharge'])
      await opened.write([['ControllerHeartbeat', 1]])
      await opened.nameplate()
    } finally {
      await opened.close()
    }
  }
  const worker = async () => {
    while (liar.mutated() < ENCRYPTED_CASES) {
      await session().then(
        () => (outcomes.through += 1),
        () => (outcomes.refused += 1),
      )
    }
  }
  const finish = orderMeanwhile()
  const begun = performance.now()
  await Promise.all(Array.from({ length: WORKERS }, worker))
  const seconds = (performance.now() - begun) / 1000
  const orders = await finish()
  say(
    `seed ${SEED + 2}: ${liar.mutated()} changed answers in encrypted channels, ` +
      `${seconds.toFixed(1)} s: ${JSON.stringify(outcomes)}; ${orders} orders meanwhile`,
  )
  await evil.stop()
  await until('every socket to be let go', () => sockets() <= before, 20_000)
  expect(outcomes.refused).toBeGreaterThan(50)
}, 120_000)

test('messages of encrypted channels changed on the wire: others go on, and each comes back', async () => {
  const below = seeded(SEED + 3)
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
  await finish()
  say(`seed ${SEED + 3}: ${mutated} changed messages on the wire of encrypted channels`)
  expect(mutated).toBeGreaterThan(10)
  // Each victim has one connection: ours, the relay's two ends and the server's.
  await until('every dropped client', () => sockets() <= before + 4 * victims.length, 20_000)
  await Promise.all(wires.map((wire) => wire.close()))
}, 120_000)

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createOcppDriver, type OcppDriver } from '#adapters/ocpp/driver.ts'
import { createSimulatedSigner } from '#adapters/simulated/signer.ts'
import { createMemoryStore } from '#db/memory-store.ts'
import { sha256Hex } from '#domain/api-key.ts'
import { gatewayId, organisationId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { type Gateway, runGateway } from '#gateway/run-gateway.ts'
import { requestRenewal } from '#lifecycle/renew-credential.ts'
import type { Log, Ports } from '#ports.ts'
import {
  ANSWERS_16,
  ANSWERS_201,
  BOOT_16,
  BOOT_201,
  connectStation,
  type WireStation,
} from '#test/adapters/ocpp/wire-station.ts'
import { charger, PASSWORD, testClock, until } from '#test/adapters/ocpp/world.ts'
import { quickTimer, wallTimer } from '#test/support/wall-timer.ts'

const resource = charger()
const { aggregatorId } = resource

let ports: Ports
let driver: OcppDriver
let gateway: Gateway
let logged: string[]
const stations: WireStation[] = []

beforeEach(async () => {
  logged = []
  const note = (message: string, fields?: object) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { info: note, warn: note, error: note }
  const clock = testClock()
  const id = gatewayId('gateway-1')
  let drawn = 0
  ports = {
    clock,
    startedAt: clock.now(),
    timer: quickTimer(5),
    random: { bytes: (length: number) => new Uint8Array(length).fill(++drawn) },
    log,
    store: createMemoryStore(),
    wakeUps: { notify: async () => undefined, subscribe: () => ({ stop: () => undefined }) },
    gateway: { id, signer: createSimulatedSigner(id) },
  } as unknown as Ports
  await ports.store.transaction((tx) => tx.resources.save(resource))
  driver = createOcppDriver({
    clock,
    timer: wallTimer,
    log,
    host: '127.0.0.1',
    port: 0,
    meteringIntervalSeconds: 30,
    bootGraceMs: 150,
  })
  gateway = await runGateway(ports, [driver])
})

afterEach(async () => {
  for (const station of stations.splice(0)) station.socket.terminate()
  await gateway.stop()
})

async function stored() {
  const found = await ports.store.transaction((tx) => tx.resources.find(resource.id))
  const connection = (found as Resource).connection
  if (connection.protocol !== 'ocpp') throw new Error('expected a station')
  return connection
}

/** Waits for a state of the renewal; null: there is none any more. */
async function untilState(wanted: string | null): Promise<void> {
  let state: string | null = 'unknown'
  const look = setInterval(() => {
    void stored().then(({ renewal }) => (state = renewal?.state ?? null))
  }, 20)
  try {
    await until(`the renewal to be ${wanted}`, () => state === wanted, 6_000)
  } finally {
    clearInterval(look)
  }
}

async function dial(
  password: string,
  protocol: 'ocpp1.6' | 'ocpp2.0.1' = 'ocpp1.6',
  answers: object = {},
): Promise<WireStation> {
  const known = protocol === 'ocpp1.6' ? ANSWERS_16 : ANSWERS_201
  const station = await connectStation(driver.url('CP-1'), {
    protocols: [protocol],
    password,
    answers: { ...known, ...answers },
  })
  stations.push(station)
  await station.call('BootNotification', protocol === 'ocpp1.6' ? BOOT_16 : BOOT_201)
  return station
}

/** What the station was told, once it was told. */
async function offeredTo(station: WireStation): Promise<string> {
  let offered: string | null = null
  const find = () => {
    const told = [...station.callsOf('ChangeConfiguration'), ...station.callsOf('SetVariables')]
    const texts = told.map((payload) => JSON.stringify(payload))
    const text = texts.find((one) => /AuthorizationKey|BasicAuthPassword/.test(one)) ?? ''
    offered = /"([0-9a-f]{40})"/.exec(text)?.[1] ?? null
    return offered !== null
  }
  await until('a new password', find, 6_000)
  return offered ?? ''
}

describe('who may ask', () => {
  test('another aggregator does not, and nobody for what is no station', async () => {
    const foreign = requestRenewal(ports, organisationId('aggregator-2'), resource.id)
    await expect(foreign).rejects.toMatchObject({ code: 'not-found' })
    const battery: Resource = {
      ...resource,
      connection: { protocol: 'simulated', address: 'x' },
    }
    await ports.store.transaction((tx) => tx.resources.save(battery))
    const wrong = requestRenewal(ports, aggregatorId, resource.id)
    await expect(wrong).rejects.toMatchObject({ code: 'wrong-state' })
  })
})

describe.each(['ocpp1.6', 'ocpp2.0.1'] as const)('a password is renewed over %s', (protocol) => {
  test('the old one is good until the station has come with the new one', async () => {
    const first = await dial(PASSWORD, protocol)
    await requestRenewal(ports, aggregatorId, resource.id)
    const password = await offeredTo(first)
    await untilState('taken')
    expect((await first.call('Heartbeat', {}))[0]).toBe(3)
    await first.close()
    const again = await dial(PASSWORD, protocol) // it has not changed over yet
    await again.close()
    const second = await dial(password, protocol)
    await untilState(null)
    expect((await stored()).passwordSha256).toBe(sha256Hex(password))
    await until('the old one to be refused', () =>
      logged.some((line) => /came with its/.test(line)),
    )
    await refusedSoon(PASSWORD)
    expect((await second.call('Heartbeat', {}))[0]).toBe(3)
    await second.close()
    expect(logged.join('\n')).not.toContain(password)
  })
})

/** The gateway looks at what is stored every half second, here five times as often. */
async function refusedSoon(password: string): Promise<void> {
  let refused = false
  const end = performance.now() + 4_000
  while (!refused && performance.now() < end) {
    try {
      const station = await connectStation(driver.url('CP-1'), { password })
      await station.close()
    } catch (error) {
      refused = String(error).includes('401')
    }
  }
  expect(refused).toBe(true)
}

test('a station that refuses keeps the password it has, and the other one is worth nothing', async () => {
  const rejecting = { ChangeConfiguration: { status: 'NotSupported' } }
  const station = await dial(PASSWORD, 'ocpp1.6', rejecting)
  await requestRenewal(ports, aggregatorId, resource.id)
  const password = await offeredTo(station)
  await untilState('refused')
  expect((await stored()).passwordSha256).toBe(sha256Hex(PASSWORD))
  expect((await stored()).renewal?.nextSha256).toEqual([])
  await station.close()
  await refusedSoon(password)
  await (await dial(PASSWORD)).close()
})

test('a station that hangs up over the question gets in with either password', async () => {
  const station = await dial(PASSWORD, 'ocpp1.6', {
    ChangeConfiguration: (payload: Record<string, unknown>) => {
      if (payload['key'] !== 'AuthorizationKey') return { status: 'Accepted' }
      setTimeout(() => station.socket.terminate(), 10)
      return 'silence'
    },
  })
  await requestRenewal(ports, aggregatorId, resource.id)
  const password = await offeredTo(station)
  await untilState('unanswered')
  await (await dial(PASSWORD)).close()
  await (await dial(password)).close()
  await untilState(null)
})

test('three that it never came with are enough', async () => {
  const station = await dial(PASSWORD)
  for (let round = 0; round < 3; round += 1) {
    await requestRenewal(ports, aggregatorId, resource.id)
    await untilState('taken')
  }
  const fourth = requestRenewal(ports, aggregatorId, resource.id)
  await expect(fourth).rejects.toMatchObject({ code: 'wrong-state' })
  await station.close()
})

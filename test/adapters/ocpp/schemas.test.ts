import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CallQueue } from '#adapters/ocpp/call-queue.ts'
import { StationError } from '#adapters/ocpp/frames.ts'
import { createInbox } from '#adapters/ocpp/inbox.ts'
import { createReceiver } from '#adapters/ocpp/receiver.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import {
  createChecker,
  exampleOf,
  OF_STATION,
  ofCentralSystem,
  type Payload,
  type Version,
  withoutRequired,
} from './schema-example.ts'
import {
  ANSWERS_16,
  ANSWERS_201,
  BOOT_16,
  BOOT_201,
  connectStation,
  type WireStation,
} from './wire-station.ts'
import { PASSWORD, startWorld, until, type World } from './world.ts'

const MISSING: Record<Version, string> = {
  'ocpp1.6': 'OccurenceConstraintViolation',
  'ocpp2.0.1': 'OccurrenceConstraintViolation',
  'ocpp2.1': 'OccurrenceConstraintViolation',
}
/** How many required fields the messages of a station have, at any depth. */
const REQUIRED_OF_STATION = { 'ocpp1.6': 29, 'ocpp2.0.1': 264, 'ocpp2.1': 704 } as const
/** The same of the answers to our own. */
const REQUIRED_OF_ANSWERS = { 'ocpp1.6': 33, 'ocpp2.0.1': 208, 'ocpp2.1': 277 } as const
const VERSIONS: readonly Version[] = ['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1']

const wrongWith = createChecker()
let world: World
let station: WireStation

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  await world.stop()
})

async function join(version: Version): Promise<void> {
  const isOld = version === 'ocpp1.6'
  station = await connectStation(world.driver.url('CP-1'), {
    protocols: [version],
    password: PASSWORD,
    answers: isOld ? ANSWERS_16 : ANSWERS_201,
  })
  await station.call('BootNotification', isOld ? BOOT_16 : BOOT_201)
  await until('the set-up', () => world.heard.connected.length > 0)
}

describe.each(VERSIONS)('%s', (version) => {
  test('without any one required field a message is refused, and the connection kept', async () => {
    await join(version)
    const cases = OF_STATION[version].flatMap((action) =>
      withoutRequired(version, `${action}Request`).map((one) => ({ action, ...one })),
    )
    const answers = await Promise.all(
      cases.map(async ({ action, field, payload }) => {
        const [type, , code, description] = await station.call(action, payload)
        return { action, field, type, code, description }
      }),
    )
    const wrong = answers.filter(({ field, type, code, description }) => {
      const names = String(description) === `${field} is missing`
      return type !== 4 || code !== MISSING[version] || !names
    })
    expect(wrong).toEqual([])
    expect(answers).toHaveLength(REQUIRED_OF_STATION[version])
    expect((await station.call('Heartbeat', {}))[0]).toBe(3)
  })

  test('a message with everything in it is answered by its schema', async () => {
    await join(version)
    for (const action of OF_STATION[version]) {
      const payload = exampleOf(version, `${action}Request`)
      expect([action, wrongWith(version, `${action}Request`, payload)]).toEqual([action, null])
      const frame = await station.call(action, payload)
      expect([action, frame[0]]).toEqual([action, 3])
      expect([action, wrongWith(version, `${action}Response`, frame[2])]).toEqual([action, null])
    }
  })

  test('an answer without any one required field fails its order', async () => {
    const { ask, errors } = asking(version)
    let count = 0
    for (const action of ofCentralSystem(version)) {
      await expect(ask(action, exampleOf(version, `${action}Response`))).resolves.toBeDefined()
      for (const { field, payload } of withoutRequired(version, `${action}Response`)) {
        count += 1
        const outcome = await ask(action, payload).catch((error: unknown) => error)
        expect([action, field, outcome]).toEqual([action, field, expect.any(StationError)])
        expect(String(outcome)).toContain(`${field} is missing`)
      }
    }
    expect(count).toBe(REQUIRED_OF_ANSWERS[version])
    expect(errors).toHaveLength(version === 'ocpp2.1' ? count : 0)
  })
})

test('a SEND without any one required field is recorded and never answered', async () => {
  await join('ocpp2.1')
  const before = station.frames.length
  const cases = withoutRequired('ocpp2.1', 'NotifyPeriodicEventStream')
  for (const { payload } of cases) {
    station.raw(JSON.stringify([6, 's', 'NotifyPeriodicEventStream', payload]))
  }
  expect((await station.call('Heartbeat', {}))[0]).toBe(3)
  expect(station.frames).toHaveLength(before + 1)
  const recorded = world.heard.log.map(({ fields }) => fields['detail'])
  for (const { field } of cases) expect(recorded).toContain(`${field} is missing`)
})

test('other wrongs have codes of their own', async () => {
  await join('ocpp2.1')
  const event = exampleOf('ocpp2.1', 'TransactionEventRequest')
  const codeOf = async (more: Payload) =>
    (await station.call('TransactionEvent', { ...event, ...more }))[2]
  expect(await codeOf({ eventType: 'Paused' })).toBe('PropertyConstraintViolation')
  expect(await codeOf({ seqNo: 'first' })).toBe('TypeConstraintViolation')
  // A stamp is not judged again where the same one comes twice: neither a right nor a wrong one.
  expect(await codeOf({ timestamp: '2026-03-02T17:00:00Z' })).toHaveProperty('idTokenInfo')
  for (let time = 0; time < 2; time += 1) {
    expect(await codeOf({ timestamp: 'yesterday' })).toBe('PropertyConstraintViolation')
  }
  expect(await codeOf({ transactionInfo: 'none' })).toBe('TypeConstraintViolation')
  // An action of the other side, one of a SEND, one of another version.
  expect((await station.call('Reset', { type: 'Immediate' }))[2]).toBe('NotSupported')
  expect((await station.call('NotifyPeriodicEventStream', {}))[2]).toBe('NotSupported')
  expect((await station.call('StartTransaction', {}))[2]).toBe('NotImplemented')
})

/** CALLs of ours, answered as told, without a socket between. */
function asking(version: Version) {
  const errors: unknown[][] = []
  let lastId = ''
  const queue = new CallQueue(wallTimer, 'CP-1', (id) => (lastId = id))
  const receive = createReceiver(
    {
      version,
      identity: 'CP-1',
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      inbox: createInbox(),
      answer: () => ({}),
      take: () => undefined,
    },
    {
      queue,
      send: (text) => errors.push(JSON.parse(text) as unknown[]),
      giveUp: () => undefined,
    },
  )
  async function ask(action: string, answer: Payload): Promise<Payload> {
    const asked = queue.call({ action, payload: {}, priority: 0, deadlineMs: 1_000 })
    receive(JSON.stringify([3, lastId, answer]))
    return await asked
  }
  return { ask, errors }
}

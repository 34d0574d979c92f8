/**
 * Stations that send mutated frames over real sockets, answer our CALLs with mutated answers, and
 * dial again when they are cut off; beside them one that behaves and must notice nothing.
 */
import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createOcppDriver, type OcppDriver } from '#adapters/ocpp/driver.ts'
import { formatInstant, instant } from '#domain/time.ts'
import { type SeededRandom, seededRandom } from '#simulations/random.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { framesOf, mutated } from './mutations.ts'
import type { Version } from './schema-example.ts'
import { meterValue16 } from './station16.ts'
import {
  ANSWERS_16,
  ANSWERS_201,
  BOOT_16,
  connectStation,
  type WireStation,
} from './wire-station.ts'
import { charger, PASSWORD, setpoint, START, testClock } from './world.ts'

const VERSIONS: readonly Version[] = ['ocpp1.6', 'ocpp2.0.1', 'ocpp2.1']
/** A station waits for word after so many frames: the sockets are not what is tested. */
const BATCH = 40
const ANSWER_DEADLINE_MS = 10_000

export type FuzzResult = {
  readonly cases: number
  /** Frames that came back: answers and errors. */
  readonly answered: number
  readonly reconnects: number
  /** What the driver logged as its own fault. */
  readonly faults: readonly string[]
  /** Bytes of heap that are still held, after the first fifth and at the end. */
  readonly heapBefore: number
  readonly heapAfter: number
  readonly bystander: {
    readonly sent: number
    readonly measured: number
    readonly slowestMs: number
    readonly disconnected: boolean
    readonly limits: number
  }
}

/** Sends `cases` mutated frames by two stations of each version. @throws Error where one is stuck. */
export async function fuzz(cases: number, seed: number): Promise<FuzzResult> {
  const world = createCountingDriver()
  await world.driver.start(world.sink)
  const stations = VERSIONS.flatMap((version, i) => [
    { version, identity: `F-${i}`, random: seededRandom(seed, 'F', i) },
    { version, identity: `G-${i}`, random: seededRandom(seed, 'G', i) },
  ])
  for (const { identity } of stations) await world.driver.attach(charger({ identity }))
  const bystander = await createBystander(world)
  const each = Math.ceil(cases / stations.length)
  const tally = { cases: 0, answered: 0, reconnects: 0 }
  try {
    const run = async (from: number, to: number) => {
      await Promise.all(
        stations.map(async (one) => await send(world.driver, one, to - from, tally)),
      )
    }
    const warm = Math.floor(each / 5)
    await run(0, warm)
    const heapBefore = heldBytes()
    await run(warm, each)
    const heapAfter = heldBytes()
    return {
      ...tally,
      faults: world.faults,
      heapBefore,
      heapAfter,
      bystander: await bystander.end(),
    }
  } finally {
    bystander.stop()
    await world.driver.stop()
  }
}

type Fuzzer = {
  readonly version: Version
  readonly identity: string
  readonly random: SeededRandom
}
type Tally = { cases: number; answered: number; reconnects: number }

async function send(driver: OcppDriver, fuzzer: Fuzzer, count: number, tally: Tally) {
  const { version, identity, random } = fuzzer
  const frames = framesOf(version)
  let station: WireStation | null = null
  for (let sent = 0; sent < count; ) {
    station ??= await dial(driver, fuzzer, tally)
    for (let i = 0; i < BATCH && sent < count; i += 1) {
      sendOne(station, random, frames)
      sent += 1
      tally.cases += 1
    }
    const alive = await isAlive(station)
    tally.answered += station.frames.length
    station.frames.length = 0
    station.calls.length = 0
    if (!alive) station = null
  }
  if (station !== null) await within(station.close(), `${identity} to close`)
}

/** A mutated text mostly; seldom bytes that are no text, or no WebSocket frame, and an end in it. */
function sendOne({ socket, raw }: WireStation, random: SeededRandom, frames: readonly string[]) {
  const kind = random.next()
  if (kind >= 0.007) return raw(mutated(random, frames))
  const bytes = Buffer.from(Array.from({ length: 200 }, () => random.integer(0, 255)))
  if (kind < 0.001) {
    const tcp = Reflect.get(socket, '_socket') as Socket | null
    tcp?.write(bytes)
    socket.terminate()
  } else if (socket.readyState === socket.OPEN) {
    socket.send(bytes, { binary: kind < 0.005 })
  }
}

/** True once a heartbeat is answered; false if it was cut off. */
async function isAlive(station: WireStation): Promise<boolean> {
  const answered = station.call('Heartbeat', {}).then(() => true)
  const closed = station.closed.then(() => false)
  return await within(Promise.race([answered, closed]), 'an answer or the end')
}

/** Its answers to our CALLs are as mutated as what it sends, every second time. */
async function dial(driver: OcppDriver, { version, identity, random }: Fuzzer, tally: Tally) {
  let station: WireStation | null = null
  const good = version === 'ocpp1.6' ? ANSWERS_16 : ANSWERS_201
  const answers = Object.fromEntries(
    Object.entries(good).map(([action, answer]) => [
      action,
      (payload: Record<string, unknown>) => {
        const given = typeof answer === 'function' ? answer(payload) : answer
        if (station === null || random.next() < 0.5) return given as Record<string, unknown>
        const id = station.calls.at(-1)?.id
        station.raw(mutated(random, [JSON.stringify([3, id, given])]))
        return 'silence' as const
      },
    ]),
  )
  tally.reconnects += 1
  station = await connectStation(driver.url(identity), {
    protocols: [version],
    password: PASSWORD,
    identity,
    answers,
  })
  return station
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  return await wallTimer.deadline(promise, ANSWER_DEADLINE_MS, what)
}

/** A driver whose sink and log count and keep nothing. */
function createCountingDriver() {
  const faults: string[] = []
  const of = { measured: 0, disconnected: 0, connected: 0 }
  const isBystander = (id: string) => id.includes('CP-1')
  const nothing = () => undefined
  const driver = createOcppDriver({
    clock: testClock(),
    timer: wallTimer,
    log: {
      info: nothing,
      warn: nothing,
      error: (message, fields) => faults.push(`${message} ${JSON.stringify(fields)}`),
    },
    host: '127.0.0.1',
    port: 0,
    meteringIntervalSeconds: 30,
    bootGraceMs: 20,
    setUpDeadlineMs: 1_000,
  })
  const sink: Parameters<OcppDriver['start']>[0] = {
    connected: (id) => void (of.connected += Number(isBystander(id))),
    disconnected: (id) => void (of.disconnected += Number(isBystander(id))),
    measured: ({ resourceId }) => void (of.measured += Number(isBystander(resourceId))),
    session: nothing,
    capability: nothing,
    limitedElsewhere: nothing,
    overridden: nothing,
    security: nothing,
  }
  return { driver, sink, faults, of }
}

/** Sends a meter value and takes a limit, again and again. */
async function createBystander({ driver, of }: ReturnType<typeof createCountingDriver>) {
  const resource = charger()
  await driver.attach(resource)
  const answers = ANSWERS_16
  const station = await connectStation(driver.url('CP-1'), { password: PASSWORD, answers })
  await station.call('BootNotification', BOOT_16)
  const timestamp = formatInstant(START)
  await station.call('StartTransaction', { connectorId: 1, idTag: 'T', meterStart: 0, timestamp })
  while (of.connected === 0) await wallTimer.sleep(5)
  let isOver = false
  let sent = 0
  let limits = 0
  let slowestMs = 0
  async function behave(): Promise<void> {
    while (!isOver) {
      const begun = performance.now()
      sent += 1
      const value = meterValue16(instant(START - sent * 1_000), '7000', String(sent))
      await within(
        station.call('MeterValues', { connectorId: 1, meterValue: [value] }),
        'an answer',
      )
      await driver.apply(resource.id, setpoint(resource, { version: sent }), ANSWER_DEADLINE_MS)
      limits += 1
      slowestMs = Math.max(slowestMs, performance.now() - begun)
      await wallTimer.sleep(20)
    }
  }
  const behaving = behave()
  return {
    stop: () => void (isOver = true),
    async end(): Promise<FuzzResult['bystander']> {
      isOver = true
      await behaving
      const disconnected = of.disconnected > 0
      await station.close()
      return { sent, measured: of.measured, slowestMs, disconnected, limits }
    },
  }
}

/** After a collection: what is still held. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

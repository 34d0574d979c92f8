import { type Child, startChild } from './child.ts'
import { type BenchRun, type Measurement, measurement } from './measurement.ts'
import type { BatteryServer } from './opcua-batteries.ts'
import type { OpcuaState } from './opcua-gateway.ts'

const SERVERS = 4
/** Spares the load processes most of the moving of what lives for one answer only. */
const LOAD_FLAGS = ['--max-semi-space-size=32']
const ASK_DEADLINE_MS = 60_000
/** Between two orders of the measure: so many a second are many for a thousand batteries. */
const ORDER_GAP_MS = 20
/** After the last connection, until what it set off is done. */
const settleMs = (clients: number) => Math.min(3_000, clients * 100)

type Parts = {
  readonly gateway: Child
  readonly servers: readonly Child[]
  readonly bench: BenchRun
}

/**
 * Encrypted clients in one gateway process, one for each battery of four servers, each with data
 * every second, and orders between them.
 */
export async function run(bench: BenchRun): Promise<Measurement[]> {
  const { size, timer, say } = bench
  const clients = size('clients', 1_000)
  const gateway = startChild('./opcua-gateway.ts', timer)
  const servers = Array.from({ length: Math.min(SERVERS, clients) }, () =>
    startChild('./opcua-batteries.ts', timer, LOAD_FLAGS),
  )
  const parts: Parts = { gateway, servers, bench }
  try {
    const before = await startAll(parts, clients)
    const connectSeconds = await untilConnected(parts, clients)
    say(`${clients} clients are connected after ${connectSeconds.toFixed(1)} s`)
    await timer.sleep(settleMs(clients))
    const data = await measureData(parts, size('seconds', 20))
    say('data are measured')
    const count = size('orders', 1_000)
    const sent = { count, gapMs: ORDER_GAP_MS }
    const deadlineMs = ASK_DEADLINE_MS + count * 200
    const orders = await gateway.ask<number[]>('orders', sent, deadlineMs)
    const burst = await gateway.ask<number[]>('burst', null, ASK_DEADLINE_MS)
    const last = await gateway.ask<OpcuaState>('state', null, ASK_DEADLINE_MS)
    if (last.lost > 0) say(`lost: ${(await warnings(gateway)).join('; ')}`)
    return report({ clients, connectSeconds, before, data, orders, burst, last })
  } finally {
    await Promise.all([gateway, ...servers].map((child) => child.stop()))
  }
}

/** Starts gateway and servers, and tells the gateway of all batteries. */
async function startAll({ gateway, servers }: Parts, clients: number): Promise<OpcuaState> {
  const pem = await gateway.ask<string>('start', null, ASK_DEADLINE_MS)
  const started = servers.map((one, i) => {
    const batteries = Math.floor((clients + i) / servers.length)
    return one.ask<BatteryServer>('start', { pem, batteries }, ASK_DEADLINE_MS)
  })
  const all = await Promise.all(started)
  const before = await gateway.ask<OpcuaState>('state', null, ASK_DEADLINE_MS)
  for (const server of all) await gateway.ask('attach', server, ASK_DEADLINE_MS)
  return before
}

async function untilConnected({ gateway, bench }: Parts, wanted: number): Promise<number> {
  const { timer } = bench
  const begun = timer.monotonicMs()
  const deadlineMs = 60_000 + wanted * 240
  for (;;) {
    const { connected } = await gateway.ask<OpcuaState>('state', null, ASK_DEADLINE_MS)
    const passedMs = timer.monotonicMs() - begun
    if (connected >= wanted) return passedMs / 1000
    if (passedMs > deadlineMs) {
      const reasons = (await warnings(gateway)).join('; ')
      throw new Error(`${connected} of ${wanted} clients are connected: ${reasons}`)
    }
    await timer.sleep(200)
  }
}

const warnings = (gateway: Child) => gateway.ask<string[]>('warnings', null, ASK_DEADLINE_MS)

type Data = {
  readonly seconds: number
  readonly readings: number
  /** Processor seconds meanwhile. */
  readonly gateway: number
  readonly servers: number
  readonly rssBytes: number
}

async function measureData(parts: Parts, seconds: number): Promise<Data> {
  const { timer } = parts.bench
  const look = async () => ({
    state: await parts.gateway.ask<OpcuaState>('state', null, ASK_DEADLINE_MS),
    at: timer.monotonicMs(),
    servers: await processorSeconds(parts.servers),
  })
  const from = await look()
  await timer.sleep(seconds * 1000)
  const to = await look()
  return {
    seconds: (to.at - from.at) / 1000,
    readings: to.state.readings - from.state.readings,
    gateway: to.state.processorSeconds - from.state.processorSeconds,
    servers: to.servers - from.servers,
    rssBytes: to.state.rssBytes,
  }
}

async function processorSeconds(servers: readonly Child[]): Promise<number> {
  const each = servers.map((one) => one.ask<number>('processorSeconds', null, ASK_DEADLINE_MS))
  return (await Promise.all(each)).reduce((sum, one) => sum + one, 0)
}

type Measured = {
  readonly clients: number
  readonly connectSeconds: number
  readonly before: OpcuaState
  readonly data: Data
  /** Milliseconds of each order, one at a time and all at once. */
  readonly orders: readonly number[]
  readonly burst: readonly number[]
  readonly last: OpcuaState
}

function report(measured: Measured): Measurement[] {
  const { clients, connectSeconds, before, data, orders, burst, last } = measured
  const part = (taken: readonly number[], share: number) =>
    taken.toSorted((a, b) => a - b)[Math.floor((taken.length - 1) * share)] ?? Number.NaN
  const told = (better: 'higher' | 'lower', unit: string) => ({
    is: (measure: string, value: number, bar?: number) =>
      measurement({ measure, value, unit, better, ...(bar === undefined ? {} : { bar }) }),
  })
  const ms = told('lower', 'ms')
  const seconds = told('lower', 's')
  const there = last.connected - last.lost
  return [
    told('higher', 'clients').is(
      'encrypted clients connected in one process, never lost until the end',
      there,
      1_000,
    ),
    told('higher', '1/s').is(
      'readings of each client per second, one a second sent',
      data.readings / data.seconds / clients,
      0.95,
    ),
    ms.is('an order acknowledged, median', part(orders, 0.5), 2),
    ms.is('an order acknowledged, 99 %', part(orders, 0.99)),
    ms.is('orders to all at once acknowledged, median', part(burst, 0.5)),
    ms.is('orders to all at once acknowledged, 99 %', part(burst, 0.99)),
    seconds.is('seconds until all are connected', connectSeconds),
    told('lower', 'kB').is(
      'resident memory of each client',
      (data.rssBytes - before.rssBytes) / clients / 1000,
    ),
    seconds.is('processor time of the gateway per minute', (60 * data.gateway) / data.seconds),
    seconds.is('processor time of the servers per minute', (60 * data.servers) / data.seconds),
  ]
}

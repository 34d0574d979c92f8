import { type Child, startChild } from './child.ts'
import { type BenchRun, type Measurement, measurement } from './measurement.ts'
import type { BatteryServer } from './opcua-batteries.ts'
import type { OpcuaState } from './opcua-gateway.ts'

const SERVERS = 4

/** Encrypted clients in one gateway process, each with data every second, and orders between them. */
export async function run({ size, timer, say }: BenchRun): Promise<Measurement[]> {
  const clients = size('clients', 1_000)
  const orders = size('orders', 1_000)
  const seconds = size('seconds', 20)
  const gateway = startChild('./opcua-gateway.ts', timer)
  const servers = Array.from({ length: SERVERS }, () => startChild('./opcua-batteries.ts', timer))
  const state = () => gateway.ask<OpcuaState>('state', null, 60_000)
  const busy = async () => {
    const each = servers.map((one) => one.ask<number>('processorSeconds', null, 60_000))
    return (await Promise.all(each)).reduce((sum, one) => sum + one, 0)
  }
  try {
    const pem = await gateway.ask<string>('start', null, 60_000)
    const share = Math.ceil(clients / SERVERS)
    const started = servers.map((one) =>
      one.ask<BatteryServer>('start', { pem, sessions: share }, 60_000),
    )
    const before = await state()
    const begun = timer.monotonicMs()
    let left = clients
    for (const server of await Promise.all(started)) {
      const count = Math.min(share, left)
      left -= count
      await gateway.ask('attach', { server, count }, 60_000)
    }
    const connectSeconds = await untilConnected(gateway, clients, begun)
    say(`${clients} clients are connected after ${connectSeconds.toFixed(1)} s`)
    await timer.sleep(3_000)
    const from = await state()
    const busyFrom = await busy()
    const since = timer.monotonicMs()
    await timer.sleep(seconds * 1000)
    const to = await state()
    const passed = (timer.monotonicMs() - since) / 1000
    const busyTo = await busy()
    say('data are measured')
    const taken = await gateway.ask<number[]>('orders', orders, 240_000)
    const last = await state()
    if (last.lost > 0) say(`lost: ${(await gateway.ask<string[]>('warnings', null, 9_000)).join()}`)
    return report({
      clients,
      connectSeconds,
      before,
      from,
      to,
      last,
      passed,
      taken,
      servers: busyTo - busyFrom,
    })
  } finally {
    await Promise.all([gateway, ...servers].map((child) => child.stop()))
  }

  async function untilConnected(child: Child, wanted: number, begun: number): Promise<number> {
    const deadlineMs = 60_000 + wanted * 240
    for (;;) {
      const { connected } = await state()
      const passedMs = timer.monotonicMs() - begun
      if (connected >= wanted) return passedMs / 1000
      if (passedMs > deadlineMs) {
        const warnings = await child.ask<string[]>('warnings', null, 10_000)
        throw new Error(`${connected} of ${wanted} clients are connected: ${warnings.join('; ')}`)
      }
      await timer.sleep(200)
    }
  }
}

type Measured = {
  readonly clients: number
  readonly connectSeconds: number
  readonly before: OpcuaState
  readonly from: OpcuaState
  readonly to: OpcuaState
  readonly last: OpcuaState
  readonly passed: number
  readonly taken: readonly number[]
  /** Processor seconds of all battery servers while the data were measured. */
  readonly servers: number
}

function report(measured: Measured): Measurement[] {
  const { clients, connectSeconds, before, from, to, last, passed, taken, servers } = measured
  const sorted = taken.toSorted((a, b) => a - b)
  const share = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN
  const lower = 'lower' as const
  return [
    measurement({
      measure: 'encrypted clients connected in one process, all still there at the end',
      value: last.lost === 0 ? last.connected : last.connected - last.lost,
      unit: 'clients',
      better: 'higher',
      bar: 1_000,
    }),
    measurement({
      measure: 'readings of each client per second, one a second sent',
      value: (to.readings - from.readings) / passed / clients,
      unit: '1/s',
      better: 'higher',
      bar: 0.95,
    }),
    measurement({
      measure: 'an order acknowledged, median',
      value: share(0.5),
      unit: 'ms',
      better: lower,
      bar: 2,
    }),
    measurement({
      measure: 'an order acknowledged, 95 %',
      value: share(0.95),
      unit: 'ms',
      better: lower,
    }),
    measurement({
      measure: 'seconds until all are connected',
      value: connectSeconds,
      unit: 's',
      better: lower,
    }),
    measurement({
      measure: 'resident memory of each client',
      value: (to.rssBytes - before.rssBytes) / clients / 1000,
      unit: 'kB',
      better: lower,
    }),
    measurement({
      measure: 'processor time of the gateway per second',
      value: (to.processorSeconds - from.processorSeconds) / passed,
      unit: 's',
      better: lower,
    }),
    measurement({
      measure: 'processor time of the four servers per second',
      value: servers / passed,
      unit: 's',
      better: lower,
    }),
  ]
}

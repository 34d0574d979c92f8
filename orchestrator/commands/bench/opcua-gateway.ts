/** The measured process: the OPC UA driver as the service runs it, with a sink that counts. */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import {
  callId,
  congestionPointId,
  organisationId,
  ownerId,
  type ResourceId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import type { Resource } from '#domain/resource.ts'
import { instant } from '#domain/time.ts'
import type { DeviceSink } from '#ports.ts'
import { createMachineClock, createWallTimer } from '#processes/wall-time.ts'
import { serve } from './child.ts'
import type { BatteryServer } from './opcua-batteries.ts'

export type OpcuaState = {
  readonly connected: number
  readonly readings: number
  readonly processorSeconds: number
  readonly rssBytes: number
  /** How often a battery was lost again. */
  readonly lost: number
}

const ORDER_DEADLINE_MS = 20_000

const clock = createMachineClock()
const timer = createWallTimer()
const warned = new Map<string, number>()
const warn = (text: string) => void warned.set(text, (warned.get(text) ?? 0) + 1)
const connected = new Set<ResourceId>()
const attached: ResourceId[] = []
let driver: OpcuaDriver | null = null
let readings = 0
let version = 0
let lost = 0

const sink: DeviceSink = {
  connected: (id) => void connected.add(id),
  disconnected: (id, detail) => {
    if (connected.delete(id)) lost += 1
    warn(detail)
  },
  measured: () => void (readings += 1),
  session: () => undefined,
  capability: () => undefined,
  limitedElsewhere: () => undefined,
  overridden: () => undefined,
  security: ({ kind, detail }) => warn(`${kind}: ${detail}`),
}

function running(): OpcuaDriver {
  if (driver === null) throw new Error('the driver is not started')
  return driver
}

serve({
  /** Starts the driver; answers the certificate that the batteries have to trust. */
  async start(): Promise<string> {
    const pkiFolder = await mkdtemp(join(tmpdir(), 'gridcall-bench-opcua-'))
    process.once('exit', () => rmSync(pkiFolder, { recursive: true, force: true }))
    driver = createOpcuaDriver({
      clock,
      timer,
      log: {
        info: () => undefined,
        warn: (message) => warn(message),
        error: (message) => warn(message),
      },
      pkiFolder,
      meteringIntervalSeconds: 1,
    })
    const { pem } = await driver.clientCertificate()
    await driver.start(sink)
    return pem
  },

  async attach(server: BatteryServer): Promise<void> {
    for (const object of server.objects) {
      const resource = batteryAt(server, object, attached.length)
      attached.push(resource.id)
      await running().attach(resource)
    }
  },

  state(): OpcuaState {
    const { user, system } = process.cpuUsage()
    return {
      connected: connected.size,
      readings,
      processorSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
      lost,
    }
  },

  warnings: () => [...warned].map(([text, times]) => `${times} x ${text}`).slice(0, 20),

  /** Orders one battery after the other, while all of them send; answers each one's milliseconds. */
  async orders({ count, gapMs }: { count: number; gapMs: number }): Promise<number[]> {
    const taken: number[] = []
    for (let i = 0; i < count; i += 1) {
      taken.push(await order(attached[(i * 7919) % attached.length] as ResourceId))
      await timer.sleep(gapMs)
    }
    return taken
  },

  /** Orders all of them at once; answers the milliseconds of each. */
  burst: async (): Promise<number[]> => await Promise.all(attached.map(order)),
})

async function order(id: ResourceId): Promise<number> {
  version += 1
  const begun = timer.monotonicMs()
  await running().apply(id, orderOf(id), ORDER_DEADLINE_MS)
  return timer.monotonicMs() - begun
}

function orderOf(id: ResourceId) {
  return {
    resourceId: id,
    callId: callId('bench'),
    version,
    powerW: -1000,
    validFrom: clock.now(),
    validUntil: instant(clock.now() + 900_000),
    orderedAt: clock.now(),
  }
}

function batteryAt(
  { endpoint, thumbprint }: BatteryServer,
  object: string,
  number: number,
): Resource {
  return {
    id: resourceId(`battery-${number}`),
    kind: 'battery',
    siteId: siteId('site'),
    ownerId: ownerId('owner'),
    aggregatorId: organisationId('aggregator'),
    congestionPointId: congestionPointId('feeder'),
    rating: {
      importMaxW: 5000,
      exportMaxW: 5000,
      importMinW: 0,
      phases: 3,
      energyWh: 10_000,
      reserveWh: 1000,
      pausable: true,
    },
    offer: {
      price: microEurPerKwh(250_000n),
      directions: ['reduce-import'],
      fromMinute: 0,
      untilMinute: 1440,
    },
    connection: { protocol: 'opcua', endpoint, thumbprint, object },
    meter: null,
    enrolledAt: instant(0),
  }
}

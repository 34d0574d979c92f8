/** The measured process: the OCPP driver as the service runs it, with a sink that counts. */
import { setTimeout as pause } from 'node:timers/promises'
import { createOcppDriver, type OcppDriver } from '#adapters/ocpp/driver.ts'
import { callId } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import type { DeviceSink } from '#ports.ts'
import { createMachineClock, createWallTimer } from '#processes/wall-time.ts'
import { serve } from './child.ts'
import { chargerOf, resourceIdOf } from './ocpp-stations.ts'

export type GatewayState = {
  readonly connected: number
  readonly readings: number
  /** Of this process so far, both kinds. */
  readonly processorSeconds: number
}

export type GatewayMemory = { readonly rssBytes: number; readonly heapBytes: number }

const clock = createMachineClock()
const timer = createWallTimer()
const warned: string[] = []
let driver: OcppDriver | null = null
let connected = 0
let readings = 0
let version = 0

const sink: DeviceSink = {
  connected: () => void (connected += 1),
  disconnected: () => void (connected -= 1),
  measured: () => void (readings += 1),
  session: () => undefined,
  capability: () => undefined,
  limitedElsewhere: () => undefined,
  overridden: () => undefined,
  security: ({ kind, detail }) => void warned.push(`${kind}: ${detail}`),
}

serve({
  /** Starts the driver; answers where stations connect, without the identity. */
  async start(): Promise<string> {
    driver = createOcppDriver({
      clock,
      timer,
      log: {
        info: () => undefined,
        warn: (message, fields) => void warned.push(`${message} ${JSON.stringify(fields)}`),
        error: (message, fields) => void warned.push(`${message} ${JSON.stringify(fields)}`),
      },
      host: '127.0.0.1',
      port: 0,
      meteringIntervalSeconds: 30,
      // What is measured is a process under load, not the patience of its peers.
      bootGraceMs: 60_000,
      setUpDeadlineMs: 60_000,
      pingTimeoutMs: 30_000,
    })
    await driver.start(sink)
    return driver.url('x').slice(0, -1)
  },

  async attach({ first, count }: { first: number; count: number }): Promise<void> {
    for (let index = first; index < first + count; index += 1) {
      await driver?.attach(chargerOf(index, clock.now()))
    }
  },

  state(): GatewayState {
    const { user, system } = process.cpuUsage()
    return { connected, readings, processorSeconds: (user + system) / 1e6 }
  },

  /** After everything that can be collected is collected. */
  async memory(): Promise<GatewayMemory> {
    for (let round = 0; round < 3; round += 1) {
      globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
      await pause(200)
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rssBytes: rss, heapBytes: heapUsed + external }
  },

  /** One setpoint for each; answers the seconds until the last one was acknowledged. */
  async setpoints({ count, powerW }: { count: number; powerW: number }): Promise<number> {
    version += 1
    const now = clock.now()
    const validUntil = instant(now + 1_800_000)
    const row = { callId: callId('bench'), version, powerW, validFrom: now, validUntil }
    const begun = timer.monotonicMs()
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const resourceId = resourceIdOf(index)
        await driver?.apply(resourceId, { ...row, resourceId, orderedAt: now }, 30_000)
      }),
    )
    return (timer.monotonicMs() - begun) / 1_000
  },

  /** What went wrong, if anything. */
  warnings: (): string[] => warned.slice(0, 5),

  stop: async (): Promise<void> => await driver?.stop(),
})

import { createSimulatedDriver, type SimulatedDriver } from '#adapters/simulated/driver.ts'
import type { SimulatedPool } from '#adapters/simulated/pool.ts'
import { createSimulatedRail, type SimulatedRail } from '#adapters/simulated/rail.ts'
import { createSimulatedSigner, verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { createSimulatedSolver } from '#adapters/simulated/solver.ts'
import { createSimulatedVault } from '#adapters/simulated/vault.ts'
import { type App, createApp } from '#app.ts'
import { createMemoryStore } from '#db/memory-store.ts'
import { DomainError } from '#domain/errors.ts'
import { gatewayId } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { Clock, DeviceDriver, Ports, Timer, WakeUps } from '#ports.ts'
import type { Store } from '#store-ports.ts'

/** What lies between the service and the world: a place to break things. */
export type Interpose = (
  ports: Ports,
  driver: DeviceDriver,
) => { ports: Ports; driver: DeviceDriver }

export type WorldOptions = {
  readonly start: Instant
  readonly meteringIntervalSeconds: number
  readonly disputeWindowSeconds: number
  readonly epochWindowSeconds: number
  /** As for the simulated rail. */
  readonly heldWindowSeconds?: number
  readonly hasArbiter?: boolean
  readonly interpose?: Interpose
}

/** A world without wall time: store, devices and pool outlive every service that runs on them. */
export type World = {
  readonly store: Store
  readonly driver: SimulatedDriver
  readonly rail: SimulatedRail
  readonly pool: SimulatedPool
  readonly clock: Clock
  /** What the service that runs now was handed. */
  ports(): Ports
  /** Starts a service, again after one has died. */
  boot(): Promise<void>
  stop(): Promise<void>
  /** Business time moves on in steps of one metering interval; at each, all that is due is done. */
  passTo(at: Instant, meanwhile?: () => Promise<void>): Promise<void>
  /** Does at this instant what is due. */
  settleDown(): Promise<void>
}

export function createWorld(options: WorldOptions): World {
  let now = options.start
  const clock: Clock = { speed: 1, now: () => now }
  const store = createMemoryStore()
  const driver = createSimulatedDriver({ clock, ...options })
  const rail = createSimulatedRail({ store, clock, ...options })
  const vault = createSimulatedVault()
  let drawn = 0
  let running: { app: App; ports: Ports; stop: () => Promise<void> } | null = null

  async function boot(): Promise<void> {
    const signer = createSimulatedSigner('gateway-1')
    const id = gatewayId('gateway-1')
    const plain: Ports = {
      clock,
      startedAt: now,
      timer: simulatedTimer(),
      random: { bytes: (length) => Uint8Array.from({ length }, () => drawn++ % 251) },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      store,
      wakeUps: localWakeUps(),
      rail,
      gateway: { id, signer },
      // Nothing of this world signs its registers.
      checkMeterSignature: () => ({ result: 'cannot-be-verified', detail: 'no means here' }),
      verifySignature: verifySimulatedSignature,
      vault,
      solver: createSimulatedSolver(),
    }
    const { ports, driver: device } = options.interpose?.(plain, driver) ?? { ports: plain, driver }
    const app = createApp(ports)
    const gateway = await app.startGateway([device])
    running = { app, ports, stop: () => gateway.stop() }
  }

  async function settleDown(): Promise<void> {
    await idle()
    await running?.app.advance()
    await idle()
  }

  return {
    store,
    driver,
    rail,
    pool: rail.pool,
    clock,
    boot,
    settleDown,
    ports() {
      if (!running) throw new Error('no service runs in this world')
      return running.ports
    },
    async stop() {
      await running?.stop()
      running = null
    },
    async passTo(at, meanwhile) {
      while (now < at) {
        const next = addSeconds(now, options.meteringIntervalSeconds)
        now = next < at ? next : at
        driver.passTo(now)
        await settleDown()
        await meanwhile?.()
      }
    },
  }
}

/** Lets everything that waits for nothing but its turn run to its end. */
async function idle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Without wall time nothing takes any. */
function simulatedTimer(): Timer {
  return {
    monotonicMs: () => 0,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    deadline: (promise, ms, what) =>
      ms > 0
        ? promise
        : Promise.reject(new DomainError('unavailable', `${what} took longer than ${ms} ms`)),
    every: () => ({ stop: async () => undefined }),
  }
}

/** Hints inside one process. */
function localWakeUps(): WakeUps {
  const handlers = new Map<string, Set<() => void>>()
  return {
    wakeCall: async () => undefined, // the world looks at every call at every step
    async notify(topic) {
      for (const handler of handlers.get(topic) ?? []) handler()
    },
    subscribe(topic, handler) {
      const known = handlers.get(topic) ?? new Set<() => void>()
      handlers.set(topic, known.add(handler))
      return { stop: () => void known.delete(handler) }
    },
  }
}

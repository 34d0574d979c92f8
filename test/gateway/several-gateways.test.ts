import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSimulatedDriver, type SimulatedDriver } from '#adapters/simulated/driver.ts'
import { createSimulatedSigner } from '#adapters/simulated/signer.ts'
import { createMemoryStore } from '#db/memory-store.ts'
import type { Capability } from '#domain/capability.ts'
import { callId, gatewayId, type ResourceId } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { type Gateway, runGateway } from '#gateway/run-gateway.ts'
import type { GatewayPorts, Timer } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { aProgram, aResource, WINDOW_START } from '../support/builders.ts'
import { recordingLog } from '../support/recording-log.ts'

/** Wall time between two ticks of a gateway. */
const TICK_MS = 500
/** More than any lease. */
const LONG_MS = 10_000

type Process = {
  readonly gateway: Gateway
  readonly driver: SimulatedDriver
  /** What the driver was told to hold. */
  readonly held: Set<ResourceId>
  readonly applied: { readonly resourceId: ResourceId; readonly version: number }[]
  /** What its driver was told of what the devices had told before. */
  readonly known: Capability[]
  /** Killed: it does nothing any more. */
  isDead: boolean
}

/** Gateways of one store, in one process, whose wall time passes when the test says so. */
describe('several gateways on one store', () => {
  let store: Store
  let nowMs: number
  let ticks: { owner: string; run: () => Promise<void> }[]
  let processes: Map<string, Process>
  const clock = { speed: 1, now: (): Instant => addSeconds(WINDOW_START, nowMs / 1000) }
  const battery = aResource('battery', 'battery', 200_000n)

  beforeEach(async () => {
    store = createMemoryStore()
    nowMs = 0
    ticks = []
    processes = new Map()
    await store.transaction((tx) => tx.resources.save(battery))
  })
  afterEach(async () => {
    for (const { gateway, isDead } of processes.values()) if (!isDead) await gateway.stop()
  })

  function timerOf(owner: string): Timer {
    return {
      monotonicMs: () => nowMs,
      sleep: () => new Promise((resolve) => setImmediate(resolve)),
      deadline: (promise) => promise,
      every(_ms, what, run) {
        if (what === 'gateway tick') ticks.push({ owner, run })
        return {
          async stop() {
            ticks = ticks.filter((tick) => tick.run !== run)
          },
        }
      },
    }
  }

  async function start(name: string, keyOf = name): Promise<Process> {
    const inner = createSimulatedDriver({ clock, ...aProgram() })
    inner.plug(battery.id, { kind: 'battery', naturalW: 0, storedWh: 4000, energyWh: 8000 })
    const held = new Set<ResourceId>()
    const applied: Process['applied'] = []
    const known: Process['known'] = []
    const driver: SimulatedDriver = {
      ...inner,
      async attach(resource, told) {
        held.add(resource.id)
        if (told !== undefined) known.push(told)
        await inner.attach(resource, told)
      },
      async detach(id) {
        held.delete(id)
        await inner.detach?.(id)
      },
      async apply(resourceId, setpoint, deadlineMs) {
        applied.push({ resourceId, version: setpoint.version })
        return inner.apply(resourceId, setpoint, deadlineMs)
      },
    }
    const ports: GatewayPorts = {
      clock,
      startedAt: clock.now(),
      timer: timerOf(name),
      random: { bytes: (length) => Uint8Array.from({ length }, (_, i) => i + processes.size) },
      log: recordingLog(),
      store,
      wakeUps: { notify: async () => undefined, subscribe: () => ({ stop: () => undefined }) },
      gateway: { id: gatewayId(name), signer: createSimulatedSigner(keyOf) },
    }
    const gateway = await runGateway(ports, [driver])
    const process: Process = { gateway, driver, held, applied, known, isDead: false }
    processes.set(name, process)
    await idle()
    return process
  }

  /** Lets everything that waits for nothing but its turn run to its end. */
  async function idle(): Promise<void> {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  async function pass(ms: number): Promise<void> {
    for (const end = nowMs + ms; nowMs < end; ) {
      nowMs += TICK_MS
      for (const { owner, run } of ticks) if (!processes.get(owner)?.isDead) await run()
      await idle()
    }
  }
  async function order(powerW: number): Promise<number> {
    const now = clock.now()
    const validUntil = addSeconds(now, 900)
    const common = { callId: callId('call'), validFrom: now, validUntil, orderedAt: now }
    const [row] = await store.transaction((tx) =>
      tx.setpoints.order([{ ...common, resourceId: battery.id, powerW }]),
    )
    return row?.version ?? 0
  }
  const owner = async () => {
    const [found] = await store.transaction((tx) => tx.gateways.owners())
    return found?.isHeld ? found.gatewayId : null
  }
  const holders = () => [...processes].flatMap(([name, { held }]) => (held.size > 0 ? [name] : []))
  const other = (name: string) => (name === 'gateway-1' ? 'gateway-2' : 'gateway-1')
  const processOf = (name: string) => processes.get(name) as Process

  it('the next process is told what a device told the last one, and so what was written into it', async () => {
    const first = await start('gateway-1')
    expect(first.known).toEqual([])
    await pass(TICK_MS)
    const [told] = await store.transaction((tx) => tx.resources.capabilities([battery.id]))
    const flashWrites = [{ purpose: 'any', place: '1', at: clock.now() }]
    const capability = { ...(told?.capability as Capability), flashWrites }
    await store.transaction((tx) =>
      tx.resources.saveCapability({ resourceId: battery.id, capability, learnedAt: clock.now() }),
    )
    await first.gateway.stop()
    first.isDead = true
    const second = await start('gateway-1')
    await pass(LONG_MS)
    expect(second.known).toEqual([capability])
  })

  it('a name that has another key is refused', async () => {
    await start('gateway-1')
    await expect(start('gateway-1', 'stolen')).rejects.toMatchObject({ code: 'duplicate' })
  })

  it('one of them dials a device, and only that one applies its setpoint', async () => {
    await start('gateway-1')
    await start('gateway-2')
    await pass(LONG_MS)
    const name = (await owner()) ?? ''
    expect(holders()).toEqual([name])
    const version = await order(-2000)
    await pass(TICK_MS)
    expect(processOf(name).applied.at(-1)).toEqual({ resourceId: battery.id, version })
    expect(processOf(other(name)).applied).toEqual([])
  })

  it('the device of one that was killed is taken over when its lease has run out, not before', async () => {
    await start('gateway-1')
    await start('gateway-2')
    await pass(LONG_MS)
    const name = (await owner()) ?? ''
    const version = await order(-2000)
    await pass(TICK_MS)
    processOf(name).isDead = true
    await pass(3000)
    expect(await owner()).toBe(name)
    expect(processOf(other(name)).applied).toEqual([])
    await pass(LONG_MS)
    expect(await owner()).toBe(other(name))
    expect(processOf(other(name)).applied).toEqual([{ resourceId: battery.id, version }])
  })

  it('one that was only away for a while lets go of what another has taken over', async () => {
    await start('gateway-1')
    await start('gateway-2')
    await pass(LONG_MS)
    const name = (await owner()) ?? ''
    const away = processOf(name)
    away.isDead = true
    await pass(LONG_MS)
    away.isDead = false
    await pass(TICK_MS)
    expect(holders()).toEqual([other(name)])
    const version = await order(-1000)
    await pass(TICK_MS)
    expect(away.applied.filter((one) => one.version === version)).toEqual([])
    expect(processOf(other(name)).applied.at(-1)?.version).toBe(version)
  })

  it('one that stops leaves its devices to the others at once', async () => {
    await start('gateway-1')
    await start('gateway-2')
    await pass(LONG_MS)
    const name = (await owner()) ?? ''
    await processOf(name).gateway.stop()
    processOf(name).isDead = true
    await pass(TICK_MS)
    expect(await owner()).toBe(other(name))
  })

  it('of two processes of one name the later stays', async () => {
    const first = await start('gateway-1')
    const displaced = first.gateway.displaced.then(() => 'displaced')
    await start('gateway-1')
    await pass(TICK_MS)
    expect(await Promise.race([displaced, idle().then(() => 'goes on')])).toBe('displaced')
    await first.gateway.stop()
    expect(await owner()).toBe('gateway-1')
  })
})

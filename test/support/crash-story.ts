import { addSeconds } from '#domain/time.ts'
import { canonicalJson, keccakText } from '#domain/canonical.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { DeviceDriver, Ports } from '#ports.ts'
import { createWorld } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from './builders.ts'
import { importHabit, plugBattery, plugCar, runVerifiers } from './simulated-call.ts'

/** Seconds of business time: short, so that every call can be tried. */
const PERIOD = 300
const CYCLE = 60

class Crash extends Error {}

/** Counts every awaited port call; the chosen one kills the service, before or after its effect. */
function crashAt(target: number | null, moment: 'before' | 'after') {
  const state = { count: 0, dead: false }
  async function pass<T>(call: () => Promise<T>): Promise<T> {
    if (state.dead) throw new Crash()
    state.count += 1
    const isHit = state.count === target
    if (isHit && moment === 'before') {
      state.dead = true
      throw new Crash()
    }
    const result = await call()
    if (isHit) {
      state.dead = true
      throw new Crash()
    }
    if (state.dead) throw new Crash()
    return result
  }
  /** Every method that answers with a promise goes through the counter. */
  function through<T extends object>(target: T): T {
    return new Proxy(target, {
      get(object, key) {
        const member = Reflect.get(object, key) as unknown
        if (typeof member === 'object' && member !== null && key !== 'parties' && key !== 'pool') {
          return through(member)
        }
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          const call = () => Reflect.apply(member, object, args) as unknown
          if (key === 'subscribe' || key === 'requestId') return call()
          return pass(async () => call())
        }
      },
    })
  }
  function interpose(ports: Ports, driver: DeviceDriver) {
    const store: Ports['store'] = {
      transaction: (work) => pass(() => ports.store.transaction((tx) => work(through(tx)))),
      close: () => ports.store.close(),
    }
    const live = state.dead ? null : ports
    if (!live) return { ports, driver }
    const rail = Object.assign(through({ ...ports.rail }), { parties: ports.rail.parties })
    return {
      ports: { ...ports, store, rail, wakeUps: through({ ...ports.wakeUps }) },
      driver: {
        ...driver,
        apply: (...args: Parameters<DeviceDriver['apply']>) => pass(() => driver.apply(...args)),
        readBack: (...args: Parameters<DeviceDriver['readBack']>) =>
          pass(() => driver.readBack(...args)),
        attach: (...args: Parameters<DeviceDriver['attach']>) => pass(() => driver.attach(...args)),
      },
    }
  }
  return { state, interpose }
}

/** One call over three devices and one period, through every crash to its end. */
export async function crashStory(target: number | null, moment: 'before' | 'after' = 'before') {
  const program = aProgram({
    settlementPeriodSeconds: PERIOD,
    meteringIntervalSeconds: CYCLE,
    controlCycleSeconds: CYCLE,
    noticeSeconds: 2 * CYCLE,
    graceSeconds: CYCLE,
    disputeWindowSeconds: CYCLE,
    epochSeconds: CYCLE,
    epochWindowSeconds: CYCLE,
  })
  const crash = crashAt(target, moment)
  const start = addSeconds(WINDOW_START, -6 * CYCLE)
  const world = createWorld({ start, ...program, interpose: crash.interpose })
  const honest = aResource('charger-1', 'charger', 120_000n)
  const liar = aResource('charger-2', 'charger', 130_000n)
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [honest, liar, battery], program)
  plugCar(world, honest, 7000)
  plugCar(world, liar, 7000, { disobeys: true })
  plugBattery(world, battery)

  /** Tries until it is through; a service that died is started again. */
  async function survive<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; tries < 4; tries++) {
      try {
        const result = await work()
        if (!crash.state.dead) return result
      } catch (error) {
        if (!(error instanceof Crash) && !crash.state.dead) throw error
      }
      await world.stop()
      crash.state.dead = false
      crash.state.count = Number.POSITIVE_INFINITY
      await world.boot()
    }
    throw new Error('it did not come through')
  }

  await survive(() => world.boot())
  await survive(() => importHabit(world, honest, 7000, PERIOD))
  await survive(() => importHabit(world, liar, 7000, PERIOD))
  const step = async (until: number) => {
    for (let at = world.clock.now(); at < until; at = world.clock.now()) {
      await survive(() => world.passTo(addSeconds(at, CYCLE)))
      await survive(() => world.settleDown())
    }
  }
  await step(addSeconds(WINDOW_START, -3 * CYCLE))
  const end = addSeconds(WINDOW_START, PERIOD)
  const periods = [{ start: WINDOW_START, powerW: 9000 }]
  const request = aRequest([9000], { window: { start: WINDOW_START, end }, periods })
  const { call } = await survive(() => requestFlexibility(world.ports(), dso, 'key-1', request))
  await step(addSeconds(WINDOW_START, -2 * CYCLE))
  await survive(() => acceptAsDso(world.ports(), call.id))
  await step(addSeconds(end, CYCLE))
  for (let i = 0; i < 9; i++) {
    await survive(() => runVerifiers(world))
    await step(addSeconds(world.clock.now(), CYCLE))
  }
  const result = await world.store.transaction(async (tx) => ({
    state: (await tx.calls.lock(call.id)).state,
    bundle: keccakText((await tx.evidence.load(call.id, 1)) ?? ''),
    repairs: (await tx.calls.lock(call.id)).repairs.length,
    receipts: canonicalJson(await tx.payouts.receipts({})),
    ledger: canonicalJson(await tx.ledger.balances()),
    paid: canonicalJson(world.pool.state()),
    openRequests: world.pool.requests.size,
  }))
  await world.stop()
  return { result, count: crash.state.count }
}

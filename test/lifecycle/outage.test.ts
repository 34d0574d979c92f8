import { afterEach, expect, it } from 'vitest'
import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { createSimulatedRail } from '#adapters/simulated/rail.ts'
import { createMemoryStore } from '#db/memory-store.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { addSeconds } from '#domain/time.ts'
import { followCall } from '#lifecycle/follow-call.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { DeviceDriver, Ports } from '#ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery, plugCharger } from '../support/simulated-call.ts'

let world: World
let redial: (() => Promise<void>)[] | null
let isChainRead: boolean
afterEach(() => world.stop())

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

/** Two chargers are offered, a battery stands in reserve; the DSO has just accepted. */
async function acceptedCall(machine: Partial<SimulatedDeviceOptions> = {}) {
  const program = aProgram()
  redial = null
  isChainRead = true
  world = createWorld({
    start: at(-1200),
    ...program,
    interpose: (ports, driver) => ({
      ports: { ...ports, rail: { ...ports.rail, advance: () => slowChain(ports) } },
      driver: { ...driver, attach: slowly(driver) },
    }),
  })
  await world.boot()
  const first = aResource('charger-1', 'charger', 120_000n)
  const second = aResource('charger-2', 'charger', 130_000n)
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [first, second, battery], program)
  await plugCharger(world, first, 7000, machine)
  await plugCharger(world, second, 7000, machine)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([9000, 9000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  return () => world.store.transaction((tx) => tx.calls.lock(call.id))
}

/** The same with its first setpoints out. */
async function dispatchedCall(machine: Partial<SimulatedDeviceOptions> = {}) {
  const call = await acceptedCall(machine)
  await world.passTo(at(120))
  return call
}

async function slowChain(ports: Ports): Promise<{ newEvents: number }> {
  return isChainRead ? ports.rail.advance() : { newEvents: 0 }
}

/** Once the service was away, its devices are back only when they have dialled in again. */
function slowly(driver: DeviceDriver): DeviceDriver['attach'] {
  return async (resource) => {
    if (redial === null) await driver.attach(resource)
    else redial.push(() => driver.attach(resource))
  }
}

/** The service is away from one instant to another, and devices redial after it is back. */
async function outage(from: number, until: number): Promise<void> {
  await world.passTo(at(from))
  await world.stop()
  await world.passTo(at(until))
  const waiting: (() => Promise<void>)[] = []
  redial = waiting
  await world.boot()
  await world.settleDown()
  redial = null
  for (const attach of waiting) await attach()
}

const reasons = (call: FlexibilityCall) => call.settlement?.lines.map(({ reason }) => reason)

it('nobody is blamed for the silence of a service that was away for seven minutes', async () => {
  const call = await dispatchedCall()
  await outage(120, 540)
  await world.passTo(at(2400))
  expect((await call()).repairs).toEqual([])
  expect(reasons(await call())).toEqual(['paid', 'paid'])
})

it('a service that was away at the end of the window waits for what devices have kept', async () => {
  const call = await dispatchedCall()
  await outage(1770, 1980) // the grace has passed
  expect(await call()).toMatchObject({ state: 'dispatched' })
  await world.passTo(at(2040))
  expect(reasons(await call())).toEqual(['paid', 'paid'])
})

it('and not for ever: what nobody tells is measured as unknown', async () => {
  const call = await dispatchedCall()
  await world.passTo(at(1770))
  await world.stop()
  await world.passTo(at(1980))
  redial = []
  await world.boot()
  await world.passTo(at(1980 + 330))
  expect(await call()).toMatchObject({ state: 'dispatched' })
  await world.passTo(at(1980 + 390))
  expect(reasons(await call())).toEqual(['no-readings', 'no-readings'])
  const ended = await call()
  const periods = await world.store.transaction((tx) => followCall(world.ports(), tx, ended, null))
  expect(periods.map(({ measuredW }) => measuredW === null)).toEqual([false, true])
  expect(periods.at(-1)).toMatchObject({ deliveredW: 0 })
})

/** It tells only its newest reading after a reconnect, as batteries do. */
const FORGETFUL = { remembers: 1 }

it('readings of the window’s end that nobody kept cost seconds, and not the last period', async () => {
  const call = await dispatchedCall(FORGETFUL)
  await outage(1770, 1980)
  await world.passTo(at(2040))
  const { settlement } = await call()
  expect(reasons(await call())).toEqual(['paid', 'paid'])
  // They let go at the end of the window: of its last half minute a part is unknown.
  expect(settlement?.deliveredWh).toBeGreaterThan(0.97 * (settlement?.orderedWh ?? 0))
  expect(settlement?.deliveredWh).toBeLessThan(settlement?.orderedWh ?? 0)
})

it('readings of the window’s start that nobody kept are stood in for by those beside it', async () => {
  const call = await acceptedCall(FORGETFUL)
  await outage(-120, 60)
  await world.passTo(at(2040))
  const { settlement } = await call()
  expect(reasons(await call())).toEqual(['paid', 'paid'])
  expect(settlement?.deliveredWh).toBeGreaterThan(0.9 * (settlement?.orderedWh ?? 0))
})

it('but nothing stands in that is further away than a settlement period', async () => {
  const call = await dispatchedCall(FORGETFUL)
  await outage(1770, 1770 + 960)
  await world.passTo(at(1770 + 960 + 660))
  const { settlement } = await call()
  const { deliveredWh = 0, orderedWh = 0 } = settlement ?? {}
  expect(deliveredWh).toBeGreaterThan(0.45 * orderedWh)
  expect(deliveredWh).toBeLessThan(0.55 * orderedWh)
})

it('an escrow that was locked just before an outage is found before the call lapses', async () => {
  const call = await acceptedCall()
  const { id, escrow } = await call()
  if (!escrow?.authorisation) throw new Error('the offer was accepted')
  const { terms, authorisation } = escrow
  // Sent and mined, but the service dies before it has read that.
  const store = createMemoryStore()
  const intent = { kind: 'openRequest', terms, authorisation } as const
  await store.transaction((tx) => tx.chain.intend(`open:${id}`, intent))
  const { clock, pool } = world
  await createSimulatedRail({ store, clock, pool, ...aProgram() }).advance()
  await world.stop()
  await world.passTo(at(120))
  isChainRead = false
  await world.boot()
  await world.settleDown()
  expect(await call()).toMatchObject({ state: 'offered' })
  isChainRead = true
  await world.passTo(at(180))
  expect(await call()).toMatchObject({ state: 'dispatched' })
})

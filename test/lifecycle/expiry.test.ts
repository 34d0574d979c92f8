import { afterEach, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
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
import { plugBattery } from '../support/simulated-call.ts'

let world: World
afterEach(() => world.stop())

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

/** A battery is offered; whatever the relayer is asked for stays where it is. */
async function offeredCall() {
  const program = aProgram()
  world = createWorld({
    start: at(-1200),
    ...program,
    interpose: (ports, driver) => ({
      ports: { ...ports, rail: { ...ports.rail, advance: async () => ({ newEvents: 0 }) } },
      driver,
    }),
  })
  await world.boot()
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [battery], program)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([2000, 2000]))
  await world.passTo(at(-240))
  return call
}

const ended = async (id: Awaited<ReturnType<typeof offeredCall>>['id']) => {
  await world.passTo(at(600))
  const call = await world.store.transaction((tx) => tx.calls.lock(id))
  return { state: call.state, reasons: call.reasons }
}

it('an offer that nobody accepts lapses with its window, and says so', async () => {
  const { id } = await offeredCall()
  const reasons = ['the DSO did not accept before the window']
  expect(await ended(id)).toEqual({ state: 'expired', reasons })
})

it('an escrow that the chain is too slow for lapses with its window, and says so', async () => {
  const { id } = await offeredCall()
  await acceptAsDso(world.ports(), id)
  const reasons = ['the escrow was not locked before the window']
  expect(await ended(id)).toEqual({ state: 'expired', reasons })
})

it('an escrow that the pool refused tells what the pool said', async () => {
  const { id } = await offeredCall()
  await acceptAsDso(world.ports(), id)
  await world.store.transaction((tx) =>
    tx.chain.mined(`open:${id}`, '0x', 'reverted', 'ERC20InsufficientBalance'),
  )
  expect(await ended(id)).toEqual({
    state: 'expired',
    reasons: [
      'the escrow was not locked before the window: the pool refused it (ERC20InsufficientBalance)',
    ],
  })
})

import { afterEach, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { advancePayouts } from '#lifecycle/advance-payouts.ts'
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
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'

let world: World
afterEach(() => world.stop())

it('a call whose epoch is paid before anybody looks at the call is put into no second epoch', async () => {
  const program = aProgram()
  const woken: string[] = []
  world = createWorld({
    start: addSeconds(WINDOW_START, -1200),
    ...program,
    interpose: (ports, driver) => {
      const wakeCall = async (id: string) => void woken.push(id)
      return { ports: { ...ports, wakeUps: { ...ports.wakeUps, wakeCall } }, driver }
    },
  })
  await world.boot()
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [battery], program)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const request = aRequest([2000, 2000])
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
  await world.passTo(addSeconds(WINDOW_START, -240))
  await acceptAsDso(world.ports(), call.id)
  woken.length = 0
  await world.passTo(addSeconds(WINDOW_START, 3600), () => runVerifiers(world))
  expect(woken).toContain(call.id) // so that it is looked at as soon as its epoch is paid

  await world.store.transaction(async (tx) => {
    const paid = await tx.calls.lock(call.id)
    expect(paid.state).toBe('paid')
    await tx.calls.save({ ...paid, state: 'settled' }) // as it was before that look
  })
  expect(await advancePayouts(world.ports())).toBeNull()
  const epochs = await world.store.transaction((tx) => tx.payouts.list())
  expect(epochs.map(({ epoch, state }) => ({ epoch, state }))).toEqual([
    { epoch: 1, state: 'paid' },
  ])
})

import { afterEach, expect, it } from 'vitest'
import type { Resource } from '#domain/resource.ts'
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

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

let world: World
afterEach(() => world.stop())

it('a device that takes its time is not found out before it can have come to its setpoint', async () => {
  const quick = aResource('battery-dear', 'battery', 200_000n)
  const plain = aResource('battery-slow', 'battery', 100_000n)
  const slow = { ...plain, rating: { ...plain.rating, responseSeconds: 300 } }
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  await enrolAll(world, [slow, quick], aProgram())
  plugBattery(world, slow, { disobeys: true })
  plugBattery(world, quick)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([2000, 2000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  const now = () => world.store.transaction((tx) => tx.calls.lock(call.id))
  await world.passTo(at(300))
  const { allocations, repairs } = await now()
  // 2,000 W on the mean of 15 minutes of which it does nothing for 5.
  expect(allocations[0]?.periods[0]).toMatchObject({ powerW: 2000, setpointW: -3000 })
  expect(repairs).toEqual([])
  await world.passTo(at(480))
  expect((await now()).repairs).toMatchObject([
    { resourceId: slow.id, reason: 'not-obeying', replacedBy: [quick.id] },
  ])
})

it('a device that takes its time is told of more before the period begins in which it is wanted', async () => {
  const plain = aResource('battery-slow', 'battery', 100_000n)
  const slow = { ...plain, rating: { ...plain.rating, responseSeconds: 600 } }
  const later = aResource('battery-quick', 'battery', 200_000n)
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  await enrolAll(world, [slow, later], aProgram())
  plugBattery(world, slow)
  plugBattery(world, later)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([1000, 4000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(at(960))
  const toldAt = ({ id }: Resource) =>
    world.driver.device(id).received.flatMap(({ powerW, orderedAt }) => {
      return powerW === null ? [] : [[powerW, (orderedAt - WINDOW_START) / 1000]]
    })
  // 1,000 W on the mean of 15 minutes of which it does nothing for 10.
  expect(toldAt(slow)).toEqual([
    [-3000, 0],
    [-4000, 300],
  ])
  expect(toldAt(later)).toEqual([])
})

it('a device that takes its time is not taken from another call before that one has ended', async () => {
  const plain = aResource('battery-slow', 'battery', 100_000n)
  const slow = { ...plain, rating: { ...plain.rating, responseSeconds: 300 } }
  const quick = aResource('battery-quick', 'battery', 200_000n)
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  await enrolAll(world, [slow, quick], aProgram())
  plugBattery(world, slow)
  plugBattery(world, quick)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const short = await requestFlexibility(world.ports(), dso, 'one', aRequest([2000]))
  await world.passTo(at(-500))
  const long = await requestFlexibility(world.ports(), dso, 'two', aRequest([1000, 4000]))
  await world.passTo(at(-240))
  for (const { call } of [short, long]) await acceptAsDso(world.ports(), call.id)
  await world.passTo(at(1830))
  const told = world.driver.device(slow.id).received.flatMap((row) => {
    const who = row.callId === short.call.id ? 'one' : 'two'
    return [[who, row.powerW, (row.orderedAt - WINDOW_START) / 1000]]
  })
  expect(told).toEqual([
    ['one', -3000, 0],
    ['one', null, 900],
    ['two', -4000, 900],
    ['two', null, 1800],
  ])
  const { repairs } = await world.store.transaction((tx) => tx.calls.lock(long.call.id))
  expect(repairs).toEqual([])
})

import { afterEach, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { recordCapability } from '#lifecycle/record-device.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery, plugCharger } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const first = aResource('first', 'charger', 100_000n)
const second = aResource('second', 'charger', 120_000n)
const battery = aResource('battery', 'battery', 200_000n)
const chargers = [first, second]

let world: World
afterEach(() => world.stop())

it('holds two chargers at their minimum that are found out at once, also one that gives more for the other', async () => {
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  await enrolAll(world, [...chargers, battery], aProgram())
  for (const one of chargers) await plugCharger(world, one, 7000)
  plugBattery(world, battery)
  // The second one goes on with 5 kW in the first quarter of an hour, and stops in the next.
  const request = aRequest([9000, 14_000])
  const id = await orderedCall(world, request)
  const now = () => world.store.transaction((tx) => tx.calls.lock(id))
  await world.passTo(at(330))
  const ordered = (await now()).allocations.map(({ resourceId, periods }) => [
    resourceId,
    ...periods.map(({ setpointW }) => setpointW),
  ])
  expect(ordered).toEqual([
    [first.id, 0, 0],
    [second.id, 5000, 0],
  ])
  const ids = chargers.map(({ id }) => id)
  const known = await world.store.transaction((tx) => tx.resources.capabilities(ids))
  expect(known).toHaveLength(2)
  for (const { resourceId, capability } of known) {
    await recordCapability(world.ports(), resourceId, { ...capability, pauses: false })
  }
  await world.passTo(at(480))
  const { allocations, repairs } = await now()
  const floors = allocations.map(({ resourceId, floorW }) => [resourceId, floorW])
  expect(floors.slice(0, 2)).toEqual([
    [first.id, 1380],
    [second.id, 1380],
  ])
  // It gave more for the first one, in whole hundreds of W, before it was held itself.
  expect(allocations[1]?.periods.map(({ setpointW }) => setpointW)).toContain(3700)
  expect(repairs.map(({ resourceId, reason }) => [resourceId, reason])).toEqual([
    [first.id, 'cannot-pause'],
    [second.id, 'cannot-pause'],
  ])
})

import { afterEach, describe, expect, it } from 'vitest'
import type { CallId } from '#domain/ids.ts'
import type { Program } from '#domain/program.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { activateReserve } from '#lifecycle/activate-reserve.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { setCongestionRoom } from '#lifecycle/set-congestion-room.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  north,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery, plugCharger } from '../support/simulated-call.ts'
import { AVAILABILITY } from '../support/standby-world.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const END = 900
const stepLimit = { stepMaxW: 6000, rampMaxWPerMinute: 8000 }
const batteries = ['b1', 'b2', 'b3', 'b4'].map((id) => aResource(id, 'battery', 200_000n))
const chargers = ['c1', 'c2', 'c3', 'c4'].map((id) => aResource(id, 'charger', 200_000n))

let world: World
afterEach(() => world.stop())

type Second = { readonly leavesIn?: number; readonly periods?: number }

/** Two calls from the same instant on, each with its own program, half of the fleet each. */
async function twoCalls(
  fleet: readonly Resource[],
  powerW: number,
  [first, second]: readonly [Program, Program],
  { leavesIn = 4 * 3600, periods = 1 }: Second = {},
): Promise<[CallId, CallId]> {
  world = createWorld({ start: at(-1200), ...first })
  await world.boot()
  await enrolAll(world, fleet, first)
  for (const [i, one] of fleet.entries()) {
    const seconds = i < 2 ? 4 * 3600 : leavesIn
    const leaves = { departureAt: at(END + seconds), energyNeededWh: 7000 }
    const session = { startedAt: at(-1200), endedAt: null, startRegisterWh: 100_000, ...leaves }
    if (one.kind === 'battery') plugBattery(world, one)
    else await plugCharger(world, one, 7000, { session })
  }
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const ids: CallId[] = []
  for (const [i, program] of [first, second].entries()) {
    await world.store.transaction((tx) =>
      tx.organisations.saveProgram({ ...program, version: i + 1 }),
    )
    const powersW = Array.from({ length: i === 0 ? 1 : periods }, () => powerW)
    const { call } = await requestFlexibility(world.ports(), dso, `key-${i}`, aRequest(powersW))
    ids.push(call.id)
  }
  await world.passTo(at(-240))
  for (const id of ids) await acceptAsDso(world.ports(), id)
  await world.passTo(at(-60))
  return ids as [CallId, CallId]
}

const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))
const effective = ({ id }: Resource) => world.driver.device(id).effective(world.clock.now())
const led = () => batteries.filter((one) => effective(one).kind === 'limited').length
async function counted() {
  const counts: number[] = []
  for (const seconds of [0, 30, 60, 90, 120]) {
    await world.passTo(at(END + seconds))
    counts.push(led())
  }
  return counts
}
/** What all chargers may draw now. */
const mayDrawW = () =>
  chargers.reduce((sum, one) => {
    const limit = effective(one)
    return sum + (limit.kind === 'limited' ? Math.min(7000, limit.powerW) : 7000)
  }, 0)

describe('two calls that end together at a congestion point', () => {
  it('let their devices go within one step limit, as a single call would', async () => {
    const program = aProgram({ stepLimit })
    const ids = await twoCalls(batteries, 10_000, [program, program])
    await world.passTo(at(END - 1))
    expect(led()).toBe(4)
    for (const id of ids) expect((await found(id)).allocations).toHaveLength(2)
    expect(await counted()).toEqual([3, 2, 2, 1, 0])
  })

  it('keep within it, too, where one is an activation that ends', async () => {
    const standby = aProgram({ ...AVAILABILITY, stepLimit })
    const [id] = await twoCalls(batteries, 10_000, [standby, aProgram({ stepLimit })])
    await activateReserve(world.ports(), dso, id, { start: at(60), end: at(END - 30) })
    await world.passTo(at(END - 31))
    expect(led()).toBe(4)
    await world.passTo(at(END - 30))
    expect(led()).toBe(3)
    expect(await counted()).toEqual([2, 2, 1, 0, 0])
  })

  it('count what the first still takes once all its devices are free, also a period later', async () => {
    const program = aProgram({ restartSeconds: 0 })
    // At 17:00 local time the first two are on offer for a quarter of an hour only.
    const fleet = chargers.map((one, i) => {
      return i < 2 ? { ...one, offer: { ...one.offer, untilMinute: 1035 } } : one
    })
    const ids = await twoCalls(fleet, 14_000, [program, program], { periods: 2 })
    await setCongestionRoom(world.ports(), dso, north, { limitW: 55_000, baseLoadW: [40_000] })
    await world.passTo(at(2 * END - 1))
    const [first] = await Promise.all(ids.map(found))
    expect(first?.rebound?.doneAt).not.toBeNull()
    const most: number[] = []
    for (let seconds = 15; seconds <= 1500; seconds += 60) {
      await world.passTo(at(2 * END + seconds))
      most.push(mayDrawW())
    }
    // The first’s two cars draw 7 kW each for as long, and 15 kW is the room.
    expect(Math.max(...most)).toBeLessThanOrEqual(15_000)
    const plans = await Promise.all(ids.map(found))
    expect(plans.map(({ rebound }) => rebound?.overshootW)).toEqual([0, 0])
    const takes = plans.flatMap(({ rebound }) => {
      return rebound?.restarts.flatMap(({ takes: mine = [] }) => mine) ?? []
    })
    for (const { start } of takes) {
      const there = takes.filter((one) => one.start <= start && start < one.end)
      expect(there.reduce((sum, { powerW }) => sum + powerW, 0)).toBeLessThanOrEqual(15_000)
    }
  })

  it('leave each other what cars must have: the first waits for the second’s that leave soon', async () => {
    const program = aProgram({ restartSeconds: 0 })
    const ids = await twoCalls(chargers, 14_000, [program, program], { leavesIn: 5400 })
    // Each of the second's cars takes 7,000 Wh within an hour and a half.
    await setCongestionRoom(world.ports(), dso, north, { limitW: 51_500, baseLoadW: [40_000] })
    await world.passTo(at(END + 60))
    const plans = await Promise.all(ids.map(found))
    expect(plans.map(({ allocations }) => allocations.length)).toEqual([2, 2])
    expect(plans.map(({ rebound }) => [rebound?.overshootW, rebound?.unreadyWh])).toEqual([
      [0, 0],
      [0, 0],
    ])
  })
})

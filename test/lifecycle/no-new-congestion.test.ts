import { afterEach, describe, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { needsOf } from '#lifecycle/offer-flexibility.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { saveFeeder } from '#lifecycle/save-feeder.ts'
import { takeFromReserve } from '#lifecycle/take-from-reserve.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  north,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const cheap = aResource('battery-cheap', 'battery', 100_000n)
const dear = aResource('battery-dear', 'battery', 200_000n)

/** Two streets behind one transformer; the one of the cheap battery is nearly full already. */
const streets = (freeKva: number) => ({
  name: 'two streets',
  baseKv: 0.4,
  root: 'station',
  buses: [
    { id: 'station' },
    { id: 'busbar' },
    { id: 'full', loadKw: 20 },
    { id: 'empty', loadKw: 10 },
  ],
  branches: [
    { id: 'transformer', from: 'station', to: 'busbar', rOhm: 0.005, xOhm: 0.01 },
    { from: 'busbar', to: 'full', rOhm: 0.01, xOhm: 0.005, limitKva: 20.2 + freeKva },
    { from: 'busbar', to: 'empty', rOhm: 0.01, xOhm: 0.005, limitKva: 60 },
  ],
  resources: [
    { id: cheap.id, bus: 'full' },
    { id: dear.id, bus: 'empty' },
  ],
})

describe('an offer that creates no new congestion', () => {
  let world: World
  afterEach(() => world?.stop())

  async function offered(feeder: object, resources = [cheap, dear]) {
    await world?.stop()
    world = createWorld({ start: at(-1200), ...aProgram() })
    await world.boot()
    await enrolAll(world, resources, aProgram())
    for (const one of resources) plugBattery(world, one)
    await world.ports().wakeUps.notify('resources')
    await saveFeeder(world.ports(), dso, north, { branch: 'transformer', feeder })
    await world.passTo(at(-600))
    const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([3000, 3000]))
    await world.passTo(at(-240))
    return world.store.transaction(async (tx) => ({
      call: await tx.calls.lock(call.id),
      told: (await tx.events.ofCall(call.id)).at(-1)?.message,
    }))
  }
  const taking = (call: Awaited<ReturnType<typeof offered>>['call']) =>
    call.allocations.map(({ resourceId }) => resourceId)

  it('takes the cheap one where what it takes back afterwards has room', async () => {
    const { call } = await offered(streets(10))
    expect(taking(call)).toEqual([cheap.id])
    expect(call.network?.leftOut).toBe(0)
  })

  it('leaves it out where its street would be too full afterwards, and tells the DSO', async () => {
    const { call, told } = await offered(streets(1))
    expect(taking(call)).toEqual([dear.id])
    expect(call.orderedW.every((powerW) => powerW > 2800)).toBe(true)
    const skipped = call.skipped.find(({ resourceId }) => resourceId === cheap.id)
    expect(skipped?.reason).toBe('would-congest')
    expect(skipped?.detail).toMatch(
      /^right after the window it would add to .* on branch busbar-full/,
    )
    expect(call.network?.leftOut).toBe(1)
    expect(told).toMatch(/; 1 resources are left out, which would congest the grid elsewhere/)
  })

  it('is cut, or none, where nobody else is left', async () => {
    const { call, told } = await offered(streets(1), [cheap])
    expect(call.state).toBe('declined')
    expect(call.reasons).toEqual(['would-congest: 1'])
    expect(told).toBe('nothing can be offered: would-congest: 1')
  })

  it('has no reserve that would congest', async () => {
    const { call } = await offered(streets(1))
    const needs = needsOf(call).map((need) => ({ ...need, powerW: 1000 }))
    const { added } = await world.store.transaction((tx) =>
      takeFromReserve(call, needs, {
        tx,
        now: world.clock.now(),
        rows: new Map(),
        verdicts: new Map(),
      }),
    )
    expect(added).toEqual([])
  })
})

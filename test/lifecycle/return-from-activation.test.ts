import { afterEach, describe, expect, it } from 'vitest'
import { periodAt } from '#domain/allocation.ts'
import type { CallId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { activateReserve } from '#lifecycle/activate-reserve.ts'
import { changeConsent } from '#lifecycle/change-limits.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, dso, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'
import { AVAILABILITY } from '../support/standby-world.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const batteries = ['b1', 'b2', 'b3', 'b4'].map((id) => aResource(id, 'battery', 200_000n))
const chargers = ['c1', 'c2', 'c3'].map((id) => aResource(id, 'charger', 200_000n))
const stepLimit = { stepMaxW: 6000, rampMaxWPerMinute: 8000 }

let world: World
afterEach(() => world.stop())

/** So much stands by for half an hour under the step limit, and is used in a part of it. */
async function activated(
  fleet: readonly (typeof batteries)[number][],
  held: number | readonly [number, number],
  used: readonly (readonly [number, number])[],
): Promise<CallId> {
  const program = aProgram({ ...AVAILABILITY, stepLimit })
  world = createWorld({ start: at(-1200), ...program })
  await world.boot()
  await enrolAll(world, fleet, program)
  for (const one of fleet) {
    if (one.kind === 'battery') plugBattery(world, one)
    else await plugCharger(world, one, 7000)
  }
  const id = await orderedCall(world, aRequest(typeof held === 'number' ? [held, held] : [...held]))
  await world.passTo(at(-60))
  for (const [from, until] of used) {
    await activateReserve(world.ports(), dso, id, { start: at(from), end: at(until) })
  }
  return id
}

const led = (fleet = batteries) =>
  fleet.filter(({ id }) => world.driver.device(id).effective(world.clock.now()).kind === 'limited')
    .length
async function counted(from: number, seconds: readonly number[], fleet = batteries) {
  const counts: number[] = []
  for (const more of seconds) {
    await world.passTo(at(from + more))
    counts.push(led(fleet))
  }
  return counts
}
const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))

describe('the end of an activation, under a step limit', () => {
  it('lets its devices go one after the other, as the ramp makes room', async () => {
    const id = await activated(batteries, 20_000, [[300, 900]])
    await world.passTo(at(899))
    expect(led()).toBe(4)
    // As at the end of a window: 5 kW each, the sixth kW after 30 s, two 37.5 s later each.
    expect(await counted(900, [0, 30, 60, 90, 120])).toEqual([3, 2, 2, 1, 0])
    expect((await found(id)).repairs).toEqual([])
    const events = await world.store.transaction((tx) => tx.events.ofCall(id))
    const planned = events.filter(({ kind }) => kind === 'rebound-planned')
    expect(planned).toMatchObject([{ at: at(900), notice: false, data: { resources: 4 } }])
    expect(planned[0]?.message).toMatch(/^the activation has ended; 4 resources come back/)
  })

  it('leaves those that still come back to the next activation, which they obey', async () => {
    const id = await activated(batteries, 20_000, [
      [300, 900],
      [930, 1500],
    ])
    expect(await counted(900, [0, 30, 60, 300])).toEqual([3, 4, 4, 4])
    const { repairs, allocations } = await found(id)
    expect(repairs).toEqual([])
    expect(allocations.map(({ releasedAt }) => releasedAt)).toEqual([null, null, null, null])
    expect((await counted(1500, [0, 120])).at(-1)).toBe(0)
  })

  it('holds nobody whose own part is over, as another call may have it from there on', async () => {
    const id = await activated(batteries, [20_000, 10_000], [[300, 900]])
    await world.passTo(at(899))
    expect(led()).toBe(4)
    await world.passTo(at(900))
    const { allocations } = await found(id)
    const goesOn = new Set<string>(
      allocations.filter((part) => periodAt(part, at(900))).map(({ resourceId }) => resourceId),
    )
    expect(goesOn.size).toBe(2)
    expect(led(batteries.filter((one) => !goesOn.has(one.id)))).toBe(0)
    expect(led(batteries.filter((one) => goesOn.has(one.id)))).toBeGreaterThan(0)
    expect(await counted(900, [120])).toEqual([0])
    expect((await found(id)).repairs).toEqual([])
  })

  it('holds nobody whose owner withdraws the consent', async () => {
    await activated(batteries, 20_000, [[300, 900]])
    await world.passTo(at(900))
    const still = batteries.filter(
      ({ id }) => world.driver.device(id).effective(world.clock.now()).kind === 'limited',
    )
    const [one] = still as [(typeof batteries)[number]]
    const owner = { organisationId: one.aggregatorId, ownerId: one.ownerId }
    await changeConsent(world.ports(), owner, one.id, false)
    await world.settleDown()
    expect(world.driver.device(one.id).effective(world.clock.now()).kind).toBe('default')
  })

  it('brings devices back one after the other though the service has died', async () => {
    await activated(batteries, 20_000, [[300, 900]])
    await world.passTo(at(870))
    await world.stop()
    const counts = await counted(900, [0, 30, 60, 90, 120])
    expect(counts[0]).toBe(4)
    expect(counts.at(-1)).toBe(0)
    expect(counts.some((count) => count > 0 && count < 4)).toBe(true)
  })

  it('blames nobody who let go in turn while the service was away', async () => {
    const id = await activated(batteries, 20_000, [[300, 900]])
    await world.passTo(at(870))
    await world.stop()
    await world.passTo(at(1110))
    await world.boot()
    await world.passTo(at(1290))
    expect(led()).toBe(0)
    const { repairs, allocations } = await found(id)
    expect(repairs).toEqual([])
    expect(allocations.map(({ releasedAt }) => releasedAt)).toEqual([null, null, null, null])
  })

  it('costs nobody the stand-by of the period in which it was still held for the limit', async () => {
    const id = await activated(chargers, 21_000, [[300, 900]])
    await world.passTo(at(899))
    expect(led(chargers)).toBe(3)
    await world.passTo(at(900))
    expect(led(chargers)).toBeGreaterThan(0)
    await world.passTo(at(1950))
    await runVerifiers(world)
    await world.passTo(at(2010))
    const { state, settlement } = await found(id)
    expect(state).toBe('verified')
    // 3,500 Wh stood by at 0.02 EUR, whenever each was let go after the activation.
    const standby = (settlement?.lines ?? []).map(({ reason, gross, eligibleWh }) => {
      return [reason, gross - BigInt(eligibleWh ?? 0) * 200n]
    })
    expect(standby).toEqual(chargers.map(() => ['paid', 70_000n]))
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { organisationId } from '#domain/ids.ts'
import type { Program } from '#domain/program.ts'
import { addSeconds } from '#domain/time.ts'
import { changeConsent } from '#lifecycle/change-limits.ts'
import { emergencyStop } from '#lifecycle/emergency-stop.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
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
import { plugBattery } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const fleet = ['b1', 'b2', 'b3', 'b4'].map((id) => aResource(id, 'battery', 200_000n))
const program = aProgram({ stepLimit: { stepMaxW: 6000, rampMaxWPerMinute: 8000 } })

let world: World
afterEach(() => world.stop())

async function started(terms: Program): Promise<void> {
  world = createWorld({ start: at(-1200), ...terms })
  await world.boot()
  await enrolAll(world, fleet, terms)
  for (const battery of fleet) plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-1100))
}

async function dispatched(terms = program): Promise<void> {
  await started(terms)
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([20_000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(at(0))
}

const END = 900
const heldNow = async () =>
  (await world.store.transaction((tx) => tx.setpoints.current())).filter(
    ({ powerW }) => powerW !== null,
  )
const led = () =>
  fleet.filter(({ id }) => world.driver.device(id).effective(world.clock.now()).kind === 'limited')
    .length

describe('a step limit of a congestion point', () => {
  it('moves its devices one after the other, as the ramp makes room', async () => {
    await dispatched()
    const counts = [led()]
    for (const seconds of [30, 60, 90, 120]) {
      await world.passTo(at(seconds))
      counts.push(led())
    }
    // 5 kW each, within 6 kW at once and 4 kW in each control cycle after it.
    expect(counts).toEqual([1, 2, 2, 3, 4])
  })

  it('brings a device that changes by more than a step there in several', async () => {
    await dispatched(aProgram({ stepLimit: { stepMaxW: 3000, rampMaxWPerMinute: 4000 } }))
    const told = async () => {
      const rows = await world.store.transaction((tx) => tx.setpoints.current())
      return rows.map(({ powerW }) => powerW)
    }
    const found = [await told()]
    for (const seconds of [30, 60, 90, 120]) {
      await world.passTo(at(seconds))
      found.push(await told())
    }
    // 2 kW of room come with each control cycle: b1 goes on before b2 begins.
    expect(found).toEqual([[-3000], [-5000], [-5000], [-5000, -3000], [-5000, -5000]])
  })

  it('lets its devices go one after the other as the window ends', async () => {
    await dispatched()
    await world.passTo(at(END))
    const counts = [led()]
    for (const seconds of [30, 60, 90, 120]) {
      await world.passTo(at(END + seconds))
      counts.push(led())
    }
    // 5 kW each, as on the way in: the sixth kW is there after 30 s, the next two 37.5 s later each.
    expect(counts).toEqual([3, 2, 2, 1, 0])
    await world.settleDown()
    const events = await world.store.transaction((tx) => tx.events.after(0, 1000))
    const planned = events.find(({ kind }) => kind === 'rebound-planned')
    expect(planned).toMatchObject({ notice: false, data: { resources: 4 } })
    expect(planned?.message).not.toContain('step limit')
    expect(events.filter(({ kind }) => kind === 'resource-released')).toHaveLength(1)
  })

  it('brings its devices back one after the other though the service has died', async () => {
    await dispatched()
    await world.passTo(at(END - 30))
    await world.stop()
    const counts: number[] = []
    for (const seconds of [0, 30, 60, 90, 120]) {
      await world.passTo(at(END + seconds))
      counts.push(led())
    }
    expect(counts[0]).toBe(4)
    expect(counts.at(-1)).toBe(0)
    expect(counts.some((count) => count > 0 && count < 4)).toBe(true)
  })

  it('holds nobody after the window whose owner withdraws the consent', async () => {
    await dispatched()
    await world.passTo(at(END))
    const held = await heldNow()
    expect(held.length).toBe(3)
    const [first] = held
    const one = fleet.find(({ id }) => id === first?.resourceId) as (typeof fleet)[number]
    const owner = { organisationId: one.aggregatorId, ownerId: one.ownerId }
    await changeConsent(world.ports(), owner, one.id, false)
    await world.settleDown()
    expect((await heldNow()).map(({ resourceId }) => resourceId)).not.toContain(one.id)
  })

  it('leaves devices to the next call that still come back from this one', async () => {
    const slow = { stepMaxW: 6000, rampMaxWPerMinute: 4000 }
    await started(aProgram({ stepLimit: slow, noticeSeconds: 1000 }))
    const window = { start: at(END), end: at(2 * END) }
    const later = { window, periods: [{ start: window.start, powerW: 20_000 }] }
    for (const [key, request] of Object.entries({ key: {}, next: later })) {
      await requestFlexibility(world.ports(), dso, key, aRequest([20_000], request))
    }
    await world.passTo(at(-90))
    const open = await world.store.transaction((tx) => tx.calls.list({}))
    for (const { id } of open) await acceptAsDso(world.ports(), id)
    const next = open.find(({ request }) => request.window.start === window.start)
    if (next === undefined) throw new Error('there is a next call')
    await world.passTo(at(END - 1))
    expect(led()).toBe(4)
    await world.passTo(at(END + 30))
    const { allocations, repairs } = await world.store.transaction((tx) => tx.calls.lock(next.id))
    expect(allocations.map(({ releasedAt }) => releasedAt)).toEqual([null, null, null, null])
    expect(repairs).toEqual([])
    const theirs = (await heldNow()).filter(({ callId }) => callId === next.id)
    expect(theirs.length).toBeGreaterThan(0)
  })

  it('makes nobody wait who is let go', async () => {
    await dispatched()
    await world.passTo(at(120))
    const by = { organisationId: organisationId('operator'), role: 'operator' } as const
    await emergencyStop(world.ports(), by, { congestionPointId: north, reason: 'a line is down' })
    await world.settleDown()
    expect(led()).toBe(0)
  })
})

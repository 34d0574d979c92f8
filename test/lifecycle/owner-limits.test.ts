import { afterEach, describe, expect, it } from 'vitest'
import type { Resource } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
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
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const battery = aResource('battery', 'battery', 100_000n)
const other = aResource('other', 'battery', 200_000n)
const plain = aResource('charger', 'charger', 120_000n)
const underLaw = { ...plain, rating: { ...plain.rating, legalClass: 'de-14a' as const } }

let world: World
afterEach(() => world.stop())

async function started(resources: readonly Resource[], program = aProgram()): Promise<void> {
  world = createWorld({ start: at(-1200), ...program })
  await world.boot()
  await enrolAll(world, resources, program)
}

async function ordered(powersW: readonly number[]) {
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest(powersW))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  return { whole: () => world.store.transaction((tx) => tx.calls.lock(call.id)) }
}

const rowsOf = (resource: Resource) =>
  world.store.transaction((tx) => tx.setpoints.ofResource(resource.id, 20))

describe('a reserve that is reached before it was expected', () => {
  it('ends the part: let go, replaced, paid for the periods before', async () => {
    await started([battery, other])
    plugBattery(world, battery, { storedWh: 4000 })
    plugBattery(world, other)
    const { whole } = await ordered([3000, 3000])
    await world.passTo(at(900))
    // Its house has taken what nobody knew of.
    plugBattery(world, battery, { storedWh: 2000, registerWh: -750 })
    await world.passTo(at(990))
    const call = await whole()
    expect(call.repairs).toMatchObject([
      {
        resourceId: battery.id,
        reason: 'owner-limit',
        detail: 'its owner keeps 2000 Wh in it',
        replacedBy: [other.id],
      },
    ])
    expect((await rowsOf(battery))[0]).toMatchObject({ powerW: null })
    await world.passTo(at(3600), () => runVerifiers(world))
    const { settlement } = await whole()
    const line = settlement?.lines.find(({ resourceId }) => resourceId === battery.id)
    expect(line).toMatchObject({ reason: 'owner-limit', eligibleWh: 750 })
    const earner = { kind: 'owner', ownerId: battery.ownerId } as const
    const [earned] = await explainEarnings(world.ports(), earner)
    expect(earned?.sentence).toContain('what its owner allows ended what counts; 750 Wh count')
  })

  it('ends a setpoint by itself on the device, though nobody is there any more', async () => {
    await started([battery])
    plugBattery(world, battery, { storedWh: 4000 })
    await ordered([3000, 3000])
    plugBattery(world, battery, { storedWh: 2500 })
    await world.passTo(at(30))
    const [row] = await rowsOf(battery)
    // Half a kWh is left above the reserve: less than ten minutes of the half hour.
    expect(row).toMatchObject({ powerW: -3000 })
    expect(row?.validUntil).toBeGreaterThan(at(400))
    expect(row?.validUntil).toBeLessThan(at(600))
    await world.stop()
    world.driver.passTo(at(7200))
    const { socBp } = world.driver.device(battery.id).meter(at(7200)) ?? {}
    expect(socBp).toBeGreaterThanOrEqual(2000)
    expect(socBp).toBeLessThan(2200)
  })
})

describe("the law's floor", () => {
  it('is all that a charger of its class keeps: the rest is promised, and no stop', async () => {
    await started([underLaw, other])
    await plugCharger(world, underLaw, 7000)
    plugBattery(world, other)
    const { whole } = await ordered([4000])
    await world.passTo(at(60))
    const { allocations } = await whole()
    expect(allocations).toMatchObject([
      { resourceId: underLaw.id, periods: [{ powerW: 2800, setpointW: 4200 }] },
      { resourceId: other.id, periods: [{ powerW: 1200 }] },
    ])
    expect(await rowsOf(underLaw)).toMatchObject([{ powerW: 4200 }])
  })

  it('is what the program says, where it says another one', async () => {
    await started([underLaw], aProgram({ legalFloorsW: { 'de-14a': 5000 } }))
    await plugCharger(world, underLaw, 7000)
    const { whole } = await ordered([4000])
    expect((await whole()).allocations).toMatchObject([
      { periods: [{ powerW: 2000, setpointW: 5000 }] },
    ])
  })
})

describe('a car that must be ready', () => {
  it('is let go when it needs full power from then on, and is replaced', async () => {
    await started([plain, other])
    await plugCharger(world, plain, 7000)
    plugBattery(world, other)
    const { whole } = await ordered([5600, 5600])
    await world.passTo(at(300))
    // Its driver comes sooner: all that it still lacks needs full power from now on.
    const [session] = await world.store.transaction((tx) => tx.sessions.at([plain.id], at(300)))
    const departureAt = at(300 + 5400)
    await world.store.transaction((tx) =>
      tx.sessions.save({ ...(session as NonNullable<typeof session>), departureAt }),
    )
    await world.passTo(at(360))
    const { repairs } = await whole()
    expect(repairs).toMatchObject([
      { resourceId: plain.id, reason: 'owner-limit', replacedBy: [other.id] },
    ])
    expect(repairs[0]?.detail).toContain('its car must have 14000 Wh by 2026-01-14T17:35:00Z')
    expect((await rowsOf(plain))[0]).toMatchObject({ powerW: null })
  })
})

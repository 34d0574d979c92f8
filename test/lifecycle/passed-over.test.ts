import { afterEach, describe, expect, it } from 'vitest'
import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { decisionsOf } from '#domain/decision.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import type { OfferConditions } from '#domain/offer-conditions.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { visibleDecisions } from '#http/decision-view.ts'
import { changeConsent } from '#lifecycle/change-limits.ts'
import { recordCondition } from '#lifecycle/record-device.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery, plugCharger } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const { rating, offer } = aResource('any', 'battery', 1n)
const liar = aResource('liar', 'battery', 100_000n, { rating: { ...rating, exportMaxW: 2000 } })
const charger = aResource('charger', 'charger', 120_000n)
const reserve = aResource('reserve', 'battery', 300_000n)
const dearest = aResource('z-dearest', 'battery', 400_000n)

let world: World
afterEach(() => world.stop())

/** 4 kW are ordered, 2 of a battery that gives nothing and 2 of a charger; batteries in reserve. */
async function called(
  inReserve: readonly Resource[],
  does: Partial<SimulatedDeviceOptions> = {},
): Promise<CallId> {
  const program = aProgram()
  world = createWorld({ start: at(-1200), ...program })
  await world.boot()
  await enrolAll(world, [liar, charger, ...inReserve], program)
  plugBattery(world, liar, { disobeys: true })
  await plugCharger(world, charger, 7000)
  for (const one of inReserve) plugBattery(world, one, does)
  return orderedCall(world, aRequest([4000, 4000]))
}

const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))
async function decided(id: CallId, resourceId: ResourceId) {
  const one = decisionsOf(await found(id)).find((each) => each.resourceId === resourceId)
  if (one === undefined) throw new Error(`nothing was decided about ${resourceId}`)
  return one
}
const seconds = (when: number) => (when - WINDOW_START) / 1000

describe('a device that is passed over when less comes than was ordered', () => {
  it('has a part and keeps what it was told for its dwell time: noted once, and its part stands', async () => {
    const id = await called([])
    await world.passTo(at(120))
    const { final, passedOver } = await decided(id, charger.id)
    expect(final.code).toBe('cut')
    expect(passedOver.map(({ code, at: when, detail }) => [code, seconds(when), detail])).toEqual([
      ['passed-dwell', 60, 'keeps what it is told for 180 s'],
    ])
    await world.passTo(at(300))
    expect(await decided(id, charger.id)).toMatchObject({
      final: { code: 'raised' },
      passedOver: [{ code: 'passed-dwell', at: at(60) }],
    })
  })

  it('is in reserve, and its owner, its driver or its silence kept it from being asked', async () => {
    const kept = ['a-withdrawn', 'b-override'].map((name) => aResource(name, 'battery', 200_000n))
    const id = await called([...kept, reserve, dearest])
    const [withdrawn, override] = kept as [Resource, Resource]
    const owner = { organisationId: withdrawn.aggregatorId, ownerId: withdrawn.ownerId }
    await world.passTo(at(-30))
    await changeConsent(world.ports(), owner, withdrawn.id, false)
    await recordCondition(world.ports(), override.id, { overrideSince: world.clock.now() })
    await recordCondition(world.ports(), dearest.id, { overrideSince: world.clock.now() })
    await world.passTo(at(300))
    expect((await decided(id, withdrawn.id)).final.code).toBe('passed-no-consent')
    expect(await decided(id, override.id)).toMatchObject({
      final: { code: 'passed-driver-override', at: at(60) },
      earlier: [{ code: 'not-needed' }],
    })
    expect((await decided(id, reserve.id)).final.code).toBe('stood-in')
    // It comes after the one that gave what was missing: it would not have been asked.
    expect((await decided(id, dearest.id)).final.code).toBe('not-needed')
  })

  it('is in reserve, and the terms of its own offer need notice or rest', async () => {
    const tied: OfferConditions = { noticeSeconds: 60 }
    const one = aResource('tied', 'battery', 200_000n, {
      offer: { ...offer, price: reserve.offer.price, conditions: tied },
    })
    const program = aProgram({ notice: 'known' })
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, [liar, charger, one], program)
    plugBattery(world, liar, { disobeys: true })
    await plugCharger(world, charger, 7000)
    plugBattery(world, one)
    const id = await orderedCall(world, aRequest([4000, 4000]))
    await world.passTo(at(120))
    expect((await decided(id, one.id)).final.code).toBe('passed-notice-too-short')
  })

  it('is told why over the API: its aggregator in the grid’s words, its owner in plain ones', async () => {
    const id = await called([])
    await world.passTo(at(120))
    const call = await found(id)
    const own = new Set([charger.id])
    const view = (role: 'aggregator' | 'owner') =>
      visibleDecisions(world.ports(), { key: { role }, own } as never, call)[0]
    expect(view('aggregator')?.passedOver).toEqual([
      {
        code: 'passed-dwell',
        at: '2026-01-14T16:01:00Z',
        sentence:
          'Passed over inside the window: it had not kept what it was told for its dwell time.',
      },
    ])
    expect(view('owner')?.passedOver[0]?.sentence).toMatch(/^Your device was not asked for more:/)
    const operator = visibleDecisions(
      world.ports(),
      { key: { role: 'operator' }, own: null } as never,
      call,
    )
    expect(operator.find(({ resourceId: one }) => one === charger.id)?.passedOver).toHaveLength(1)
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { decisionsOf } from '#domain/decision.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import type { OfferConditions } from '#domain/offer-conditions.ts'
import { addSeconds } from '#domain/time.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const liar = aResource('a-liar', 'battery', 100_000n)
const plain = aResource('plain', 'battery', 300_000n)

describe('the least time on of a stand-in', () => {
  let world: World
  afterEach(() => world?.stop())

  /** The liar is let go of after a minute of half an hour; from 90 s on somebody else gives. */
  async function afterTheLiar(conditions: OfferConditions) {
    const tied = aResource('tied', 'battery', 200_000n)
    const fleet = [liar, { ...tied, offer: { ...tied.offer, conditions } }, plain]
    const program = aProgram()
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, fleet, program)
    for (const one of fleet) plugBattery(world, one, one.id === liar.id ? { disobeys: true } : {})
    const id = await orderedCall(world, aRequest([3000, 3000]))
    await world.passTo(at(300))
    const call = await world.store.transaction((tx) => tx.calls.lock(id))
    const codes = decisionsOf(call).map(({ resourceId, final }) => [resourceId, final.code])
    const parts = call.allocations.map(({ resourceId }) => resourceId)
    return { call, parts, codes: Object.fromEntries(codes) as Record<string, string> }
  }

  it('is counted from its own start, by the second: all of what is left is enough', async () => {
    for (const onSecondsMin of [900, 1710]) {
      const { parts, codes } = await afterTheLiar({ onSecondsMin })
      expect(parts).toEqual(['a-liar', 'tied'])
      expect(codes).toMatchObject({ tied: 'stood-in', plain: 'not-needed' })
      await world.stop()
    }
  })

  it('passes it over where it reaches beyond the window’s end, and the next one is called', async () => {
    const { call, parts, codes } = await afterTheLiar({ onSecondsMin: 1711 })
    expect(parts).toEqual(['a-liar', 'plain'])
    expect(codes).toMatchObject({ tied: 'passed-on-time', plain: 'stood-in' })
    expect(call.passedOver).toMatchObject([
      { resourceId: 'tied', detail: 'goes on for 1711 s once it moves; 1710 s are left' },
    ])
  })

  it('lets it go on for less where its owner says so', async () => {
    const { parts } = await afterTheLiar({ onSecondsMin: 1800, onLessAsStandIn: true })
    expect(parts).toEqual(['a-liar', 'tied'])
  })

  it('is no longer because the rest of the first period is short', () => {
    const device = { id: 'd', price: 1, maxW: [3000, 3000], energyWh: 9000, minW: 100 }
    const tied = { ...device, minOnPeriods: 30, minOnHours: 900 / 3600 }
    const wanted = { powerW: [3000, 3000], hours: [30 / 3600, 900 / 3600] }
    expect(meritFill([tied], wanted).powerW).toEqual([[3000, 3000]])
    expect(meritFill([tied], { ...wanted, powerW: [0, 3000] }).powerW).toEqual([[0, 3000]])
    expect(meritFill([tied], { ...wanted, powerW: [3000, 0] }).powerW).toEqual([[0, 0]])
    const longer = { ...tied, minOnHours: 931 / 3600 }
    expect(meritFill([longer], wanted).powerW).toEqual([[0, 0]])
  })
})

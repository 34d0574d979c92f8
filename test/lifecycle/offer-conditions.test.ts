import { afterEach, describe, expect, it } from 'vitest'
import { callId } from '#domain/ids.ts'
import type { OfferConditions } from '#domain/offer-conditions.ts'
import type { Program } from '#domain/program.ts'
import { type PromiseRole, promisedPeriod } from '#domain/promised.ts'
import { addSeconds } from '#domain/time.ts'
import { needsOf } from '#lifecycle/offer-flexibility.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { takeFromReserve } from '#lifecycle/take-from-reserve.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, dso, enrolAll, WINDOW_START } from '../support/builders.ts'
import { plugBattery } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const plain = aResource('battery-plain', 'battery', 200_000n)

type Extra = {
  readonly promisedFrom?: number
  readonly role?: PromiseRole
  readonly tiedPrice?: bigint
}

/** A cheap battery whose offer is tied to something, and a dear one that answers any call. */
describe('an offer that is tied to something', () => {
  let world: World
  afterEach(() => world?.stop())

  async function offered(
    conditions: OfferConditions,
    askedW: readonly number[],
    {
      promisedFrom,
      role = 'order',
      tiedPrice = 100_000n,
      ...changes
    }: Partial<Program> & Extra = {},
  ) {
    await world?.stop()
    const program = aProgram(changes)
    const tied = aResource('battery-tied', 'battery', tiedPrice)
    const cheap = { ...tied, offer: { ...tied.offer, conditions } }
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, [cheap, plain], program)
    plugBattery(world, cheap, { storedWh: 9000 })
    plugBattery(world, plain)
    await world.ports().wakeUps.notify('resources')
    if (promisedFrom !== undefined) {
      const [start, end] = [at(promisedFrom), at(promisedFrom + 900)]
      const wanted = [promisedPeriod(cheap.id, { start, end })]
      await world.store.transaction((tx) => tx.promises.take(callId('call-before'), wanted, role))
    }
    await world.passTo(at(-600))
    const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest(askedW))
    await world.passTo(at(-240))
    return world.store.transaction((tx) => tx.calls.lock(call.id))
  }

  const skippedOf = (call: Awaited<ReturnType<typeof offered>>) =>
    call.skipped.find(({ resourceId }) => resourceId === 'battery-tied')

  it('is left out of a silent program where it needs any notice', async () => {
    const call = await offered({ noticeSeconds: 60 }, [4000])
    expect(skippedOf(call)?.reason).toBe('notice-too-short')
    expect(call.allocations.map(({ resourceId }) => resourceId)).toEqual(['battery-plain'])
  })

  it('takes part where the program tells early enough', async () => {
    const call = await offered({ noticeSeconds: 300 }, [4000], { notice: 'known' })
    expect(call.allocations.map(({ resourceId }) => resourceId)).toEqual(['battery-tied'])
    expect(call.candidates[0]?.conditions).toEqual({ noticeSeconds: 300 })
  })

  it('is left out while it rests after another call', async () => {
    const call = await offered({ restSeconds: 3600 }, [4000], { promisedFrom: -3600 })
    expect(skippedOf(call)).toMatchObject({
      reason: 'resting',
      detail: 'rests 3600 s between calls; 2700 s lie between this and another',
    })
  })

  it('is left out once it was called often enough that day', async () => {
    const call = await offered({ callsPerDayMax: 1 }, [4000], { promisedFrom: -6 * 3600 })
    expect(skippedOf(call)?.reason).toBe('calls-per-day')
    const stoodBy = { promisedFrom: -6 * 3600, role: 'reserve' } as const
    const unused = await offered({ callsPerDayMax: 1 }, [4000], stoodBy)
    expect(unused.allocations.map(({ resourceId }) => resourceId)).toEqual(['battery-tied'])
  })

  it('gets no part that is smaller than it takes, and says so where the order stays short', async () => {
    const call = await offered({ powerMinW: 4500 }, [9000])
    // 5 kW of it leave 4 kW to the other; below 4.5 kW it would give nothing.
    expect(call.orderedW).toEqual([9000])
    const least = await offered({ allOrNothing: true }, [4000, 4000])
    expect(least.orderedW).toEqual([4000, 4000])
    expect(skippedOf(least)).toMatchObject({ reason: 'not-needed' })
    const short = await offered({ powerMinW: 9000 }, [9000])
    expect(short.orderedW).toEqual([5000])
    expect(skippedOf(short)).toMatchObject({
      reason: 'part-refused',
      detail: 'gives at least 9000 W, which does not fit into what was left to order',
    })
  })

  it('stands in for nobody inside the window where it needs notice', async () => {
    const ties: OfferConditions[] = [{ noticeSeconds: 300 }, { restSeconds: 300 }]
    for (const conditions of ties) {
      const call = await offered(conditions, [4000], { notice: 'known', tiedPrice: 300_000n })
      expect(call.allocations.map(({ resourceId }) => resourceId)).toEqual(['battery-plain'])
      const said = conditions.noticeSeconds === undefined ? /stands in reserve/ : /no reserve/
      expect(skippedOf(call)?.detail).toMatch(said)
      const needs = needsOf(call).map((need) => ({ ...need, powerW: 1000 }))
      const { added } = await world.store.transaction((tx) =>
        takeFromReserve(call, needs, {
          tx,
          now: world.clock.now(),
          rows: new Map(),
          verdicts: new Map(),
        }),
      )
      const stands = conditions.noticeSeconds === undefined ? ['battery-tied'] : []
      expect(added.map(({ resourceId }) => resourceId)).toEqual(stands)
    }
  })
})

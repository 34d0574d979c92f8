import { afterEach, describe, expect, it } from 'vitest'
import type { CallId } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
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
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

describe('calls that two devices answer at one price', () => {
  let world: World
  afterEach(() => world.stop())

  /** One call of 4 kW over a quarter of an hour, accepted where it is offered. */
  async function called(start: Instant) {
    const request = aRequest([4000], { window: { start, end: addSeconds(start, 900) } })
    await world.passTo(addSeconds(start, -600), () => runVerifiers(world))
    const { call } = await requestFlexibility(world.ports(), dso, `key-${start}`, request)
    await world.passTo(addSeconds(start, -240))
    return acceptAsDso(world.ports(), call.id)
  }

  it('go to each in turn, and tell how evenly', async () => {
    world = createWorld({ start: at(-1200), ...aProgram() })
    await world.boot()
    const both = ['battery-a', 'battery-b'].map((id) => aResource(id, 'battery', 100_000n))
    await enrolAll(world, both, aProgram())
    for (const one of both) plugBattery(world, one, { storedWh: 9000 })
    await world.ports().wakeUps.notify('resources')
    const calls = [await called(at(0)), await called(at(3600)), await called(at(7200))]
    const who = calls.map(({ allocations }) => allocations.map(({ resourceId }) => resourceId))
    expect(who).toEqual([['battery-a'], ['battery-b'], ['battery-a']])
    expect(calls.map(({ allocatedBy }) => allocatedBy?.giniBp)).toEqual([undefined, 5000, 0])
    // 5 kW for a quarter of an hour were offered, 4 kW were called.
    expect(calls[1]?.candidates.map(({ calledBp }) => calledBp)).toEqual([undefined, 8000])
    expect(calls[0]?.candidates.map(({ offeredWh }) => offeredWh)).toEqual([1250, 1250])
  })

  it('go to each in turn too where their prices lie in one band; each is paid its own', async () => {
    const program = aProgram({ rotationBandBp: basisPoints(500) })
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    const both = [
      aResource('battery-a', 'battery', 100_000n),
      aResource('battery-b', 'battery', 104_000n),
    ]
    await enrolAll(world, both, program)
    for (const one of both) plugBattery(world, one, { storedWh: 9000 })
    await world.ports().wakeUps.notify('resources')
    const calls = [await called(at(0)), await called(at(3600))]
    const who = calls.map(({ allocations }) => allocations.map(({ resourceId }) => resourceId))
    expect(who).toEqual([['battery-a'], ['battery-b']])
    expect(calls[1]?.candidates).toMatchObject([
      { resourceId: 'battery-b', price: 104_000n, bandPrice: 100_000n },
      { resourceId: 'battery-a', price: 100_000n },
    ])
    await world.passTo(at(7200), () => runVerifiers(world))
    const last = await world.store.transaction((tx) => tx.calls.lock(calls[1]?.id as CallId))
    const line = last.settlement?.lines.find(({ resourceId }) => resourceId === both[1]?.id)
    // 1 kWh at its own 0.104 EUR.
    expect(line).toMatchObject({ eligibleWh: 1000, gross: 104_000n })
    expect(last.state).toBe('paid')
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import type { ResourceKind } from '#domain/resource.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery, plugCharger } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const program = aProgram({ meteringIntervalSeconds: 15, controlCycleSeconds: 15 })

let world: World
afterEach(() => world.stop())

/** Ordered devices give a share of the power that they are told to give, all window long. */
async function called(kind: ResourceKind, share: number, reserves: number) {
  world = createWorld({ start: at(-1200), ...program })
  await world.boot()
  const ordered = [0, 1, 2, 3].map((i) => aResource(`ordered-${i}`, kind, BigInt(100_000 + i)))
  const others = Array.from({ length: reserves }, (_, i) =>
    aResource(`reserve-${i}`, 'battery', BigInt(200_000 + i)),
  )
  await enrolAll(world, [...ordered, ...others], program)
  for (const one of ordered) {
    if (kind === 'battery') plugBattery(world, one, { storedWh: 9500, share })
    else await plugCharger(world, one, 7000, { share })
  }
  for (const one of others) plugBattery(world, one, { storedWh: 9500 })
  const askedW = kind === 'battery' ? 20_000 : 28_000
  const request = aRequest([askedW, askedW])
  const id = await orderedCall(world, request)
  await world.passTo(at(2000))
  const { settlement, repairs } = await world.store.transaction((tx) => tx.calls.lock(id))
  const { deliveredWh = 0, orderedWh = Number.NaN } = settlement ?? {}
  return { delivered: deliveredWh / orderedWh, reasons: repairs.map(({ reason }) => reason) }
}

describe('devices that give a part of what they are told', () => {
  it('are kept with that part where nobody can replace them', async () => {
    const { delivered, reasons } = await called('battery', 0.9, 0)
    expect(reasons).toEqual([])
    expect(delivered).toBeGreaterThan(0.88)
  })

  it('are kept, and the reserve gives the rest', async () => {
    const { delivered, reasons } = await called('battery', 0.9, 2)
    expect(reasons).toEqual([])
    expect(delivered).toBeGreaterThan(0.98)
  })

  it('are not held at a minimum because a little is left of a charger that was stopped', async () => {
    const { delivered, reasons } = await called('charger', 0.96, 2)
    expect(reasons).toEqual([])
    expect(delivered).toBeGreaterThan(0.98)
  })

  it('are let go and replaced where it is less than half', async () => {
    const { delivered, reasons } = await called('battery', 0.4, 4)
    expect(reasons).toEqual(['not-obeying', 'not-obeying', 'not-obeying', 'not-obeying'])
    expect(delivered).toBeGreaterThan(0.93)
  })
})

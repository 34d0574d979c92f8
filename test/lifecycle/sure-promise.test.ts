import { afterEach, describe, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, dso, enrolAll, WINDOW_START } from '../support/builders.ts'
import { importHabit, plugCar } from '../support/simulated-call.ts'

/* Sixteen chargers of 7,000 W each that may be stopped: 112 kW if every one of them obeys. */
const CHARGERS = 16

describe('a program that promises how often its orders come', { timeout: 60_000 }, () => {
  let world: World
  afterEach(() => world?.stop())

  async function offered(askedW: number, deliveryLevelBp?: number) {
    const program = aProgram(
      deliveryLevelBp === undefined ? {} : { deliveryLevelBp: basisPoints(deliveryLevelBp) },
    )
    world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
    await world.boot()
    const chargers = Array.from({ length: CHARGERS }, (_, i) =>
      aResource(`charger-${i}`, 'charger', 100_000n + BigInt(i)),
    )
    await enrolAll(world, chargers, program)
    for (const charger of chargers) {
      plugCar(world, charger, 7000)
      await importHabit(world, charger, 7000)
    }
    await world.ports().wakeUps.notify('resources')
    await world.passTo(addSeconds(WINDOW_START, -600))
    const request = aRequest([askedW, askedW])
    const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
    await world.passTo(addSeconds(WINDOW_START, -240))
    return world.store.transaction((tx) => tx.calls.lock(call.id))
  }

  it('cannot ask for certainty, or for less than half', async () => {
    world = createWorld({ start: WINDOW_START, ...aProgram() })
    await world.boot()
    await enrolAll(world, [])
    for (const level of [10_000, 4_999]) {
      const program = aProgram({ deliveryLevelBp: basisPoints(level) })
      await expect(saveProgram(world.ports(), program)).rejects.toThrow(/deliveryLevelBp/)
    }
  })

  it('orders all that is asked for where the others suffice as a reserve', async () => {
    const call = await offered(35_000, 9500)
    expect(call.orderedW).toEqual([35_000, 35_000])
    expect(call.allocations).toHaveLength(5)
    const reserve = call.skipped.filter(({ reason }) => reason === 'not-needed')
    expect(reserve).toHaveLength(CHARGERS - 5)
    expect(reserve[0]?.detail).toMatch(/cheaper resources cover the request/)
  })

  it('orders less than all where all of them rarely obey together, and keeps the rest in reserve', async () => {
    const call = await offered(112_000, 9500)
    const [first = 0, second] = call.orderedW
    expect(second).toBe(first)
    // The mean of nothing known is 0.93 reached of 0.93 given, 13.8 of 16; 5 of 100 times it is much less.
    expect(first).toBeGreaterThan(0.5 * 112_000)
    expect(first).toBeLessThan(0.93 * 0.93 * 112_000)
    const reserve = call.skipped.filter(({ reason }) => reason === 'not-needed')
    expect(call.allocations.length + reserve.length).toBe(CHARGERS)
    expect(reserve[0]?.detail).toMatch(/no more than this is sure enough/)
  })

  it('orders all where no chance was agreed', async () => {
    const call = await offered(112_000)
    expect(call.orderedW).toEqual([112_000, 112_000])
  })
})

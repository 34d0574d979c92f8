import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addSeconds, sameLocalTime } from '#domain/time.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, dso, enrolAll, WINDOW_START } from '../support/builders.ts'
import { plugCar } from '../support/simulated-call.ts'

/* A charger whose meter has a rhythm of its own: no value lies on a boundary of a settlement period. */
describe('a baseline from values that lie beside the boundaries', () => {
  let world: World
  const charger = aResource('charger', 'charger', 120_000n)

  beforeEach(async () => {
    world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...aProgram() })
    await world.boot()
    await enrolAll(world, [charger], aProgram())
    plugCar(world, charger, 7000)
    await world.ports().wakeUps.notify('resources')
  })
  afterEach(() => world.stop())

  /** On sixteen days before: 7000 W, one value each so many seconds, 7 s before each full one. */
  async function habit(everySeconds: number): Promise<void> {
    const readings = []
    for (let back = 1; back <= 16; back++) {
      for (let second = -everySeconds; second <= 900 + everySeconds; second += everySeconds) {
        const from = sameLocalTime(WINDOW_START, back, 'Europe/Amsterdam')
        const registerWh = 50_000 - back * 9000 + Math.round((7000 * second) / 3600)
        const at = addSeconds(from, second - 7)
        readings.push({ resourceId: charger.id, at, powerW: 7000, registerWh, socBp: null })
      }
    }
    await recordTelemetry(world.ports(), readings, 'measured')
  }

  async function offered() {
    await world.passTo(addSeconds(WINDOW_START, -600))
    const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([2000]))
    await world.passTo(addSeconds(WINDOW_START, -240))
    return world.store.transaction((tx) => tx.calls.find(call.id))
  }

  it('is none where the values lie further apart than a period', async () => {
    await habit(1000)
    expect((await offered())?.skipped).toMatchObject([{ reason: 'no-baseline' }])
  })

  it('stands on the straight line between two of them, and the charger is asked', async () => {
    await habit(60)
    const call = await offered()
    expect(call?.state).toBe('offered')
    expect(call?.candidates).toMatchObject([{ baselineW: [7000] }])
    expect(call?.allocations).toMatchObject([{ resourceId: charger.id }])
  })
})

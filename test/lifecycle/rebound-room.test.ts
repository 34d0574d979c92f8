import { afterEach, describe, expect, it } from 'vitest'
import { setCongestionRoom } from '#lifecycle/set-congestion-room.ts'
import type { World } from '#simulations/world.ts'
import { dso, north } from '../support/builders.ts'
import { at, END, type ReboundWorld, untilTheEnd } from '../support/rebound-call.ts'

let running: World | null = null
afterEach(async () => {
  await running?.stop()
  running = null
})

async function begin(...options: Parameters<typeof untilTheEnd>): Promise<ReboundWorld> {
  const begun = await untilTheEnd(...options)
  running = begun.world
  return begun
}

describe('after the window, where the congestion point has little room', () => {
  /** Beside 40 kW that flow there anyway. */
  const roomFor = (world: World, powerW: number) =>
    setCongestionRoom(world.ports(), dso, north, { limitW: 40_000 + powerW, baseLoadW: [40_000] })

  it('a plan within the room stands on the devices at every instant, until all are back', async () => {
    const { world, call } = await begin()
    await roomFor(world, 12_000)
    await world.passTo(at(END))
    const { rebound } = await call()
    if (rebound === undefined) throw new Error('there is a plan')
    expect(rebound).toMatchObject({ overshootW: 0, unreadyWh: 0, leftWh: 0 })
    const most = Math.max(...rebound.periods.map(({ powerW }) => powerW))
    expect(most).toBeLessThanOrEqual(12_000)
    expect(most).toBeGreaterThan(10_000)
    let seen = 0
    // Between the instants at which something changes.
    for (let seconds = END + 75; seconds <= END + 4 * 3600; seconds += 150) {
      await world.passTo(at(seconds))
      const now = at(seconds)
      for (const { resourceId, parts } of rebound.restarts) {
        const part = parts.find(({ start, end }) => start <= now && now < end)
        const wanted = part ? { kind: 'limited', powerW: part.limitW } : { kind: 'default' }
        expect(world.driver.device(resourceId).effective(now)).toEqual(wanted)
        if (part) seen += 1
      }
    }
    expect(seen).toBeGreaterThan(20)
    expect((await call()).rebound?.doneAt).not.toBeNull()
  })

  it('a car that leaves soon is charged although the room is passed, and the DSO is told at once', async () => {
    const leaves = { departureAt: at(END + 3600), energyNeededWh: 9000, endedAt: null }
    const session = { startedAt: at(-1200), startRegisterWh: 100_000, ...leaves }
    const { world, call } = await begin({ session })
    await roomFor(world, 1000)
    await world.passTo(at(END))
    const { rebound, id } = await call()
    expect(rebound?.overshootW).toBeGreaterThan(0)
    const events = await world.store.transaction((tx) => tx.events.ofCall(id))
    const told = events.find(({ kind }) => kind === 'rebound-planned')
    expect(told).toMatchObject({ notice: true, data: { overshootW: rebound?.overshootW } })
    expect(told?.message).toContain('the room is passed by')
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { canonicalJson } from '#domain/canonical.ts'
import { addSeconds } from '#domain/time.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, dso, enrolAll, WINDOW_START } from '../support/builders.ts'
import { plugBattery } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const cheap = aResource('battery-a', 'battery', 100_000n)
const dear = aResource('battery-b', 'battery', 200_000n)

/** Two batteries of 5 kW; the cheap one has 950 Wh above its reserve. */
describe('how a call was allocated', () => {
  let world: World
  afterEach(() => world.stop())

  async function offered(...askedW: number[]) {
    world = createWorld({ start: at(-1200), ...aProgram() })
    await world.boot()
    await enrolAll(world, [cheap, dear], aProgram())
    plugBattery(world, cheap, { storedWh: 3000 })
    plugBattery(world, dear)
    await world.ports().wakeUps.notify('resources')
    await world.passTo(at(-600))
    const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest(askedW))
    await world.passTo(at(-240))
    return world.store.transaction(async (tx) => ({
      call: await tx.calls.lock(call.id),
      terms: await tx.evidence.load(call.id, 0),
      told: (await tx.events.ofCall(call.id)).find(({ kind }) => kind === 'call-offered')?.message,
    }))
  }

  it('is told to the DSO with the offer, with what all resources together cannot serve', async () => {
    const { call, told } = await offered(12_000, 3000)
    // 5 kW of one, and what lasts a quarter of an hour of the other's 950 Wh.
    expect(call.orderedW).toEqual([8800, 3000])
    expect(call.allocatedBy?.unavoidableWh).toBe(800)
    expect(told).toMatch(/^offered .* W by 2 resources; .*; 800 Wh of the request are beyond all/)
  })

  it('stands in the terms whose hash the escrow carries', async () => {
    const { call, terms } = await offered(2000)
    expect(call.allocatedBy).toEqual({
      method: 'merit-order',
      because: 'merit order allocated: nothing within the limits costs less',
      unavoidableWh: 0,
    })
    expect(terms).toContain(`"allocatedBy":${canonicalJson(call.allocatedBy)}`)
  })

  it('keeps the energy of a short battery for the peak that needs it', async () => {
    const { call, told } = await offered(2000, 8000)
    expect(call.allocatedBy?.method).toBe('greedy')
    expect(call.orderedW).toEqual([2000, 8000])
    expect(told).toBe(
      'offered 2000 / 8000 W by 2 resources; the exact greedy allocated: every limit holds for the whole window',
    )
  })
})

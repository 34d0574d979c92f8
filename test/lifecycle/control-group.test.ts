import { afterEach, describe, expect, it } from 'vitest'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { controlGroupOf } from '#domain/control-group.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { type Checks, parseBundle, verifyBundle } from '#domain/verification.ts'
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
import { importHabit, plugCar } from '../support/simulated-call.ts'

/*
 * Ten chargers with a habit of 7,000 W, of which a fifth is held out of each call. In this call's
 * window every car draws 6,300 W: the baseline of those that nobody called is a ninth too high.
 */
const checks: Checks = {
  gateway: verifySimulatedSignature,
  meter: () => ({ result: 'cannot-be-verified', detail: 'no meter signs here' }),
}

describe('the control group', () => {
  let world: World
  afterEach(() => world.stop())

  async function play() {
    const program = aProgram({ controlGroupBp: basisPoints(2000) })
    world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
    await world.boot()
    const chargers = Array.from({ length: 10 }, (_, i) => {
      return aResource(`charger-${i}`, 'charger', 100_000n + BigInt(i))
    })
    await enrolAll(world, chargers, program)
    for (const charger of chargers) {
      plugCar(world, charger, 6300)
      await importHabit(world, charger, 7000)
    }
    await world.ports().wakeUps.notify('resources')
    await world.passTo(addSeconds(WINDOW_START, -600))
    const request = aRequest([60_000, 60_000])
    const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
    await world.passTo(addSeconds(WINDOW_START, -240))
    await acceptAsDso(world.ports(), call.id)
    await world.passTo(addSeconds(WINDOW_START, 1920))
    return world.store.transaction(async (tx) => ({
      call: await tx.calls.lock(call.id),
      bundle: parseBundle((await tx.evidence.load(call.id, 1)) ?? ''),
      ids: chargers.map(({ id }) => id),
    }))
  }
  const refusals = (forged: EvidenceBundle) =>
    verifyBundle(bundleText(forged), checks).map(({ line }) => line)

  it('is ordered nothing although the order cannot be met without it, and is told why', async () => {
    const { call, ids } = await play()
    const chosen = [...controlGroupOf(call.id, ids, basisPoints(2000))].sort()
    expect(chosen).toHaveLength(2)
    const skipped = call.skipped.filter(({ reason }) => reason === 'control-group')
    expect(skipped.map(({ resourceId }) => resourceId)).toEqual(chosen)
    expect(call.allocations).toHaveLength(8)
    expect(call.candidates.some(({ resourceId }) => chosen.includes(resourceId))).toBe(false)
    for (const id of chosen) expect(world.driver.device(id).received).toEqual([])
  })

  it('publishes what its baselines said and what its meters told', async () => {
    const { call, bundle } = await play()
    // Two cars, half an hour: 7,000 W by the baseline, 6,300 W metered.
    const control = { devices: 2, baselineWh: 7000, meteredWh: 6300, biasWh: 700, biasBp: 1111 }
    expect(call.settlement?.control).toEqual(control)
    expect(bundle.settlement.control).toEqual(control)
    expect(refusals(bundle)).toEqual([])
  })

  it('cannot be made to look better, nor be chosen by hand', async () => {
    const { bundle } = await play()
    const { settlement, terms } = bundle
    const { control: _none, ...silent } = settlement
    expect(refusals({ ...bundle, settlement: silent })).toEqual(['total control'])
    const swapped = { ...terms, control: terms.candidates.slice(0, 2) }
    const lines = refusals({ ...bundle, terms: swapped })
    expect(lines).toContain('terms hash')
    expect(lines.filter((line) => line.startsWith('control group'))).toHaveLength(2)
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { hashOf } from '#domain/canonical.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import type { CallId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const charger = aResource('charger', 'charger', 120_000n)
const battery = aResource('battery', 'battery', 200_000n)

let world: World
afterEach(() => world.stop())

/** Told to come down by 200 W of 7 kW, a car that does not is still within its tolerance. */
async function hardlyAsked(disobeys: boolean) {
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  await enrolAll(world, [charger, battery], aProgram())
  await plugCharger(world, charger, 7000, { disobeys })
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([200, 200]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  return () => world.store.transaction((tx) => tx.calls.lock(call.id))
}

async function bundleOf(id: CallId) {
  const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
  return parseBundle(text ?? '')
}

function differing(bundle: EvidenceBundle) {
  const checks = { gateway: verifySimulatedSignature, meter: world.ports().checkMeterSignature }
  return verifyBundle(bundleText(bundle), checks).map(({ line }) => line)
}

/** The same call as one that was ordered before terms promised a log of corrections. */
function orderedBeforeTheLog(bundle: EvidenceBundle): EvidenceBundle {
  const { correctionLog: _none, ...terms } = bundle.terms
  const escrow = { ...bundle.escrow.terms, termsHash: hashOf(terms) }
  return { ...bundle, terms, escrow: { ...bundle.escrow, terms: escrow } }
}

/** The cheapest is ordered 2 kW and then 4 kW, and gives nothing; two others can give 2 kW each. */
async function replacedByTwo() {
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  const rating = { ...battery.rating, exportMaxW: 2000 }
  const [first, second] = [250_000n, 300_000n].map((price, i) =>
    aResource(`stands-in-${i}`, 'battery', price, { rating }),
  ) as [Resource, Resource]
  await enrolAll(world, [battery, first, second], aProgram())
  plugBattery(world, battery, { disobeys: true })
  plugBattery(world, first)
  plugBattery(world, second)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([2000, 4000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  return { id: call.id, first, second }
}

describe('a device that stands in from a later settlement period on', () => {
  it('follows from the log: verifiers sign what it and the others gave', async () => {
    const { id, first, second } = await replacedByTwo()
    await world.passTo(at(600))
    const found = () => world.store.transaction((tx) => tx.calls.lock(id))
    const { corrections = [], allocations } = await found()
    expect(corrections.map(({ resourceId, fromW, toW }) => [resourceId, fromW, toW])).toEqual([
      [battery.id, 2000, 0],
      [first.id, 0, 2000],
      [second.id, 0, 0],
    ])
    const late = allocations.find(({ resourceId }) => resourceId === second.id)
    expect(late?.periods.map(({ start, powerW }) => [start, powerW])).toEqual([[at(900), 2000]])
    await world.passTo(at(2400))
    await runVerifiers(world)
    await world.passTo(at(2460))
    expect(differing(await bundleOf(id))).toEqual([])
    expect((await found()).state).toBe('verified')
  })

  it('is not called by a log that was begun too late to tell of all: none is kept then', async () => {
    const { id } = await replacedByTwo()
    await world.passTo(at(30))
    const dispatched = await world.store.transaction(async (tx) => {
      const { corrections, ...older } = await tx.calls.lock(id)
      await tx.calls.save(older)
      return corrections
    })
    expect(dispatched).toEqual([])
    await world.passTo(at(2400))
    const bundle = await bundleOf(id)
    expect(bundle.allocations).toHaveLength(3)
    expect(bundle.corrections).toBeUndefined()
    expect(differing(orderedBeforeTheLog(bundle))).toEqual([])
  })
})

describe('what all devices together lack', () => {
  it('is nothing where each gives what it was told: nobody is told anything new', async () => {
    const call = await hardlyAsked(false)
    await world.passTo(at(600))
    expect(await call()).toMatchObject({ repairs: [] })
    expect((await call()).corrections).toEqual([])
  })

  it('comes from the reserve, though no single device can be said not to obey', async () => {
    const call = await hardlyAsked(true)
    await world.passTo(at(600))
    const { repairs, corrections, allocations } = await call()
    expect(repairs).toEqual([])
    expect(corrections).toEqual([
      {
        at: expect.any(Number),
        resourceId: battery.id,
        reason: 'reserve',
        fromW: 0,
        toW: 200,
        errorW: 200,
        makeUpW: 0,
      },
    ])
    const part = allocations.find(({ resourceId }) => resourceId === battery.id)
    expect(part).toMatchObject({ role: 'repair', releasedAt: null })
    expect(part?.periods.map(({ powerW, setpointW }) => [powerW, setpointW])).toEqual([
      [200, -200],
      [200, -200],
    ])
  })

  it('is evidence: verifiers sign a bundle whose parts follow from it, and no other', async () => {
    const call = await hardlyAsked(true)
    await world.passTo(at(2400))
    await runVerifiers(world)
    await world.passTo(at(2460))
    const { id, state } = await call()
    expect(state).toBe('verified')
    const bundle = await bundleOf(id)
    expect(bundle.corrections).toHaveLength(1)
    const lines = (changes: Partial<EvidenceBundle>) => differing({ ...bundle, ...changes })
    const told = bundle.corrections ?? []
    expect(lines({})).toEqual([])
    expect(lines({ corrections: told.map((one) => ({ ...one, toW: 300 })) })).toEqual([
      `correction ${battery.id}`,
    ])
    expect(lines({ corrections: [] })).toEqual([`correction ${battery.id}`])
  })

  it('cannot be left out of the evidence of a call whose terms promise it', async () => {
    const call = await hardlyAsked(true)
    await world.passTo(at(2400))
    const { corrections: _left, ...without } = await bundleOf((await call()).id)
    const checks = { gateway: verifySimulatedSignature, meter: world.ports().checkMeterSignature }
    expect(verifyBundle(bundleText(without), checks)).toEqual([
      { line: 'corrections', expected: 'the log that the terms promise, version 2', got: 'none' },
    ])
    expect(differing(orderedBeforeTheLog(without))).toEqual([])
    // Struck out of the terms too, they are not those that the money was locked for.
    const { correctionLog: _struck, ...terms } = without.terms
    expect(differing({ ...without, terms })).toEqual(['terms hash'])
  })

  it('is not read where the terms promise a log of another version', async () => {
    const call = await hardlyAsked(true)
    await world.passTo(at(2400))
    const bundle = await bundleOf((await call()).id)
    const terms = { ...bundle.terms, correctionLog: 3 as never }
    expect(differing({ ...bundle, terms })).toEqual(['terms hash', 'correction log'])
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { hasCurves } from '#domain/armed-curve.ts'
import { canonicalJson } from '#domain/canonical.ts'
import { siteId } from '#domain/ids.ts'
import type { Candidate } from '#domain/allocation.ts'
import { bundleText, type OrderEvidence, parseEvidence } from '#domain/evidence.ts'
import { effectDifferences } from '#domain/network/check-effects.ts'
import type { Program } from '#domain/program.ts'
import { addSeconds } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { saveFeeder } from '#lifecycle/save-feeder.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  north,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'
import { FREQUENCY, VOLTAGE } from '../support/standby-world.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

/** A long street behind a transformer: who stands at its end relieves the transformer of more. */
const street = {
  name: 'long street',
  baseKv: 0.4,
  root: 'station',
  buses: [
    { id: 'station' },
    { id: 'busbar' },
    { id: 'near', loadKw: 30, loadKvar: 6 },
    { id: 'far', loadKw: 40, loadKvar: 8 },
    { id: 'other', loadKw: 20 },
  ],
  branches: [
    { id: 'transformer', from: 'station', to: 'busbar', rOhm: 0.01, xOhm: 0.03 },
    { from: 'busbar', to: 'near', rOhm: 0.02, xOhm: 0.01 },
    { from: 'near', to: 'far', rOhm: 0.12, xOhm: 0.05 },
    { from: 'station', to: 'other', rOhm: 0.05, xOhm: 0.02 },
  ],
  resources: [
    { id: 'battery-far', bus: 'far' },
    { id: 'battery-other', bus: 'other' },
  ],
  sites: [{ id: 'site-near', bus: 'near' }],
}
const near = aResource('battery-near', 'battery', 100_000n, { siteId: siteId('site-near') })
const far = aResource('battery-far', 'battery', 105_000n)
const other = aResource('battery-other', 'battery', 50_000n)
const lost = aResource('battery-lost', 'battery', 300_000n)

describe('a call behind a feeder', () => {
  let world: World
  afterEach(() => world.stop())

  async function offered(
    askedW: readonly number[],
    disobeying?: string,
    changes: Partial<Program> = {},
  ) {
    const all = [near, far, other, lost]
    const program = aProgram(changes)
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, all, program)
    const sees = hasCurves(program)
      ? { frequencyMilliHz: () => 50_000, voltageBp: () => 10_000 }
      : {}
    for (const one of all) {
      plugBattery(world, one, one.id === disobeying ? { disobeys: true } : sees)
    }
    await world.ports().wakeUps.notify('resources')
    await saveFeeder(world.ports(), dso, north, { branch: 'transformer', feeder: street })
    await world.passTo(at(-600))
    const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest(askedW))
    await world.passTo(at(-240))
    return world.store.transaction((tx) => tx.calls.lock(call.id))
  }

  it('leaves out what does not lie behind the branch that is short', async () => {
    const call = await offered([4000])
    expect(call.candidates.map(({ resourceId }) => resourceId)).not.toContain(other.id)
    expect(call.skipped).toContainEqual({
      resourceId: other.id,
      reason: 'no-effect',
      detail: 'it does not lie behind transformer, the branch that is short',
    })
  })

  it.each([
    ['frequency', FREQUENCY],
    ['voltage', VOLTAGE],
  ])('weighs nobody who answers the %s by what a watt does at the branch', async (_of, changes) => {
    const call = await offered([3000], undefined, changes)
    expect(call.skipped.map(({ reason }) => reason)).not.toContain('no-effect')
    expect(call.candidates.map(({ effectBp }) => effectBp)).toEqual(Array(4).fill(undefined))
    // The cheapest of all.
    expect(call.allocations.map(({ resourceId }) => resourceId)).toEqual([other.id])
    expect(call.orderedW).toEqual([3000])
    expect(call.network).toBeUndefined()
  })

  it('takes first who costs least per watt there, and orders there what was asked for', async () => {
    const call = await offered([4000])
    const effectOf = (id: string) => {
      return call.candidates.find(({ resourceId }) => resourceId === id)?.effectBp
    }
    const [nearBp = 0, farBp = 0] = [effectOf(near.id), effectOf(far.id)]
    expect(nearBp).toBeGreaterThan(10_000)
    expect(farBp).toBeGreaterThan(nearBp * 1.05)
    expect(effectOf(lost.id)).toBeUndefined()
    // The far one asks 5 % more per kWh and does more than that at the branch.
    const [part] = call.allocations
    expect(call.allocations).toHaveLength(1)
    expect(part?.resourceId).toBe(far.id)
    const powerW = part?.periods[0]?.powerW ?? 0
    expect(powerW).toBeLessThan(4000)
    expect(call.orderedW).toEqual([Math.trunc((powerW * farBp) / 10_000)])
    expect(call.orderedW[0]).toBeGreaterThanOrEqual(3999)
    expect(call.orderedW[0]).toBeLessThanOrEqual(4000)
  })

  it('fixes feeder and effects in the terms', async () => {
    const call = await offered([4000])
    const terms = await world.store.transaction((tx) => tx.evidence.load(call.id, 0))
    expect(call.network).toMatchObject({ feederVersion: 1, branchId: 'transformer', unplaced: 1 })
    expect(terms).toContain(`"network":${canonicalJson(call.network)}`)
    expect(terms).toMatch(/"effectBp":1\d{4}/)
  })

  it('shows whoever has the feeder that its effects follow from it', async () => {
    const { id } = await offered([4000])
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 0))
    const { terms } = parseEvidence(text ?? '') as OrderEvidence
    expect(effectDifferences(terms, street)).toEqual([])
    const found = (change: (one: Candidate) => Partial<Candidate>) => {
      const candidates = terms.candidates.map((one) => ({ ...one, ...change(one) }))
      return effectDifferences({ ...terms, candidates }, street).map(({ line }) => line)
    }
    const claimed = (ids: readonly string[]) =>
      found(({ resourceId, effectBp }) =>
        ids.includes(resourceId) ? { effectBp: (effectBp ?? 10_000) + 1 } : {},
      )
    expect(claimed([far.id])).toEqual(['terms.candidates.battery-far.effectBp'])
    expect(claimed([near.id, lost.id]).sort()).toEqual([
      'terms.candidates.battery-lost.effectBp',
      'terms.candidates.battery-near.effectBp',
    ])
    // What another place would do counts for nobody: each stands where its site stands.
    const [nearBp, farBp] = [near.id, far.id].map(
      (id) => terms.candidates.find(({ resourceId }) => resourceId === id)?.effectBp ?? 0,
    )
    const moved = (id: string, change: Partial<Candidate>) =>
      found(({ resourceId }) => (resourceId === id ? change : {}))
    expect(moved(lost.id, { effectBp: nearBp ?? 0 })).toEqual([
      'terms.candidates.battery-lost.effectBp',
    ])
    expect(moved(near.id, { effectBp: farBp ?? 0 })).toEqual([
      'terms.candidates.battery-near.effectBp',
    ])
    expect(moved(near.id, { siteId: lost.siteId })).toEqual([
      'terms.candidates.battery-near.effectBp',
    ])
    expect(moved(near.id, { siteId: undefined as never })).toEqual([
      'terms.candidates.battery-near.siteId',
    ])
    const [another] = effectDifferences(terms, { ...street, name: 'another street' })
    expect(another?.line).toBe('terms.network.feederHash')
    const { network: _network, ...without } = terms
    expect(effectDifferences(without, street)[0]?.line).toBe('terms.network')
  })

  it('holds terms that name no site against the effects of all sites', async () => {
    const { id } = await offered([4000])
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 0))
    const { terms } = parseEvidence(text ?? '') as OrderEvidence
    const candidates = terms.candidates.map(({ siteId: _siteId, ...one }) => one)
    const older = { ...terms, candidates }
    expect(candidates.map(({ resourceId }) => resourceId)).toContain(near.id)
    expect(effectDifferences(older, street)).toEqual([])
    const nearBp = candidates.find(({ resourceId }) => resourceId === near.id)?.effectBp ?? 0
    const effects = { [near.id]: nearBp + 1, [lost.id]: nearBp, [far.id]: nearBp }
    const wrong = candidates.map((one) => ({ ...one, effectBp: effects[one.resourceId] ?? 0 }))
    const found = effectDifferences({ ...terms, candidates: wrong }, street)
    expect(found.map(({ line }) => line).sort()).toEqual([
      'terms.candidates.battery-far.effectBp',
      'terms.candidates.battery-near.effectBp',
    ])
    expect(found.find(({ line }) => line.includes('near'))?.expected).toBe(`none or ${nearBp}`)
  })

  it('is delivered and verified at the branch, also where another stands in', async () => {
    const { id } = await offered([4000, 4000], far.id)
    await acceptAsDso(world.ports(), id)
    await world.passTo(at(1800 + 150))
    const call = await world.store.transaction((tx) => tx.calls.lock(id))
    expect(call.repairs).toMatchObject([{ resourceId: far.id, replacedBy: [near.id] }])
    const [failed, instead] = [far.id, near.id].map((one) =>
      call.allocations.find(({ resourceId }) => resourceId === one),
    )
    // Less effect per watt: more of them.
    const givenW = instead?.periods.at(-1)?.powerW ?? 0
    expect(givenW).toBeGreaterThan(failed?.periods.at(-1)?.powerW ?? 0)
    expect(call.state).toBe('measured')
    const { settlement } = call
    const orderedWh = call.orderedW.reduce((sum, w) => sum + Math.trunc(w / 4), 0)
    expect(settlement?.orderedWh).toBe(orderedWh)
    const atDevices = settlement?.lines.reduce((sum, line) => sum + line.deliveredWh, 0) ?? 0
    expect(settlement?.deliveredWh).toBeGreaterThan(atDevices)
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    const { terms, ...bundle } = parseBundle(text ?? '')
    const candidates = terms.candidates.map(({ siteId: _siteId, ...one }) => one)
    const checks = { gateway: verifySimulatedSignature, meter: world.ports().checkMeterSignature }
    const linesOf = (changed: typeof terms) =>
      verifyBundle(bundleText({ ...bundle, terms: changed }), checks).map(({ line }) => line)
    expect(linesOf(terms)).toEqual([])
    expect(linesOf({ ...terms, candidates })).toContain('terms hash')
    await runVerifiers(world)
    await world.passTo(at(1800 + 210))
    const verified = await world.store.transaction((tx) => tx.calls.lock(id))
    expect(verified.state).toBe('verified')
  })
})

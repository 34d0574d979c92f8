import { afterEach, describe, expect, it } from 'vitest'
import { verifyBundle } from '#domain/verification.ts'
import type { EvidenceBundle } from '#domain/evidence.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { canonicalJson } from '#domain/canonical.ts'
import { parseEvidence } from '#domain/evidence.ts'
import { measure } from '#domain/measurement.ts'
import type { Program } from '#domain/program.ts'
import type { Resource } from '#domain/resource.ts'
import { readingHash } from '#domain/telemetry.ts'
import { addSeconds, sameLocalTime } from '#domain/time.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  baselineMethod,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { plugCar } from '../support/simulated-call.ts'

let world: World
afterEach(() => world.stop())

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

/** Registers of the weeks before, from four hours before the window to its end. */
async function importDays(resource: Resource, powerW: number, days = 16): Promise<void> {
  const readings = []
  for (let back = 1; back <= days; back++) {
    for (let quarter = -16; quarter <= 4; quarter++) {
      const instant = sameLocalTime(at(quarter * 900), back, 'Europe/Amsterdam')
      const registerWh = 50_000 - back * 2000 + Math.round((powerW * (quarter + 16)) / 4)
      readings.push({ resourceId: resource.id, at: instant, powerW, registerWh, socBp: null })
    }
  }
  await recordTelemetry(world.ports(), readings, 'imported')
}

type Car = { readonly usual: number; readonly today: number; readonly asked?: boolean }

/** Chargers that drew `usual` on every day before and draw `today` now; `asked`: there is a car. */
async function start(program: Program, cars: readonly Car[]): Promise<void> {
  world = createWorld({ start: at(-5 * 3600), ...program })
  await world.boot()
  const chargers = cars.map((_, i) => aResource(`charger-${i}`, 'charger', BigInt(120_000 + i)))
  await enrolAll(world, chargers, program)
  for (const [i, charger] of chargers.entries()) {
    const { usual, today, asked = true } = cars[i] as Car
    if (asked) plugCar(world, charger, today)
    else world.driver.plug(charger.id, { kind: 'charger', naturalW: today })
    await importDays(charger, usual)
  }
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
}

/** One call, measured. */
async function play(
  program: Program,
  cars: readonly Car[],
  requestedW: number,
): Promise<{ call: FlexibilityCall; bundle: EvidenceBundle; text: string }> {
  await start(program, cars)
  const request = aRequest([requestedW, requestedW])
  const { call: posted } = await requestFlexibility(world.ports(), dso, 'key-1', request)
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), posted.id)
  await world.passTo(at(1800 + 121))
  return world.store.transaction(async (tx) => {
    const call = await tx.calls.lock(posted.id)
    const text = (await tx.evidence.load(call.id, 1)) ?? ''
    return { call, text, bundle: parseEvidence(text) as EvidenceBundle }
  })
}

const check = (text: string) =>
  verifyBundle(text, {
    gateway: verifySimulatedSignature,
    meter: world.ports().checkMeterSignature,
  })

describe('a level of the call’s own day', () => {
  it('is read from what is committed as the window begins, and recomputed by a verifier', async () => {
    const program = aProgram({ chargerBaseline: baselineMethod('mean-10-of-10-add-1h-no-gap') })
    const { bundle, text } = await play(program, [{ usual: 4000, today: 6000 }], 5000)
    const baselines = bundle.deliveries.map(({ baselineWh }) => baselineWh)
    expect(baselines).toEqual([1500, 1500]) // 4000 W and 2000 W more, for a quarter of an hour
    expect(bundle.before.every((reading) => reading.at < WINDOW_START)).toBe(true)
    expect(bundle.before).toHaveLength(4) // the fifth boundary is the window's first instant
    expect(check(text)).toEqual([])
  })

  it('cannot be moved by whoever changes a reading of it later', async () => {
    const program = aProgram({ chargerBaseline: baselineMethod('mean-10-of-10-add-1h-no-gap') })
    const { bundle } = await play(program, [{ usual: 4000, today: 6000 }], 5000)
    const before = bundle.before.map((reading) => {
      const forged = { ...reading, registerWh: reading.registerWh - 1 }
      return { ...forged, hash: readingHash(forged) }
    })
    const lines = check(canonicalJson({ ...bundle, before })).map(({ line }) => line)
    expect(lines).toContain('window start commitment')
  })
})

describe('a fleet that is settled as a whole', () => {
  const program = aProgram({ chargerBaseline: baselineMethod('state-based-ev') })

  it('has the shape of its days at the level of its own meters', async () => {
    const cars = [
      { usual: 3000, today: 6000 },
      { usual: 3000, today: 4000 },
    ]
    const { bundle, text } = await play(program, cars, 8000)
    const baselineWh = bundle.deliveries.reduce((sum, d) => sum + d.baselineWh, 0)
    expect(baselineWh).toBe(2 * 2500) // 10 kW before the window, flat on the days before
    expect(check(text)).toEqual([])
  })

  it('takes off what members draw that were not ordered to move', async () => {
    const cars = [
      { usual: 3000, today: 6000 },
      { usual: 3000, today: 3000, asked: false },
    ]
    const { bundle, text } = await play(program, cars, 5000)
    const [ordered] = bundle.deliveries
    expect(bundle.allocations).toHaveLength(1)
    expect(ordered?.baselineWh).toBe(1500) // 9 kW of the fleet without the 3 kW of the other
    expect(check(text)).toEqual([])
  })

  it('keeps its members from another call at the same time, ordered to move or not', async () => {
    const cars = [
      { usual: 3000, today: 6000 },
      { usual: 3000, today: 4000 },
    ]
    await start(program, cars)
    const ask = async (key: string) =>
      (await requestFlexibility(world.ports(), dso, key, aRequest([3000, 3000]))).call.id
    const [first, second] = [await ask('key-1'), await ask('key-2')]
    await world.passTo(at(-240))
    const [one, other] = await world.store.transaction(async (tx) => [
      await tx.calls.lock(first),
      await tx.calls.lock(second),
    ])
    expect([one?.state, other?.state].toSorted()).toEqual(['declined', 'offered'])
    const declined = one?.state === 'declined' ? one : other
    expect(declined?.skipped.map(({ reason }) => reason)).toEqual([
      'already-promised',
      'already-promised',
    ])
    expect(declined?.skipped[1]?.detail).toMatch(/belongs to a fleet that call .+ settles/)
  })

  it('has no baseline, and pays nothing, for a device whose level is not known', async () => {
    const { bundle, call, text } = await play(program, [{ usual: 3000, today: 6000 }], 5000)
    const id = call.allocations[0]?.resourceId
    const blind = { ...bundle, before: [] }
    expect(measure(blind).filter((d) => d.resourceId === id)).toEqual(
      bundle.deliveries.map((d) => ({ ...d, baselineWh: 0, measuredWh: null, deliveredWh: 0 })),
    )
    expect(check(text)).toEqual([])
  })
})

describe('a day on which a resource was called', () => {
  it('is named in the terms and is no measure of its habit', async () => {
    const program = aProgram()
    const { bundle } = await play(program, [{ usual: 4000, today: 4000 }], 3000)
    const [candidate] = bundle.terms.candidates
    expect(candidate?.baseline.callDays).toEqual([])
    const called = {
      ...bundle,
      terms: {
        ...bundle.terms,
        candidates: bundle.terms.candidates.map((c) => ({
          ...c,
          baseline: { ...c.baseline, callDays: ['2026-01-13'] },
        })),
      },
    }
    const lines = check(canonicalJson(called)).map(({ line }) => line)
    expect(lines).toContain('baseline charger-0: days')
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { bundleText } from '#domain/evidence.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds, sameLocalTime } from '#domain/time.ts'
import { type Checks, parseBundle, verifyBundle } from '#domain/verification.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
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
import { plugCar, plugCharger, runVerifiers } from '../support/simulated-call.ts'

/*
 * Two chargers of a call. One owner sold a month of records twice: on two days the meter tells the
 * same figures to the Wh, over the hours before the window and the window itself.
 */
describe('a finding', () => {
  let world: World
  afterEach(() => world.stop())

  async function play() {
    const program = aProgram()
    world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
    await world.boot()
    const honest = aResource('honest', 'charger', 120_000n)
    const copied = aResource('copied', 'charger', 130_000n)
    await enrolAll(world, [honest, copied], program)
    await plugCharger(world, honest, 7000)
    plugCar(world, copied, 7000)
    await importDays(copied)
    await world.ports().wakeUps.notify('resources')
    await world.passTo(addSeconds(WINDOW_START, -600))
    const request = aRequest([12_000, 12_000])
    const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
    await world.passTo(addSeconds(WINDOW_START, -240))
    await acceptAsDso(world.ports(), call.id)
    await world.passTo(addSeconds(WINDOW_START, 1920))
    return { id: call.id, honest, copied }
  }

  /** Three hours and the window of sixteen days; the third is the sixth again. */
  async function importDays({ id }: Resource): Promise<void> {
    const readings = []
    for (let back = 1; back <= 16; back++) {
      const figures = back === 3 ? 6 : back
      let registerWh = 90_000 - back * 3000
      for (let quarter = -12; quarter <= 2; quarter++) {
        const at = sameLocalTime(addSeconds(WINDOW_START, quarter * 900), back, 'Europe/Amsterdam')
        readings.push({ resourceId: id, at, powerW: null, registerWh, socBp: null })
        registerWh += quarter < 0 ? 10 + ((figures * 7 + quarter * quarter) % 13) : 1750
      }
    }
    await recordTelemetry(world.ports(), readings, 'imported')
  }

  it('holds its own line and nobody else’s, and the owner is told why', async () => {
    const { id, honest, copied } = await play()
    const { settlement, escrow } = await world.store.transaction((tx) => tx.calls.lock(id))
    const line = (resource: Resource) =>
      settlement?.lines.find(({ resourceId }) => resourceId === resource.id)
    expect(line(honest)).toMatchObject({ reason: 'paid', held: 0n })
    expect(line(honest)?.gross).toBeGreaterThan(0n)
    expect(line(copied)).toMatchObject({
      reason: 'held',
      gross: 0n,
      heldFor: ['repeated-readings'],
      findings: [{ code: 'repeated-readings', severity: 'hold', detail: { figures: 14 } }],
    })
    expect(line(copied)?.held).toBeGreaterThan(0n)
    const { payout = 0n, fee = 0n, held = 0n, refund = 0n } = settlement ?? {}
    expect(payout + fee + held + refund).toBe(escrow?.terms.amount)

    const [told] = await explainEarnings(world.ports(), { kind: 'owner', ownerId: copied.ownerId })
    expect(told).toMatchObject({ status: 'held', held: line(copied)?.held, amount: 0n })
    expect(told?.sentence).toContain('stay in escrow until somebody has looked')
    expect(told?.sentence).toContain('the same figures on two days')
  })

  it('is in the evidence, and a bundle that leaves it out is refused', async () => {
    const { id, copied } = await play()
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    const bundle = parseBundle(text ?? '')
    const checks: Checks = {
      gateway: verifySimulatedSignature,
      meter: () => ({ result: 'cannot-be-verified', detail: 'no meter signs here' }),
    }
    const check = (forged: string) => verifyBundle(forged, checks)
    expect(check(bundleText(bundle))).toEqual([])
    expect(bundle.stated).toMatchObject([{ resourceId: copied.id, code: 'repeated-readings' }])
    const silenced = { ...bundle, stated: [] }
    const lines = check(bundleText(silenced)).map(({ line }) => line)
    expect(lines[0]).toBe(`line ${copied.id}`)
    expect(lines).toContain('total payout')
  })

  it('lets the others be paid while it waits', async () => {
    const { id, honest } = await play()
    await runVerifiers(world)
    await world.passTo(addSeconds(WINDOW_START, 3600), () => runVerifiers(world))
    const call = await world.store.transaction((tx) => tx.calls.lock(id))
    expect(call.state).toBe('paid')
    const receipts = await world.store.transaction((tx) => tx.payouts.receipts({}))
    expect(receipts.map(({ ownerId }) => ownerId)).toEqual([honest.ownerId])
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import { decisionsOf } from '#domain/decision.ts'
import { type CallId, organisationId } from '#domain/ids.ts'
import { stoodBy } from '#domain/measurement.ts'
import type { PaymentPolicy } from '#domain/payment-policy.ts'
import type { Program } from '#domain/program.ts'
import { reservedWhOf } from '#domain/standby.ts'
import { addSeconds, secondsBetween } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { correctionViews } from '#http/correction-view.ts'
import { activateReserve } from '#lifecycle/activate-reserve.ts'
import { cancelCall } from '#lifecycle/cancel-call.ts'
import { followReserve } from '#lifecycle/follow-reserve.ts'
import { invoiceDso } from '#lifecycle/invoice-dso.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, dso, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'
import { STANDBY_POLICY, AVAILABILITY as STANDING_BY } from '../support/standby-world.ts'
import { withOwnEscrow } from '../support/tampered-bundle.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const battery = aResource('battery', 'battery', 200_000n)
const dearer = aResource('dearer', 'battery', 250_000n)

/** What stands by is paid by what was delivered of what was activated. */
const POLICY: PaymentPolicy = {
  ...STANDBY_POLICY,
  availability: { ...STANDBY_POLICY.availability, scaledByDelivery: true },
}
const AVAILABILITY = { ...STANDING_BY, paymentPolicy: POLICY } as const

describe('a call for availability', () => {
  let world: World
  afterEach(() => world?.stop())

  /** 3 kW are reserved for half an hour, 1,500 Wh, and the escrow is locked. */
  async function reserved(
    changes: Partial<Program> = AVAILABILITY,
    device: Partial<SimulatedDeviceOptions> = {},
  ) {
    const program = aProgram(changes)
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, [battery, dearer], program)
    plugBattery(world, battery, device)
    plugBattery(world, dearer)
    const id = await orderedCall(world, aRequest([3000, 3000]))
    await world.passTo(at(-30))
    return id
  }
  /** What is said of the first battery: to the DSO at once, in its decisions, and in the log. */
  async function saidOf(id: CallId) {
    const call = await found(id)
    const events = await world.store.transaction((tx) => tx.events.ofCall(id))
    const decisions = decisionsOf(call).find(({ resourceId }) => resourceId === battery.id)
    return {
      event: events.find(({ kind }) => kind === 'resource-not-obeying')?.message,
      decision: decisions?.final.detail,
      log: correctionViews(call, null).map(({ sentence }) => sentence),
    }
  }
  const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))
  const activate = (id: CallId, from: number, until: number, by = dso) =>
    activateReserve(world.ports(), by, id, { start: at(from), end: at(until) })
  async function settled(id: CallId) {
    await world.passTo(at(1950))
    await runVerifiers(world)
    await world.passTo(at(2010))
    return found(id)
  }

  it('needs a policy that pays for standing by, and a notice only where there is an activation', async () => {
    await reserved()
    const save = (version: number, changes: Partial<Program>) =>
      saveProgram(world.ports(), aProgram({ version, ...changes }))
    const unpaid = save(2, { product: 'availability' })
    await expect(unpaid).rejects.toThrow(/paymentPolicy.availability: expected per-kwh-ordered/)
    const idle = save(2, { activationNoticeSeconds: 60 })
    await expect(idle).rejects.toThrow(/activationNoticeSeconds: expected none/)
    await save(2, AVAILABILITY)
  })

  it('costs what it does at the congestion point, where devices are paid by their own meters', async () => {
    const call = await found(await reserved())
    const [one] = call.allocations
    if (one === undefined) throw new Error('nothing stands by')
    const figures = (effectsBp: Readonly<Record<string, number>>, allocations = [one]) => {
      const candidates = call.candidates.map((candidate) => {
        const effectBp = effectsBp[candidate.resourceId]
        return effectBp === undefined ? candidate : { ...candidate, effectBp }
      })
      return followReserve(world.ports(), { ...call, candidates, allocations })
    }
    const [standbyPrice, price] = [20_000n, 200_000n]
    const plain = { heldW: 3000, standbyPrice, leastPrice: price, mostPrice: price }
    expect(figures({})).toMatchObject(plain)
    expect(figures({ battery: 8000 })).toMatchObject({
      heldW: 2400,
      standbyPrice: 25_000n,
      leastPrice: 250_000n,
      mostPrice: 250_000n,
    })
    // Half of it at 0.7, half at 1.25: the dearer one costs less where it counts.
    const both = [one, { ...one, resourceId: dearer.id }]
    expect(figures({ battery: 7000, dearer: 12_500 }, both)).toMatchObject({
      heldW: 5850,
      standbyPrice: 20_513n,
      leastPrice: 200_000n,
      mostPrice: 285_715n,
    })
    expect(figures({}, [])).toMatchObject({ heldW: 0, standbyPrice: 20_000n })
  })

  it('is not activated by others, off the raster, outside its window, too late or twice at once', async () => {
    const id = await reserved()
    const refused = (from: number, until: number, code: string) =>
      expect(activate(id, from, until)).rejects.toMatchObject({ code })
    const stranger = activate(id, 600, 1200, organisationId('other-dso'))
    await expect(stranger).rejects.toMatchObject({ code: 'not-found' })
    await refused(601, 1200, 'window-not-aligned')
    await refused(600, 1215, 'window-not-aligned')
    await refused(-30, 600, 'malformed')
    await refused(600, 1830, 'malformed')
    await refused(600, 600, 'malformed')
    await world.passTo(at(300))
    await refused(390, 600, 'notice-too-short')
    await activate(id, 600, 900)
    await refused(870, 1200, 'duplicate')
    await activate(id, 600, 900) // the same again is one
    await activate(id, 900, 1200)
    expect((await found(id)).activations).toHaveLength(2)
    await world.passTo(at(1830))
    await refused(1500, 1800, 'wrong-state')
  })

  it('of an ordinary program cannot be activated', async () => {
    const id = await reserved({})
    await expect(activate(id, 600, 900)).rejects.toMatchObject({ code: 'wrong-state' })
  })

  it('moves nothing until it is activated, and is paid for standing by', async () => {
    const id = await reserved()
    await world.passTo(at(1800))
    expect(world.driver.device(battery.id).received).toHaveLength(0)
    const { state, settlement, escrow } = await settled(id)
    expect(state).toBe('verified')
    // 1,500 Wh at the cap of 0.45 EUR and 0.02 EUR more, and 2 % on it.
    expect(escrow?.terms.amount).toBe(719_100n)
    expect(settlement).toMatchObject({ orderedWh: 0, deliveredWh: 0, deficientWh: 0 })
    expect(settlement?.lines).toMatchObject([{ reason: 'stood-by', gross: 30_000n }])
  })

  it('gives its power from start to end of an activation, and is paid for both', async () => {
    const id = await reserved()
    await world.passTo(at(300))
    await activate(id, 600, 1200)
    await world.passTo(at(570))
    expect(world.driver.device(battery.id).received).toHaveLength(0)
    await world.passTo(at(630))
    expect(world.driver.device(battery.id).received).toMatchObject([
      { powerW: -3000, validUntil: at(1200) },
    ])
    const { state, settlement } = await settled(id)
    expect(state).toBe('verified')
    // 3 kW for ten minutes at 0.20 EUR, and 1,500 Wh that stood by at 0.02 EUR.
    expect(settlement).toMatchObject({ orderedWh: 500, deliveredWh: 500, deficientWh: 0 })
    expect(settlement?.lines).toMatchObject([{ reason: 'paid', gross: 130_000n }])
    const [row] = await world.store.transaction((tx) => tx.setpoints.current([battery.id]))
    expect(row).toMatchObject({ powerW: null })
  })

  it('replaces who does not come, and pays it for neither', async () => {
    const id = await reserved(AVAILABILITY, { disobeys: true })
    await activate(id, 600, 1800)
    const { settlement, repairs } = await settled(id)
    expect(repairs).toMatchObject([
      { resourceId: battery.id, orderedW: 3000, replacedBy: [dearer.id] },
    ])
    expect(await saidOf(id)).toEqual({
      event: 'battery was to move 3000 W and is measured at 0 W (not-obeying)',
      decision: 'was to move 3000 W, measured at 0 W',
      log: [
        'was let go: its meter did not show the 3000 W that it was told to give',
        'was called from the reserve to stand by with 3000 W: less was left than is held',
      ],
    })
    const [first, second] = settlement?.lines ?? []
    expect(first).toMatchObject({ reason: 'not-obeying', gross: 0n })
    expect(second).toMatchObject({ resourceId: dearer.id, reason: 'paid' })
    expect(second?.gross).toBeGreaterThan(0n)
  })

  it('replaces who falls silent while it stands by, and whoever talks keeps its place', async () => {
    const id = await reserved(AVAILABILITY, { silentFrom: at(300) })
    await world.passTo(at(390))
    expect((await found(id)).repairs).toEqual([])
    await world.passTo(at(900))
    const { repairs } = await found(id)
    expect(repairs).toMatchObject([
      { resourceId: battery.id, reason: 'silent', orderedW: 0, replacedBy: [dearer.id] },
    ])
    expect(await saidOf(id)).toEqual({
      event: 'battery stood by and is measured at 0 W (silent)',
      decision: 'stood by, measured at 0 W',
      log: [
        'was let go: nothing was heard of it while it stood by with 3000 W',
        'was called from the reserve to stand by with 3000 W: less was left than is held',
      ],
    })
    // Until it was let go, not for the half hour: 3 kW.
    const letGo = secondsBetween(WINDOW_START, repairs[0]?.detectedAt ?? at(1800))
    expect(letGo).toBeLessThan(900)
    expect(reservedWhOf(await found(id), battery.id)).toBe(Math.trunc((3000 * letGo) / 3600))
    await activate(id, 1200, 1800)
    const { settlement, repairs: after, allocations } = await settled(id)
    expect(after).toHaveLength(1)
    expect(after[0]?.restoredAt).not.toBeNull()
    const stands = allocations.map(({ resourceId, releasedAt }) => [
      resourceId,
      releasedAt === null,
    ])
    expect(stands).toEqual([
      [battery.id, false],
      [dearer.id, true],
    ])
    const [silent, talks] = settlement?.lines ?? []
    expect(silent?.gross).toBe(0n)
    // 3 kW for ten minutes: what was activated is there.
    expect(talks).toMatchObject({ resourceId: dearer.id, reason: 'paid', deliveredWh: 500 })
  })

  it('that is cancelled inside its window stood by until then', async () => {
    const id = await reserved()
    await world.passTo(at(1200))
    await cancelCall(world.ports(), dso, id, null)
    // 3 kW for twenty minutes, and not the 1,500 Wh of the window.
    expect(reservedWhOf(await found(id), battery.id)).toBe(1000)
    const invoice = await invoiceDso(world.ports(), dso, '2026-01', '')
    const [table] = invoice.tables
    const column = table?.columns.findIndex(({ key }) => key === 'reserved_wh') ?? -1
    expect(table?.rows.map((cells) => cells[column])).toEqual([1000])
  })

  it('is recomputed by whoever verifies it, from when it was activated', async () => {
    const id = await reserved()
    await activate(id, 600, 1200)
    await world.passTo(at(1950))
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    if (text === null) throw new Error('no evidence')
    const { checkMeterSignature: meter } = world.ports()
    const checks = { gateway: verifySimulatedSignature, meter }
    expect(verifyBundle(text, checks)).toEqual([])
    const bundle = parseBundle(text)
    const lines = (changes: Partial<typeof bundle>) =>
      verifyBundle(bundleText({ ...bundle, ...changes }), checks).map(({ line }) => line)
    expect(lines({ activations: [] })).toContain('total payout')
    const late = { start: at(600), end: at(1200), orderedAt: at(600) }
    expect(lines({ activations: [late] })).toContain('activation 2026-01-14T16:10:00Z')
    const { activations: _none, ...without } = bundle
    const differing = verifyBundle(bundleText(without), checks).map(({ line }) => line)
    expect(differing).toContain('activations')
  })

  it('is judged by the rule of its terms, and by the first where they name none', async () => {
    const id = await reserved()
    await world.passTo(at(1950))
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    if (text === null) throw new Error('no evidence')
    const bundle = parseBundle(text)
    expect(bundle.terms.standbyRule).toBe(3)
    const { standbyRule: _none, ...first } = bundle.terms
    // 760 Wh are stored above its reserve, of which it gives 722.
    const storedWh = bundle.readings.find(({ socBp }) => socBp !== null)?.socBp ?? 0
    const isReady = (terms: EvidenceBundle['terms']) => {
      const candidates = terms.candidates.map((one) => {
        return { ...one, rating: { ...one.rating, reserveWh: storedWh - 760 } }
      })
      const changed = { ...bundle, terms: { ...terms, candidates } }
      const { standby = [] } = stoodBy(changed, bundle.deliveries)
      return standby.map((one) => one.isReady)
    }
    expect(isReady(bundle.terms)).toEqual([false, false])
    expect(isReady(first)).toEqual([true, true])
    const { checkMeterSignature: meter } = world.ports()
    const checks = { gateway: verifySimulatedSignature, meter }
    const lines = (terms: EvidenceBundle['terms']) => {
      const other = withOwnEscrow({ ...bundle, terms }, () => bundle.escrow.requestId)
      return verifyBundle(bundleText(other), checks).map(({ line }) => line)
    }
    expect(lines(first)).toEqual([])
    expect(lines({ ...bundle.terms, standbyRule: 2 })).toEqual([])
    expect(lines({ ...first, standbyRule: 4 as never })).toEqual(['stand-by rule'])
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import type { CallId } from '#domain/ids.ts'
import { completeBundle } from '#domain/measurement.ts'
import type { PaymentCurve } from '#domain/payment-policy.ts'
import { addSeconds } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { correctionViews } from '#http/correction-view.ts'
import { activateReserve } from '#lifecycle/activate-reserve.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, dso, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'
import { AVAILABILITY, STANDBY_POLICY } from '../support/standby-world.ts'
import { withOwnEscrow } from '../support/tampered-bundle.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const battery = aResource('battery', 'battery', 200_000n)
const dearer = aResource('dearer', 'battery', 250_000n)
const charger = aResource('charger', 'charger', 100_000n)
const FLAT: PaymentCurve = STANDBY_POLICY.curve
/** Half of the order is paid by half. */
const RISING: PaymentCurve = [
  { deliveredBp: 0, payBp: 0 },
  { deliveredBp: 10_000, payBp: 10_000 },
]

describe('a part of what stands by', () => {
  let world: World
  afterEach(() => world?.stop())

  /** 8 kW are held for half an hour, 5 of them by the cheaper battery; a minute before. */
  async function reserved(
    device: Partial<SimulatedDeviceOptions> = {},
    { others = [dearer], heldW = 8000, scaledByDelivery = false, curve = FLAT } = {},
  ) {
    const { availability } = STANDBY_POLICY
    const paymentPolicy = {
      ...STANDBY_POLICY,
      curve,
      availability: { ...availability, scaledByDelivery },
    }
    const program = aProgram({ ...AVAILABILITY, paymentPolicy })
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, [battery, ...others], program)
    plugBattery(world, battery, device)
    for (const one of others) {
      if (one.kind === 'battery') plugBattery(world, one)
      else await plugCharger(world, one, 7000)
    }
    const request = aRequest([heldW, heldW])
    const id = await orderedCall(world, request)
    await world.passTo(at(-60))
    return id
  }
  const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))
  const activate = (id: CallId, from: number, until: number, powerW?: number) =>
    activateReserve(world.ports(), dso, id, {
      start: at(from),
      end: at(until),
      ...(powerW === undefined ? {} : { powerW }),
    })
  const powersAt = async (seconds: number) => {
    await world.passTo(at(seconds))
    return [battery, dearer].map(({ id }) => world.driver.device(id).received.at(-1)?.powerW ?? 0)
  }
  async function settled(id: CallId) {
    await world.passTo(at(1950))
    await runVerifiers(world)
    await world.passTo(at(2010))
    return found(id)
  }

  it('is refused beyond what is held, off the steps, and twice with another power', async () => {
    const id = await reserved()
    const refused = (powerW: number, expected: RegExp) =>
      expect(activate(id, 600, 1200, powerW)).rejects.toMatchObject({
        code: 'malformed',
        problems: [{ field: 'powerW', expected: expect.stringMatching(expected) }],
      })
    await refused(8100, /at most the 8000 W that are held/)
    await refused(0, /whole hundreds of W/)
    await refused(250, /whole hundreds of W/)
    await activate(id, 600, 1200, 3000)
    await activate(id, 600, 1200, 3000) // the same again is one
    expect((await found(id)).activations).toHaveLength(1)
    const other = activate(id, 600, 1200, 4000)
    await expect(other).rejects.toMatchObject({ code: 'duplicate' })
    const whole = activate(id, 600, 1200)
    await expect(whole).rejects.toMatchObject({ code: 'duplicate' })
  })

  it('is refused where devices cannot give it together, with the most below it', async () => {
    const id = await reserved({}, { others: [charger], heldW: 7000 })
    expect((await found(id)).allocations.map(({ resourceId }) => resourceId)).toEqual([charger.id])
    await expect(activate(id, 600, 1200, 6500)).rejects.toThrow(/powerW: expected 5600 W, the most/)
    await activate(id, 600, 1200, 5600)
    await activate(id, 1200, 1800, 7000)
  })

  it('is refused where only all of it can be given, and all of it is told to be the way', async () => {
    const cheaper = aResource('cheaper', 'battery', 100_000n)
    const offer = { ...cheaper.offer, conditions: { allOrNothing: true } }
    const others = [{ ...cheaper, offer }]
    const id = await reserved({}, { others, heldW: 5000 })
    const { allocations } = await found(id)
    expect(allocations.map(({ resourceId }) => resourceId)).toEqual([cheaper.id])
    await expect(activate(id, 600, 1200, 4000)).rejects.toThrow(/or nothing for all that is held/)
    await activate(id, 600, 1200)
  })

  it('is given where what is held is no whole step, and what is told as the most is taken', async () => {
    // 5,037 W are held: 4,937 by one and a whole step by the other.
    const id = await reserved({}, { heldW: 5037 })
    const { allocations } = await found(id)
    expect(allocations.map(({ periods }) => periods[0]?.powerW)).toEqual([4937, 100])
    const most = /at most 5000 of the 5037 W that are held/
    await expect(activate(id, 600, 1200, 5100)).rejects.toThrow(most)
    await activate(id, 600, 1200, 5000)
    expect(await powersAt(630)).toEqual([-4900, -100])
  })

  it('is given in merit order and paid, and the others are paid for going on standing by', async () => {
    const id = await reserved()
    await activate(id, 300, 600, 1200)
    await activate(id, 1200, 1500, 6000)
    expect(await powersAt(330)).toEqual([-1200, 0])
    expect(world.driver.device(dearer.id).received).toHaveLength(0)
    expect(await powersAt(1230)).toEqual([-5000, -1000])
    const { state, settlement } = await settled(id)
    expect(state).toBe('verified')
    // 1.2 kW for five minutes, then 6 kW for five: of 8 kW that were held all the time.
    expect(settlement).toMatchObject({ orderedWh: 600, deliveredWh: 600, deficientWh: 0 })
    const [first, second] = settlement?.lines ?? []
    // 2,500 Wh at 0.02 EUR, and what was used at 0.20 EUR.
    expect(first).toMatchObject({ reason: 'paid', orderedWh: 516, gross: 153_200n })
    expect(second).toMatchObject({ reason: 'paid', orderedWh: 83, gross: 50_750n })
  })

  it('leaves who was not needed as one that stood by', async () => {
    const id = await reserved()
    await activate(id, 600, 900, 1200)
    const { settlement } = await settled(id)
    expect(settlement?.lines).toMatchObject([
      { resourceId: battery.id, reason: 'paid', deliveredWh: 100, gross: 70_000n },
      { resourceId: dearer.id, reason: 'stood-by', deliveredWh: 0, gross: 30_000n },
    ])
  })

  it('does not cost the others their stand-by where it does not come', async () => {
    const id = await reserved({ disobeys: true }, { scaledByDelivery: true })
    await activate(id, 600, 660, 100)
    const { state, settlement } = await settled(id)
    expect(state).toBe('verified')
    // The call was too short to let go of it: 1 of its 2,500 Wh was called and did not come.
    expect(settlement?.lines).toMatchObject([
      { resourceId: battery.id, reason: 'nothing-delivered', deliveredWh: 0, gross: 49_980n },
      { resourceId: dearer.id, reason: 'stood-by', gross: 30_000n },
    ])
    const { ownerId } = battery
    const [line] = await explainEarnings(world.ports(), { kind: 'owner', ownerId })
    expect(line?.sentence).toMatch(/nothing is paid for delivery: .* delivered nothing; 0\.\d+ EUR/)
  })

  it('is judged as held in a period in which a charger gives a part of it', async () => {
    const others = [charger]
    const id = await reserved({}, { others, heldW: 7000, scaledByDelivery: true, curve: RISING })
    await activate(id, 300, 600, 5600)
    await activate(id, 1200, 1500)
    const { settlement } = await settled(id)
    // Ordered were 466 and 583 Wh, at 0.10 EUR; 3,500 Wh stood by, at 0.02 EUR.
    expect(settlement?.lines).toMatchObject([
      { resourceId: charger.id, reason: 'paid', eligibleWh: 1049, gross: 174_900n },
    ])
  })

  it('costs who gives too little of it no more than that part of its stand-by', async () => {
    // Half of what it is told: it keeps its part, and its meter counts.
    const id = await reserved({ share: 0.5 }, { scaledByDelivery: true, curve: RISING })
    await activate(id, 600, 900, 1200)
    const { state, settlement } = await settled(id)
    expect(state).toBe('verified')
    // 100 of its 2,500 Wh were called, of which half came: 50 Wh at half of 0.20 EUR. Half of those
    // 100 Wh and all of the others are paid for standing by, at 0.02 EUR.
    expect(settlement?.lines).toMatchObject([
      { resourceId: battery.id, orderedWh: 100, deliveredWh: 50, gross: 54_000n },
      { resourceId: dearer.id, reason: 'stood-by', gross: 30_000n },
    ])
  })

  it('is taken over by who stands by where somebody does not come', async () => {
    const id = await reserved({ disobeys: true })
    await activate(id, 600, 1800, 3000)
    expect(await powersAt(630)).toEqual([-3000, 0])
    expect((await powersAt(900))[1]).toBe(-3000)
    const { settlement, repairs } = await settled(id)
    // It holds 5 kW and was told to give 3 of them.
    expect(repairs).toMatchObject([{ resourceId: battery.id, orderedW: 3000 }])
    const [letGo] = correctionViews(await found(id), null)
    expect(letGo).toMatchObject({ resourceId: battery.id, fromW: 5000, toW: 0 })
    expect(letGo?.sentence).toBe(
      'was let go: its meter did not show the 3000 W that it was told to give',
    )
    const [silent, took] = settlement?.lines ?? []
    expect(silent).toMatchObject({ reason: 'not-obeying', gross: 0n })
    expect(took).toMatchObject({ resourceId: dearer.id, reason: 'paid' })
    expect(took?.deliveredWh).toBeGreaterThan(750)
  })

  it('is recomputed by the rule of its terms, also by the one before', async () => {
    const id = await reserved({ share: 0.5 }, { scaledByDelivery: true, curve: RISING })
    await activate(id, 600, 900, 1200)
    await world.passTo(at(1950))
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    const bundle = parseBundle(text ?? '')
    const { checkMeterSignature: meter } = world.ports()
    const differing = (one: EvidenceBundle) => {
      const other = withOwnEscrow(one, () => bundle.escrow.requestId)
      const checks = { gateway: verifySimulatedSignature, meter }
      return verifyBundle(bundleText(other), checks).map(({ line }) => line)
    }
    const grossOf = ({ settlement: { lines } }: EvidenceBundle) => lines.map(({ gross }) => gross)
    const before = completeBundle({ ...bundle, terms: { ...bundle.terms, standbyRule: 2 } })
    // Half of the call came, so half of all that it held is paid: 2,500 Wh at 0.02 EUR.
    expect(grossOf(before)).toEqual([30_000n, 30_000n])
    expect(differing(before)).toEqual([])
    expect(grossOf(bundle)).toEqual([54_000n, 30_000n])
    expect(differing(bundle)).toEqual([])
    const mixed = { ...before, terms: bundle.terms }
    expect(differing(mixed)).toEqual([
      `line ${battery.id}`,
      'total payout',
      'total fee',
      'total refund',
    ])
  })

  it('is recomputed by whoever verifies it', async () => {
    const id = await reserved()
    await activate(id, 600, 1200, 1200)
    await world.passTo(at(1950))
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    if (text === null) throw new Error('no evidence')
    const { checkMeterSignature: meter } = world.ports()
    const checks = { gateway: verifySimulatedSignature, meter }
    const bundle = parseBundle(text)
    const lines = (changes: Partial<EvidenceBundle> = {}) =>
      verifyBundle(bundleText({ ...bundle, ...changes }), checks).map(({ line }) => line)
    expect(lines()).toEqual([])
    const [one] = bundle.activations ?? []
    if (one === undefined) throw new Error('no activation')
    expect(lines({ activations: [{ ...one, powerW: 600 }] })).toContain('total payout')
    const more = lines({ activations: [{ ...one, powerW: 9000 }] })
    expect(more).toContain('activation 2026-01-14T16:10:00Z')
  })
})

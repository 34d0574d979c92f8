import { afterEach, describe, expect, it } from 'vitest'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import { completeBundle } from '#domain/measurement.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { curvePolicy } from '#domain/payment-policies.ts'
import { addSeconds } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery } from '../support/simulated-call.ts'
import { withOwnEscrow } from '../support/tampered-bundle.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const weak = aResource('weak', 'battery', 200_000n)
const other = aResource('other', 'battery', 250_000n)

describe('a call with a penalty per kWh', () => {
  let world: World
  afterEach(() => world?.stop())

  /** All of 10 kW for a quarter of an hour; of its half the weak one gives a half. */
  async function measured(price: bigint | null): Promise<EvidenceBundle> {
    const paymentPolicy = curvePolicy([
      { deliveredBp: 0, payBp: 10_000 },
      { deliveredBp: 10_000, payBp: 10_000 },
    ])
    const program = aProgram({ paymentPolicy })
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, [weak, other], program)
    plugBattery(world, weak, { share: 0.5 })
    plugBattery(world, other)
    const penalty =
      price === null ? null : ({ kind: 'per-kwh', price: microEurPerKwh(price) } as const)
    const id = await orderedCall(world, aRequest([10_000], penalty === null ? {} : { penalty }))
    await world.passTo(at(1050))
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    return parseBundle(text ?? '')
  }
  const differing = (bundle: EvidenceBundle) => {
    const checks = { gateway: verifySimulatedSignature, meter: world.ports().checkMeterSignature }
    const { requestId } = bundle.escrow
    const text = bundleText(withOwnEscrow(bundle, () => requestId))
    return verifyBundle(text, checks).map(({ line }) => line)
  }
  const paid = ({ settlement: { lines } }: EvidenceBundle) =>
    lines.map(({ resourceId, gross, reason }) => [resourceId, gross, reason])

  it('takes it from who fell short, and leaves who delivered its order what it earned', async () => {
    const bundle = await measured(100_000n)
    // 625 of 1,250 Wh at 0.20 EUR, less 625 Wh at 0.10; 1,250 Wh at 0.25 EUR.
    expect(paid(bundle)).toEqual([
      [weak.id, 62_500n, 'paid'],
      [other.id, 312_500n, 'paid'],
    ])
    expect(bundle.settlement).toMatchObject({ deficientWh: 625, penalty: 62_500n })
    expect(differing(bundle)).toEqual([])
  })

  it('tells an owner of whom it took all', async () => {
    expect(paid(await measured(1_000_000n))).toEqual([
      [weak.id, 0n, 'penalised'],
      [other.id, 312_500n, 'paid'],
    ])
    const earner = { kind: 'owner', ownerId: weak.ownerId } as const
    const [line] = await explainEarnings(world.ports(), earner)
    expect(line?.sentence).toMatch(/nothing is paid: .* 625 Wh of 1250 Wh ordered, and the penalty/)
  })

  it('is recomputed by the rule of its terms, also by the one before', async () => {
    const bundle = await measured(100_000n)
    expect(bundle.terms.penaltyRule).toBe(2)
    const { penaltyRule: _none, ...terms } = bundle.terms
    const before = completeBundle({ ...bundle, terms })
    expect(paid(before)).toEqual([
      [weak.id, 107_142n, 'paid'],
      [other.id, 267_857n, 'paid'],
    ])
    expect(differing(before)).toEqual([])
    expect(differing({ ...bundle, terms })).toContain(`line ${other.id}`)
    const unknown = { ...bundle, terms: { ...terms, penaltyRule: 3 as never } }
    expect(differing(unknown)).toContain('penalty rule')
  })

  it('is the only one whose terms name such a rule', async () => {
    expect((await measured(null)).terms).not.toHaveProperty('penaltyRule')
  })
})

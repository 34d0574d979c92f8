import { afterEach, describe, expect, it } from 'vitest'
import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { type FrequencyRecording, progressed } from '#domain/arming.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import type { CallId } from '#domain/ids.ts'
import { completeBundle } from '#domain/measurement.ts'
import type { Program } from '#domain/program.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { changeConsent } from '#lifecycle/change-limits.ts'
import { emergencyStop } from '#lifecycle/emergency-stop.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, dso, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'
import { FREQUENCY, STANDBY_POLICY } from '../support/standby-world.ts'
import { withOwnEscrow } from '../support/tampered-bundle.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const battery = aResource('battery', 'battery', 200_000n)
const plain = aResource('plain', 'battery', 100_000n)
const dearer = aResource('dearer', 'battery', 250_000n)

/** For five minutes the frequency is 200 mHz below the dead band, and later as much above it. */
function frequencyMilliHz(now: Instant): number {
  if (now >= at(600) && now < at(900)) return 49_780
  return now >= at(1200) && now < at(1500) ? 50_220 : 50_000
}

describe('a call for frequency response', () => {
  let world: World
  afterEach(() => world?.stop())

  /** 3 kW are reserved for half an hour, 1,500 Wh. */
  async function reserved(changes: Partial<SimulatedDeviceOptions> = {}, others = [plain]) {
    const program = aProgram(FREQUENCY)
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, [battery, ...others], program)
    plugBattery(world, battery, { frequencyMilliHz, ...changes })
    for (const other of others)
      plugBattery(world, other, other === plain ? {} : { frequencyMilliHz })
    const id = await orderedCall(world, aRequest([3000, 3000]))
    await world.passTo(at(-30))
    return id
  }
  const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))
  async function settled(id: CallId) {
    await world.passTo(at(1950))
    await runVerifiers(world)
    await world.passTo(at(2010))
    return found(id)
  }

  it('needs a curve, and a curve needs it', async () => {
    await reserved()
    const { frequency } = FREQUENCY
    const save = (changes: Partial<Program>) =>
      saveProgram(
        world.ports(),
        aProgram({ version: 2, paymentPolicy: STANDBY_POLICY, ...changes }),
      )
    await expect(save({ product: 'frequency-response' })).rejects.toThrow(/frequency: expected/)
    await expect(save({ frequency })).rejects.toThrow(/frequency: expected a droop curve where/)
    const wild = { ...frequency, droop: { ...frequency.droop, droopUnderBp: 0 } }
    const none = save({ product: 'frequency-response', frequency: wild })
    await expect(none).rejects.toThrow(/frequency.droop.droopUnderBp/)
    await save(FREQUENCY)
  })

  it('takes only who answers the frequency by itself, and is armed from start to end', async () => {
    const id = await reserved()
    const { skipped, allocations } = await found(id)
    expect(allocations.map(({ resourceId }) => resourceId)).toEqual([battery.id])
    expect(skipped).toMatchObject([{ resourceId: plain.id, reason: 'no-capability' }])
    const armings = () => world.store.transaction((tx) => tx.armings.ofCall(id))
    expect(await armings()).toEqual([])
    await world.passTo(at(30))
    expect(await armings()).toMatchObject([
      { reservedW: 3000, armedAt: at(0), validUntil: at(1800), refusal: null, recording: null },
    ])
    await world.passTo(at(1830))
    const [arming] = await armings()
    expect(arming?.recording?.at).toHaveLength(1800)
  })

  it('pays for the time in which the recording follows the curve, and verifiers agree', async () => {
    const { state, settlement } = await settled(await reserved())
    expect(state).toBe('verified')
    expect(settlement?.lines).toMatchObject([{ reason: 'stood-by', gross: 30_000n }])
  })

  it('pays less where the device slept through the dip', async () => {
    const { settlement } = await settled(await reserved({ disobeys: true }))
    // Five minutes of thirty, but for the two seconds that it may take.
    expect(settlement?.lines[0]?.gross).toBe(25_020n)
  })

  it('disarms a device that its owner takes back, at once, and arms another one', async () => {
    const id = await reserved({}, [dearer])
    await world.passTo(at(300))
    const owner = { organisationId: battery.aggregatorId, ownerId: battery.ownerId }
    await changeConsent(world.ports(), owner, battery.id, false)
    await world.passTo(at(360))
    const [taken, armed] = await world.store.transaction((tx) => tx.armings.ofCall(id))
    expect(taken).toMatchObject({ resourceId: battery.id, validUntil: at(300) })
    expect(taken?.recording?.at.at(-1)).toBe(at(300))
    expect(armed).toMatchObject({ resourceId: dearer.id, armedAt: at(330), validUntil: at(1800) })
    await world.passTo(at(900))
    const inTheDip = (of: typeof battery) =>
      world.store.transaction((tx) => tx.readings.between([of.id], at(630), at(901)))
    expect((await inTheDip(battery)).map(({ powerW }) => powerW)).toEqual(Array(10).fill(0))
    expect((await inTheDip(dearer)).at(-1)?.powerW).toBe(-3000)
    const { settlement, repairs } = await settled(id)
    expect(repairs).toMatchObject([{ reason: 'owner-limit', replacedBy: [dearer.id] }])
    // Of 3 kW from 360 s on, 1,200 Wh; nothing for a settlement period that was broken off.
    expect(settlement?.lines.map(({ gross }) => gross)).toEqual([0n, 24_000n])
  })

  it('is taken back by an emergency stop, whatever the frequency', async () => {
    const id = await reserved()
    await world.passTo(at(300))
    const by = { organisationId: dso, role: 'dso' } as const
    const everywhere = { congestionPointId: battery.congestionPointId, reason: 'smoke' }
    await emergencyStop(world.ports(), by, everywhere)
    await world.passTo(at(900))
    const readings = await world.store.transaction((tx) =>
      tx.readings.between([battery.id], at(330), at(901)),
    )
    expect(readings.map(({ powerW }) => powerW)).toEqual(Array(20).fill(0))
    expect((await found(id)).cancelledAt).toBe(at(300))
  })

  it('takes no recording into its evidence that the gateway did not sign', async () => {
    const id = await reserved()
    await world.passTo(at(1800))
    await world.store.transaction(async (tx) => {
      const [arming] = await tx.armings.ofCall(id)
      if (!arming?.recording) throw new Error('no recording')
      const powerW = arming.recording.powerW.with(100, -3000)
      await tx.armings.progress(id, battery.id, { recording: { ...arming.recording, powerW } })
    })
    const { settlement } = await settled(id)
    expect(settlement?.lines[0]?.gross).toBe(0n)
    const { armings } = await evidenceOf(id)
    expect(armings).toMatchObject([{ resourceId: battery.id, recording: null }])
    expect(armings?.[0]?.refusal).toMatch(/^recording.powerW: expected 0x/)
  })

  it('has evidence that verifiers refuse where a sample was changed, with the field', async () => {
    const id = await reserved()
    await world.passTo(at(1950))
    const bundle = await evidenceOf(id)
    expect(linesOf(bundle)).toEqual([])
    const recorded = recordingOf(bundle)
    const changed = (changes: Partial<FrequencyRecording>) => {
      const recording = { ...recorded, ...changes }
      const armings = bundle.armings?.map((one) => progressed(one, { recording })) ?? []
      return completeBundle({ ...bundle, armings })
    }
    const frequencyMilliHz = recorded.frequencyMilliHz.with(650, 49_779)
    expect(linesOf(changed({ frequencyMilliHz }))).toEqual(['recording battery: frequencyMilliHz'])
    const earlier = recorded.at.with(0, at(-1))
    expect(linesOf(changed({ at: earlier }))).toEqual(['recording battery: at'])
    const { signed: _, ...bare } = recordingOf(bundle)
    const unsigned = bundle.armings?.map((one) => progressed(one, { recording: bare })) ?? []
    expect(linesOf({ ...bundle, armings: unsigned })).toEqual(['recording battery: signed'])
  })

  it('has evidence that holds as before where it was ordered before recordings were signed', async () => {
    const id = await reserved()
    await world.passTo(at(1950))
    const bundle = await evidenceOf(id)
    const { recordingsSigned, ...terms } = bundle.terms
    expect(recordingsSigned).toBe(true)
    const whole = recordingOf(bundle)
    const { signed: _, ...recording } = whole
    const armings = bundle.armings?.map((one) => progressed(one, { recording })) ?? []
    const old = withOwnEscrow({ ...bundle, terms, armings }, () => bundle.escrow.requestId)
    expect(linesOf(old)).toEqual([])
    // What a gateway did sign is checked all the same.
    const changed = { ...whole, powerW: whole.powerW.with(3, 1) }
    const forged = armings.map((one) => progressed(one, { recording: changed }))
    expect(linesOf({ ...old, armings: forged })).toContain('recording battery: powerW')
  })

  it('finds out a recording that its meter contradicts', async () => {
    const id = await reserved()
    await world.passTo(at(1950))
    const bundle = await evidenceOf(id)
    const [arming] = bundle.armings ?? []
    if (!arming?.recording) throw new Error('no recording')
    const { recording } = arming
    const idle = { ...recording, frequencyMilliHz: recording.at.map(() => 50_000) }
    const told = { ...idle, powerW: recording.at.map(() => 0) }
    expect(linesOf({ ...bundle, armings: [progressed(arming, { recording: told })] })).toContain(
      'total payout',
    )
  })

  async function evidenceOf(id: CallId): Promise<EvidenceBundle> {
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    if (text === null) throw new Error('no evidence')
    return parseBundle(text)
  }

  function recordingOf({ armings }: EvidenceBundle): FrequencyRecording {
    const recording = armings?.[0]?.recording
    if (!recording || !('frequencyMilliHz' in recording)) throw new Error('no recording')
    return recording
  }

  /** The lines in which a verifier finds something else. */
  function linesOf(bundle: EvidenceBundle): string[] {
    const { checkMeterSignature: meter } = world.ports()
    const checks = { gateway: verifySimulatedSignature, meter }
    return verifyBundle(bundleText(bundle), checks).map(({ line }) => line)
  }
})

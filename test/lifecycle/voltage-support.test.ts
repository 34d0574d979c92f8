import { afterEach, describe, expect, it } from 'vitest'
import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { type Arming, progressed, type VoltageRecording } from '#domain/arming.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import type { FlexibilityRequest } from '#domain/flexibility-request.ts'
import type { CallId } from '#domain/ids.ts'
import { completeBundle } from '#domain/measurement.ts'
import type { Program } from '#domain/program.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { cancelCall } from '#lifecycle/cancel-call.ts'
import { changeConsent } from '#lifecycle/change-limits.ts'
import { emergencyStop } from '#lifecycle/emergency-stop.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
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
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'
import { FREQUENCY, STANDBY_POLICY, VOLTAGE } from '../support/standby-world.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const battery = aResource('battery', 'battery', 200_000n)
const plain = aResource('plain', 'battery', 100_000n)
const dearer = aResource('dearer', 'battery', 250_000n)

/** For five minutes the voltage is 8 % too high. */
const voltageBp = (now: Instant) => (now >= at(600) && now < at(900) ? 10_800 : 10_000)

describe('a call for voltage support', () => {
  let world: World
  afterEach(() => world?.stop())

  type Changes = {
    readonly device?: Partial<SimulatedDeviceOptions>
    readonly others?: readonly (typeof plain)[]
    readonly request?: Partial<FlexibilityRequest>
    /** Before the gate closes. */
    readonly meanwhile?: () => Promise<void>
  }
  /** 3 kW are reserved for half an hour, 1,500 Wh. */
  async function reserved({
    device = {},
    others = [plain],
    request = {},
    meanwhile,
  }: Changes = {}) {
    const program = aProgram(VOLTAGE)
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, [battery, ...others], program)
    plugBattery(world, battery, { voltageBp, ...device })
    for (const other of others) plugBattery(world, other, other === plain ? {} : { voltageBp })
    await world.ports().wakeUps.notify('resources')
    await world.passTo(at(-600))
    const asked = aRequest([3000, 3000], request)
    const { call } = await requestFlexibility(world.ports(), dso, 'key', asked)
    await world.passTo(at(-400))
    await meanwhile?.()
    await world.passTo(at(-240))
    await acceptAsDso(world.ports(), call.id)
    await world.passTo(at(-30))
    return call.id
  }
  const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))
  const armings = (id: CallId) => world.store.transaction((tx) => tx.armings.ofCall(id))
  async function settled(id: CallId) {
    await world.passTo(at(1950))
    await runVerifiers(world)
    await world.passTo(at(2010))
    return found(id)
  }
  async function evidenceOf(id: CallId): Promise<EvidenceBundle> {
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    if (text === null) throw new Error('no evidence')
    return parseBundle(text)
  }
  /** The lines in which a verifier finds something else. */
  function linesOf(bundle: EvidenceBundle): string[] {
    const { checkMeterSignature: meter } = world.ports()
    const checks = { gateway: verifySimulatedSignature, meter }
    return verifyBundle(bundleText(bundle), checks).map(({ line }) => line)
  }
  function recordingOf(arming: Arming | undefined): VoltageRecording {
    const recording = arming?.recording
    if (!recording || !('voltageBp' in recording)) throw new Error('no recording')
    return recording
  }

  it('needs curves, and curves need it', async () => {
    await reserved()
    const { voltage } = VOLTAGE
    const save = (changes: Partial<Program>) =>
      saveProgram(
        world.ports(),
        aProgram({ version: 2, paymentPolicy: STANDBY_POLICY, ...changes }),
      )
    await expect(save({ product: 'voltage-support' })).rejects.toThrow(/voltage: expected curves/)
    await expect(save({ voltage })).rejects.toThrow(/voltage: expected curves where the product/)
    await expect(save({ ...FREQUENCY, voltage })).rejects.toThrow(/voltage: expected curves/)
    const none = save({ product: 'voltage-support', voltage: { ...voltage, curves: [] } })
    await expect(none).rejects.toThrow(/voltage.curves: expected Q\(V\), P\(V\)/)
    await save(VOLTAGE)
  })

  it('takes only who holds its curves, who are armed from start to end', async () => {
    const id = await reserved()
    const { skipped, allocations } = await found(id)
    expect(allocations.map(({ resourceId: one }) => one)).toEqual([battery.id])
    const detail = 'it does not answer the voltage by itself'
    expect(skipped).toMatchObject([{ resourceId: plain.id, reason: 'no-capability', detail }])
    expect(await armings(id)).toEqual([])
    await world.passTo(at(30))
    const { curves } = VOLTAGE.voltage
    const armed = { answers: 'voltage', curves, reservedW: 3000, ratedW: battery.rating.exportMaxW }
    expect(await armings(id)).toMatchObject([
      { ...armed, armedAt: at(0), validUntil: at(1800), refusal: null, recording: null },
    ])
    await world.passTo(at(1830))
    const [arming] = await armings(id)
    const { at: stamps, reactiveVar } = recordingOf(arming)
    expect(stamps).toHaveLength(1800)
    expect(reactiveVar.filter((one) => one === -3000)).toHaveLength(300)
    expect(arming?.disarmedAt).toBe(at(1800))
  })

  it('is offered with no more W than it has var, and armed with all that it may export', async () => {
    const id = await reserved({
      async meanwhile() {
        await world.store.transaction(async (tx) => {
          const [known] = await tx.resources.capabilities([battery.id])
          const voltage = known?.capability.voltage
          if (known === undefined || voltage === undefined) throw new Error('it answers none')
          const capability = { ...known.capability, voltage: { ...voltage, ratedVar: 2_000 } }
          await tx.resources.saveCapability({ ...known, capability })
        })
      },
    })
    const { candidates, orderedW } = await found(id)
    expect(orderedW).toEqual([2000, 2000])
    expect(candidates.map(({ rating }) => rating.exportMaxW)).toEqual([battery.rating.exportMaxW])
    await world.passTo(at(30))
    const armed = { reservedW: 2000, ratedW: battery.rating.exportMaxW }
    expect(await armings(id)).toMatchObject([armed])
  })

  it('leaves no device for another call at the same time: one MW once', async () => {
    let second: CallId | null = null
    await reserved({
      async meanwhile() {
        const again = aRequest([3000, 3000])
        const { call } = await requestFlexibility(world.ports(), dso, 'other', again)
        second = call.id
      },
    })
    const call = await found(second ?? ('none' as CallId))
    expect(call.allocations).toEqual([])
    const taken = call.skipped.find((one) => one.resourceId === battery.id)
    expect(taken?.reason).toBe('already-promised')
  })

  it('pays for the time in which the recording follows the curves, and verifiers agree', async () => {
    const id = await reserved()
    const { state, settlement } = await settled(id)
    expect(state).toBe('verified')
    expect(settlement?.lines).toMatchObject([{ reason: 'stood-by', gross: 30_000n }])
    const bundle = await evidenceOf(id)
    expect(linesOf(bundle)).toEqual([])
    const [arming] = bundle.armings ?? []
    const recorded = recordingOf(arming)
    const reactiveVar = recorded.reactiveVar.with(650, 0)
    const changed = arming && progressed(arming, { recording: { ...recorded, reactiveVar } })
    const forged = completeBundle({ ...bundle, armings: changed ? [changed] : [] })
    expect(linesOf(forged)).toEqual(['recording battery: reactiveVar'])
  })

  it('pays less where the device slept through the swell', async () => {
    const { settlement } = await settled(await reserved({ device: { disobeys: true } }))
    // Five minutes of thirty, but for the two seconds that it may take.
    expect(settlement?.lines[0]?.gross).toBe(25_020n)
  })

  it('has a device export no more than P(V) allows', async () => {
    const id = await reserved({
      device: { naturalW: -4000, storedWh: 6000 },
      request: { direction: 'increase-import' },
    })
    const { settlement } = await settled(id)
    const { powerW } = recordingOf((await armings(id))[0])
    const most = 0 - Math.round(battery.rating.exportMaxW * 0.4)
    expect([powerW[599], powerW[600], powerW[899], powerW[900]]).toEqual([-4000, most, most, -4000])
    expect(settlement?.lines[0]?.gross).toBe(30_000n)
  })

  it('disarms a device that its owner takes back, at once, and arms another one', async () => {
    const id = await reserved({ others: [dearer] })
    await world.passTo(at(300))
    const owner = { organisationId: battery.aggregatorId, ownerId: battery.ownerId }
    await changeConsent(world.ports(), owner, battery.id, false)
    await world.passTo(at(360))
    const [taken, armed] = await armings(id)
    expect(taken).toMatchObject({ resourceId: battery.id, validUntil: at(300) })
    expect(recordingOf(taken).at.at(-1)).toBe(at(300))
    expect(armed).toMatchObject({ resourceId: dearer.id, armedAt: at(330), validUntil: at(1800) })
    const { settlement, repairs } = await settled(id)
    expect(repairs).toMatchObject([{ reason: 'owner-limit', replacedBy: [dearer.id] }])
    expect(settlement?.lines.map(({ gross }) => gross)).toEqual([0n, 24_000n])
  })

  it('is taken back by an emergency stop and by a cancellation, whatever the voltage', async () => {
    const ends = {
      stop: () =>
        emergencyStop(
          world.ports(),
          { organisationId: dso, role: 'dso' },
          { congestionPointId: battery.congestionPointId, reason: 'smoke' },
        ),
      cancellation: (id: CallId) => cancelCall(world.ports(), dso, id, null),
    }
    for (const end of Object.values(ends)) {
      const id = await reserved()
      await world.passTo(at(700))
      await end(id)
      await world.passTo(at(800))
      const [arming] = await armings(id)
      if (arming?.disarmedAt === undefined) throw new Error('it still stands')
      // A cancellation ends with the metering interval, and is carried out in the next cycle.
      expect(arming.validUntil).toBeLessThanOrEqual(at(700))
      expect(arming.disarmedAt).toBeLessThanOrEqual(at(730))
      const last = recordingOf(arming).at.at(-1)
      expect(last).toBeGreaterThanOrEqual(arming.validUntil - 1000)
      expect(last).toBeLessThanOrEqual(arming.validUntil)
      await world.stop()
    }
  })
})

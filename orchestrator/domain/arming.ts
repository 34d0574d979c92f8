import type { Allocation, Candidate } from './allocation.ts'
import type { CurveOrder, OwnRecording } from './armed-curve.ts'
import { assert, type FieldProblem } from './errors.ts'
import type { CallTerms } from './evidence.ts'
import { deliveryEnd, type FlexibilityCall } from './flexibility-call.ts'
import type { FrequencyDroop } from './frequency-response.ts'
import type { CallId, Hex, ResourceId } from './ids.ts'
import type { Direction } from './resource.ts'
import { recordingFault, type RecordingSignature } from './signed-recording.ts'
import { type Instant, instant } from './time.ts'
import type { ArmedVoltage } from './voltage-response.ts'

/** What a call wants armed on one device until its window ends, and what came of it. */
type Wanted<Recording> = {
  readonly callId: CallId
  readonly resourceId: ResourceId
  readonly reservedW: number
  readonly validFrom: Instant
  readonly validUntil: Instant
  /** null: not yet. */
  readonly armedAt: Instant | null
  /** The device said that nothing of it stands any more. Absent: not yet. */
  readonly disarmedAt?: Instant
  readonly refusal: string | null
  /** What the device recorded itself; null: nobody has fetched it yet. */
  readonly recording: Recording | null
}
export type DroopArming = Wanted<FrequencyRecording> & {
  /** Absent: it was wanted before there was anything else to answer. */
  readonly answers?: 'frequency'
  readonly droop: FrequencyDroop
}
export type VoltageArming = Wanted<VoltageRecording> &
  Omit<ArmedVoltage, 'reservedW' | 'validUntil'> & { readonly answers: 'voltage' }

export type Arming = DroopArming | VoltageArming

export type ArmingProgress = Partial<
  Pick<Arming, 'armedAt' | 'disarmedAt' | 'refusal' | 'recording' | 'validUntil'>
>

/** An arming with what came of it. */
export function progressed(arming: Arming, progress: ArmingProgress): Arming {
  const { recording } = progress
  const isOther = recording && isOfVoltage(recording) !== (arming.answers === 'voltage')
  assert(!isOther, `${arming.resourceId} recorded something else than it answers`)
  return { ...arming, ...progress } as Arming // its recording was compared
}

/** What is to stand on the device of an arming; null: nothing of its kind any more. */
export function curveOrder(arming: Arming, stands: boolean): CurveOrder {
  return arming.answers === 'voltage'
    ? { answers: 'voltage', armed: stands ? arming : null }
    : { answers: 'frequency', armed: stands ? arming : null }
}

/** Samples column by column, so that a day of them is no burden. */
export type FrequencyRecording = Recording & { readonly frequencyMilliHz: readonly number[] }
export type VoltageRecording = Recording & {
  readonly voltageBp: readonly number[]
  readonly reactiveVar: readonly number[]
}
type Recording = {
  readonly at: readonly Instant[]
  readonly powerW: readonly number[]
  /** By the gateway that took it from the device; absent: taken before gateways signed them. */
  readonly signed?: RecordingSignature
}

function isOfVoltage(one: FrequencyRecording | VoltageRecording): one is VoltageRecording {
  return 'voltageBp' in one
}

export function packSamples(own: OwnRecording): FrequencyRecording | VoltageRecording {
  const of = { at: own.samples.map(({ at }) => at), powerW: own.samples.map((one) => one.powerW) }
  return own.answers === 'frequency'
    ? { ...of, frequencyMilliHz: own.samples.map(({ frequencyMilliHz }) => frequencyMilliHz) }
    : {
        ...of,
        voltageBp: own.samples.map(({ voltageBp }) => voltageBp),
        reactiveVar: own.samples.map(({ reactiveVar }) => reactiveVar),
      }
}

/**
 * What of armings may stand in a call's evidence: a recording that no gateway of the terms vouches
 * for is left out, and the refusal says which field it is. Calls ordered before gateways signed
 * recordings have unsigned ones too.
 */
export function vouchedFor(
  armings: readonly Arming[],
  terms: Pick<CallTerms, 'gatewayKeys' | 'recordingsSigned'>,
  check: (publicKey: Hex, hash: Hex, signature: Hex) => boolean,
): Arming[] {
  return armings.map((arming) => {
    const fault = unvouched(arming, terms, check)
    if (fault === null) return arming
    const { field, expected, got } = fault
    const refusal = `recording.${field}: expected ${expected}, got ${got}`
    return { ...arming, recording: null, refusal }
  })
}

/** Why nobody vouches for what an armed device recorded; null: somebody does, or need not. */
export function unvouched(
  { callId, resourceId, recording }: Arming,
  { gatewayKeys, recordingsSigned }: Pick<CallTerms, 'gatewayKeys' | 'recordingsSigned'>,
  check: (publicKey: Hex, hash: Hex, signature: Hex) => boolean,
): FieldProblem | null {
  if (recording === null) return null
  if (recording.signed === undefined && recordingsSigned !== true) return null
  return recordingFault({ callId, resourceId }, recording, gatewayKeys, check)
}

/** No frequency is that far off: a side with it does nothing. */
const NEVER_MILLI_HZ = 2_000

/**
 * The half of a curve that a direction buys: less import where the frequency is low, or more where
 * it is high.
 */
export function oneSided(droop: FrequencyDroop, direction: Direction): FrequencyDroop {
  return direction === 'reduce-import'
    ? { ...droop, deadBandOverMilliHz: NEVER_MILLI_HZ }
    : { ...droop, deadBandUnderMilliHz: NEVER_MILLI_HZ }
}

/**
 * What is to be armed as a call's window begins: on each device the power that it reserved
 * throughout. Nothing where the program buys no answer of devices.
 */
export function armingsOf(call: FlexibilityCall): Arming[] {
  return call.allocations.flatMap((allocation): Arming[] => {
    const [first] = allocation.periods
    const last = allocation.periods.at(-1)
    if (first === undefined || last === undefined || allocation.releasedAt !== null) return []
    const wanted = {
      callId: call.id,
      resourceId: allocation.resourceId,
      reservedW: reservedThroughout(allocation),
      validFrom: first.start,
      validUntil: instant(Math.min(last.end, deliveryEnd(call))),
      armedAt: null,
      refusal: null,
      recording: null,
    }
    const { frequency, voltage } = call.program
    if (frequency) return [{ ...wanted, droop: oneSided(frequency.droop, call.request.direction) }]
    if (voltage === undefined) return []
    const { curves, responseMs } = voltage
    const ratedW = exportRating(call.candidates, allocation.resourceId)
    return [{ ...wanted, answers: 'voltage', curves, responseMs, ratedW }]
  })
}

/** All of a P(V) curve: the most that the device may export, W. */
export function exportRating(candidates: readonly Candidate[], resourceId: ResourceId): number {
  const candidate = candidates.find((one) => one.resourceId === resourceId)
  assert(candidate !== undefined, `${resourceId} is not among the candidates`)
  return candidate.rating.exportMaxW
}

export function reservedThroughout({ periods }: Allocation): number {
  return Math.min(...periods.map(({ powerW }) => powerW))
}

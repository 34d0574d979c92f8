import type { Allocation } from './allocation.ts'
import { orderedEnergy } from './delivery.ts'
import type { FieldProblem } from './errors.ts'
import type { CallTerms } from './evidence.ts'
import { deliveryEnd, type FlexibilityCall } from './flexibility-call.ts'
import {
  droopW,
  type FrequencyDroop,
  type FrequencySample,
  type FrequencyTerms,
  verifyDroop,
} from './frequency-response.ts'
import type { CallId, Hex, ResourceId } from './ids.ts'
import { agreesWithMeter, isWitnessed, recordedWh, seenTogether } from './own-recording.ts'
import type { Direction } from './resource.ts'
import { recordingFault, type RecordingSignature } from './signed-recording.ts'
import type { Standby } from './standby.ts'
import { byResource, type DeviceReading, energyBetween } from './telemetry.ts'
import { type Instant, instant, type TimeWindow } from './time.ts'

/** A droop curve that a call wants on one device until its window ends, and what came of it. */
export type Arming = {
  readonly callId: CallId
  readonly resourceId: ResourceId
  readonly droop: FrequencyDroop
  readonly reservedW: number
  readonly validFrom: Instant
  readonly validUntil: Instant
  /** null: not yet. */
  readonly armedAt: Instant | null
  /** The device said that nothing of it stands any more. Absent: not yet. */
  readonly disarmedAt?: Instant
  readonly refusal: string | null
  /** What the device recorded itself; null: nobody has fetched it yet. */
  readonly recording: FrequencyRecording | null
}

/** Samples column by column, so that a day of them is no burden. */
export type FrequencyRecording = {
  readonly at: readonly Instant[]
  readonly frequencyMilliHz: readonly number[]
  readonly powerW: readonly number[]
  /** By the gateway that took it from the device; absent: taken before gateways signed them. */
  readonly signed?: RecordingSignature
}

export function packSamples(samples: readonly FrequencySample[]): FrequencyRecording {
  return {
    at: samples.map(({ at }) => at),
    frequencyMilliHz: samples.map(({ frequencyMilliHz }) => frequencyMilliHz),
    powerW: samples.map(({ powerW }) => powerW),
  }
}

function samplesOf({ at, frequencyMilliHz, powerW }: FrequencyRecording): FrequencySample[] {
  return at.map((one, i) => {
    return { at: one, frequencyMilliHz: frequencyMilliHz[i] ?? 0, powerW: powerW[i] ?? 0 }
  })
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
 * throughout.
 */
export function armingsOf(call: FlexibilityCall, terms: FrequencyTerms): Arming[] {
  const droop = oneSided(terms.droop, call.request.direction)
  return call.allocations.flatMap((allocation): Arming[] => {
    const [first] = allocation.periods
    const last = allocation.periods.at(-1)
    if (first === undefined || last === undefined || allocation.releasedAt !== null) return []
    return [
      {
        callId: call.id,
        resourceId: allocation.resourceId,
        droop,
        reservedW: reservedThroughout(allocation),
        validFrom: first.start,
        validUntil: instant(Math.min(last.end, deliveryEnd(call))),
        armedAt: null,
        refusal: null,
        recording: null,
      },
    ]
  })
}

function reservedThroughout({ periods }: Allocation): number {
  return Math.min(...periods.map(({ powerW }) => powerW))
}

type Watched = {
  readonly allocations: readonly Allocation[]
  readonly armings: readonly Arming[]
  readonly readings: readonly DeviceReading[]
  readonly terms: FrequencyTerms
  readonly direction: Direction
  readonly longestGapSeconds: number
}

/** A recording may be off its meter's register by so much over a settlement period. */
const METER_ROOM = { leastWh: 20, shareBp: 500 }

/** Devices of one grid see one frequency: so far its meters and clocks may be apart, mHz. */
const FREQUENCY_ROOM_MILLI_HZ = 50

/**
 * What stood by to answer the frequency, period by period: the reserved energy times the share of
 * the period in which the device's own recording shows it where its curve says, and shows the
 * frequency that the call's recordings show together. A recording that its meter's register
 * contradicts counts for nothing.
 */
export function frequencyStandby(watched: Watched): Standby[] {
  const readings = byResource(watched.readings)
  const { terms, direction } = watched
  const together = frequenciesOf(watched.armings)
  // From the terms, and not from what somebody says was armed.
  const droop = oneSided(terms.droop, direction)
  return watched.allocations.flatMap((allocation) => {
    const { resourceId } = allocation
    const recording = watched.armings.find((one) => one.resourceId === resourceId)?.recording
    const samples = recording ? samplesOf(recording) : []
    const powerW = reservedThroughout(allocation)
    return allocation.periods.map(({ start, end, setpointW }): Standby => {
      const mine = samples.filter(({ at }) => at >= start && at <= end)
      const metered = readings.get(resourceId) ?? []
      const meteredWh = energyBetween(metered, start, end, watched.longestGapSeconds)
      const witnessed = mine.filter(({ at, frequencyMilliHz }) =>
        isWitnessed(together, at, frequencyMilliHz, FREQUENCY_ROOM_MILLI_HZ),
      )
      const share = followedBp({ ...terms, droop }, powerW, witnessed, { start, end })
      const isTrue =
        meteredWh !== null && agreesWithMeter(recordedWh(mine, end), meteredWh, METER_ROOM)
      const wholeWh = orderedEnergy({ start, end, powerW, setpointW })
      const reservedWh = Math.floor((wholeWh * share) / 10_000)
      return { resourceId, start, end, reservedWh, isReady: isTrue && reservedWh > 0 }
    })
  })
}

/** Second by second the median of what the recordings of a call say, where there are enough. */
function frequenciesOf(armings: readonly Arming[]): ReadonlyMap<number, number> {
  const recordings = armings.flatMap(({ recording }) => {
    return recording === null ? [] : [{ at: recording.at, seen: recording.frequencyMilliHz }]
  })
  return seenTogether(recordings)
}

function followedBp(
  terms: FrequencyTerms,
  reservedW: number,
  samples: readonly FrequencySample[],
  window: TimeWindow,
): number {
  const service = { ...terms, reservedW, window, restW: restOf(terms.droop, samples) }
  return verifyDroop(service, samples).performanceBp
}

/** About which power it answered: what it did while there was nothing to answer. */
function restOf(droop: FrequencyDroop, samples: readonly FrequencySample[]): number {
  const idle = samples.filter(
    ({ frequencyMilliHz }) => droopW(droop, 1_000, frequencyMilliHz) === 0,
  )
  if (idle.length === 0) return 0
  return Math.round(idle.reduce((sum, { powerW }) => sum + powerW, 0) / idle.length)
}

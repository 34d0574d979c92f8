import type { Allocation, Candidate } from './allocation.ts'
import {
  type Arming,
  type DroopArming,
  exportRating,
  oneSided,
  reservedThroughout,
  type VoltageArming,
} from './arming.ts'
import { orderedEnergy } from './delivery.ts'
import {
  droopW,
  type FrequencyDroop,
  type FrequencySample,
  type FrequencyTerms,
  verifyDroop,
} from './frequency-response.ts'
import { agreesWithMeter, isWitnessed, recordedWh, seenTogether } from './own-recording.ts'
import type { Direction } from './resource.ts'
import type { Standby } from './standby.ts'
import { byResource, type DeviceReading, energyBetween } from './telemetry.ts'
import type { Instant, TimeWindow } from './time.ts'
import { verifyVoltage, type VoltageSample, type VoltageTerms } from './voltage-response.ts'

type Watched = {
  readonly allocations: readonly Allocation[]
  readonly armings: readonly Arming[]
  readonly readings: readonly DeviceReading[]
  readonly longestGapSeconds: number
}

/** How the recordings of one kind are read. */
type Reading<Sample> = {
  samplesOf(allocation: Allocation): readonly Sample[]
  /** Does it show what the call's recordings show together? */
  isWitnessed(sample: Sample): boolean
  followedBp(allocation: Allocation, samples: readonly Sample[], window: TimeWindow): number
}

/** A recording may be off its meter's register by so much over a settlement period. */
const METER_ROOM = { leastWh: 20, shareBp: 500 }

/**
 * What stood by to answer, period by period: the reserved energy times the share of the period in
 * which the device's own recording shows it where its curves say, and shows what the call's
 * recordings show together. A recording that its meter's register contradicts counts for nothing.
 */
function armedStandby<Sample extends { readonly at: Instant; readonly powerW: number }>(
  watched: Watched,
  reading: Reading<Sample>,
): Standby[] {
  const readings = byResource(watched.readings)
  return watched.allocations.flatMap((allocation) => {
    const { resourceId } = allocation
    const samples = reading.samplesOf(allocation)
    const metered = readings.get(resourceId) ?? []
    const powerW = reservedThroughout(allocation)
    return allocation.periods.map(({ start, end, setpointW }): Standby => {
      const mine = samples.filter(({ at }) => at >= start && at <= end)
      const meteredWh = energyBetween(metered, start, end, watched.longestGapSeconds)
      const witnessed = mine.filter((sample) => reading.isWitnessed(sample))
      const share = reading.followedBp(allocation, witnessed, { start, end })
      const isTrue =
        meteredWh !== null && agreesWithMeter(recordedWh(mine, end), meteredWh, METER_ROOM)
      const wholeWh = orderedEnergy({ start, end, powerW, setpointW })
      const reservedWh = Math.floor((wholeWh * share) / 10_000)
      return { resourceId, start, end, reservedWh, isReady: isTrue && reservedWh > 0 }
    })
  })
}

/** Devices of one grid see one frequency: so far its meters and clocks may be apart, mHz. */
const FREQUENCY_ROOM_MILLI_HZ = 50

type FrequencyWatched = Watched & {
  readonly terms: FrequencyTerms
  readonly direction: Direction
}

/** What stood by to answer the frequency. */
export function frequencyStandby(watched: FrequencyWatched): Standby[] {
  const { armings, terms, direction } = watched
  const mine = armings.filter((one): one is DroopArming => one.answers !== 'voltage')
  const recordings = mine.flatMap(({ recording }) => (recording === null ? [] : [recording]))
  const together = seenTogether(recordings.map(({ at, frequencyMilliHz: seen }) => ({ at, seen })))
  // From the terms, and not from what somebody says was armed.
  const droop = oneSided(terms.droop, direction)
  return armedStandby<FrequencySample>(watched, {
    samplesOf: (allocation) => frequenciesOf(recordingOf(mine, allocation)),
    isWitnessed: ({ at, frequencyMilliHz }) =>
      isWitnessed(together, at, frequencyMilliHz, FREQUENCY_ROOM_MILLI_HZ),
    followedBp(allocation, samples, window) {
      const reservedW = reservedThroughout(allocation)
      const service = { ...terms, droop, reservedW, window, restW: restOf(droop, samples) }
      return verifyDroop(service, samples).performanceBp
    },
  })
}

function recordingOf<One extends DroopArming | VoltageArming>(
  armings: readonly One[],
  { resourceId }: Allocation,
): One['recording'] {
  return armings.find((one) => one.resourceId === resourceId)?.recording ?? null
}

function frequenciesOf(recording: DroopArming['recording']): FrequencySample[] {
  if (recording === null) return []
  const { at, frequencyMilliHz, powerW } = recording
  return at.map((one, i) => {
    return { at: one, frequencyMilliHz: frequencyMilliHz[i] ?? 0, powerW: powerW[i] ?? 0 }
  })
}

/**
 * About which power it answered: what it did while there was nothing to answer, which is also the
 * side of the droop that was not armed.
 */
function restOf(droop: FrequencyDroop, samples: readonly FrequencySample[]): number {
  const idle = samples.filter(
    ({ frequencyMilliHz }) => droopW(droop, 1_000, frequencyMilliHz) === 0,
  )
  if (idle.length === 0) return 0
  return Math.round(idle.reduce((sum, { powerW }) => sum + powerW, 0) / idle.length)
}

type VoltageWatched = Watched & {
  readonly terms: VoltageTerms
  readonly candidates: readonly Candidate[]
}

/** What stood by to answer the voltage. */
export function voltageStandby(watched: VoltageWatched): Standby[] {
  const { armings, terms, candidates } = watched
  const mine = armings.filter((one) => one.answers === 'voltage')
  const recordings = mine.flatMap(({ recording }) => (recording === null ? [] : [recording]))
  const together = seenTogether(recordings.map(({ at, voltageBp: seen }) => ({ at, seen })))
  return armedStandby<VoltageSample>(watched, {
    samplesOf: (allocation) => voltagesOf(recordingOf(mine, allocation)),
    isWitnessed: ({ at, voltageBp }) => isWitnessed(together, at, voltageBp, terms.spreadBp),
    followedBp(allocation, samples, window) {
      const reservedW = reservedThroughout(allocation)
      const ratedW = exportRating(candidates, allocation.resourceId)
      return verifyVoltage({ ...terms, reservedW, ratedW, window }, samples).performanceBp
    },
  })
}

function voltagesOf(recording: VoltageArming['recording']): VoltageSample[] {
  if (recording === null) return []
  const { at, voltageBp, powerW, reactiveVar } = recording
  return at.map((one, i) => {
    const [bp = 0, watts = 0, vars = 0] = [voltageBp[i], powerW[i], reactiveVar[i]]
    return { at: one, voltageBp: bp, powerW: watts, reactiveVar: vars }
  })
}

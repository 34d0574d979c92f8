import { whole } from './enrolment.ts'
import { fieldError } from './errors.ts'
import { judgeRecording, outside, type Verdict } from './own-recording.ts'
import type { Instant, TimeWindow } from './time.ts'

/**
 * A droop curve as it is armed on a device, in the words of SunSpec's model 711 (DbOf, DbUf, KOf,
 * KUf, RspTms): the device measures the frequency itself and answers within its own cycle. Nothing
 * that crosses a network could: what we do is arm it before, and look at what it recorded after.
 */
export type FrequencyDroop = {
  readonly nominalMilliHz: number
  /** Over and under the nominal frequency, in which nothing is done. */
  readonly deadBandOverMilliHz: number
  readonly deadBandUnderMilliHz: number
  /** So much of the nominal frequency beyond the dead band moves all of the power, basis points. */
  readonly droopOverBp: number
  readonly droopUnderBp: number
  /** After so long it has to be where the curve says. */
  readonly responseMs: number
}

/** What a program says of a frequency response: the curve, and how its recording is judged. */
export type FrequencyTerms = {
  readonly droop: FrequencyDroop
  /** So far from the curve a device may be, of what it reserved. */
  readonly toleranceBp: number
  /** A longer silence of its recording counts as not having answered. */
  readonly longestGapMs: number
}

/** What is armed on a device; it disarms by itself. */
export type ArmedDroop = {
  readonly droop: FrequencyDroop
  readonly reservedW: number
  readonly validUntil: Instant
}

/** What a device wrote down itself. */
export type FrequencySample = {
  readonly at: Instant
  readonly frequencyMilliHz: number
  /** W, + is import. */
  readonly powerW: number
}

/** @throws DomainError malformed, naming the field */
export function checkDroop(field: string, droop: FrequencyDroop): FrequencyDroop {
  const at = (name: keyof FrequencyDroop, least: number, most: number, unit: string) =>
    whole(`${field}.${name}`, droop[name], least, most, unit)
  const nominal = at('nominalMilliHz', 50_000, 60_000, 'mHz')
  if (nominal !== 50_000 && nominal !== 60_000) {
    throw fieldError('malformed', `${field}.nominalMilliHz`, '50,000 or 60,000 mHz', nominal)
  }
  at('deadBandOverMilliHz', 0, 2_000, 'mHz')
  at('deadBandUnderMilliHz', 0, 2_000, 'mHz')
  at('droopOverBp', 1, 1_000, 'bp')
  at('droopUnderBp', 1, 1_000, 'bp')
  at('responseMs', 100, 60_000, 'ms')
  return droop
}

/**
 * How a curve changes the import of a device that has reserved so many W, W: less or export where
 * the frequency is low, more where it is high, never beyond what was reserved.
 */
export function droopW(droop: FrequencyDroop, reservedW: number, frequencyMilliHz: number): number {
  const { nominalMilliHz: nominal } = droop
  const overBy = frequencyMilliHz - nominal - droop.deadBandOverMilliHz
  const underBy = nominal - droop.deadBandUnderMilliHz - frequencyMilliHz
  if (overBy > 0) return along(overBy, nominal, droop.droopOverBp, reservedW)
  return underBy > 0 ? 0 - along(underBy, nominal, droop.droopUnderBp, reservedW) : 0
}

function along(byMilliHz: number, nominal: number, droopBp: number, reservedW: number): number {
  return Math.min(reservedW, Math.floor((reservedW * byMilliHz * 10_000) / (nominal * droopBp)))
}

export type ArmedService = {
  readonly droop: FrequencyDroop
  readonly reservedW: number
  /** About which power it answers, W, + is import. */
  readonly restW: number
  readonly window: TimeWindow
  /** So far from the curve it may be, of what it reserved. */
  readonly toleranceBp: number
  /** A longer silence of its recording counts as not having answered. */
  readonly longestGapMs: number
}

export type FrequencyVerdict = Verdict & { readonly worstOffW: number }

/** Judges an armed device by its own recording. */
export function verifyDroop(
  service: ArmedService,
  recording: readonly FrequencySample[],
): FrequencyVerdict {
  const { window, droop, reservedW, restW, toleranceBp, longestGapMs } = service
  const wanted = (one: FrequencySample) => restW + droopW(droop, reservedW, one.frequencyMilliHz)
  const toleranceW = Math.ceil((reservedW * toleranceBp) / 10_000)
  let worstOffW = 0
  const judging = { window, responseMs: droop.responseMs, longestGapMs }
  const verdict = judgeRecording(judging, recording, ({ sample, recent }) => {
    const asked = recent.map(wanted)
    const offW = outside(sample.powerW, Math.min(...asked), Math.max(...asked))
    worstOffW = Math.max(worstOffW, offW)
    return { isFollowed: offW <= toleranceW, isCalled: wanted(sample) !== restW }
  })
  return { ...verdict, worstOffW }
}

import { whole } from './enrolment.ts'
import { fieldError } from './errors.ts'
import { type Instant, secondsBetween, type TimeWindow } from './time.ts'

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

export type FrequencyVerdict = {
  readonly windowMs: number
  readonly recordedMs: number
  /** In which its power was where the curve says. */
  readonly followedMs: number
  /** Share of the whole window, so that what was not recorded counts as not followed. */
  readonly performanceBp: number
  /** In which the frequency lay outside the dead band: what there was to answer. */
  readonly calledMs: number
  readonly worstOffW: number
}

/**
 * Judges an armed device by its own recording. While it may still be on its way it can be anywhere
 * between where the curve was and where it is: within the response time before a sample.
 */
export function verifyDroop(
  service: ArmedService,
  recording: readonly FrequencySample[],
): FrequencyVerdict {
  const { window, droop, reservedW, restW, toleranceBp, longestGapMs } = service
  const samples = recording
    .filter(({ at }) => at >= window.start && at <= window.end)
    .toSorted((a, b) => a.at - b.at)
  const wanted = samples.map((one) => restW + droopW(droop, reservedW, one.frequencyMilliHz))
  const toleranceW = Math.ceil((reservedW * toleranceBp) / 10_000)
  let [recordedMs, followedMs, calledMs, worstOffW, from] = [0, 0, 0, 0, 0]
  samples.forEach(({ at, powerW }, i) => {
    const until = samples[i + 1]?.at ?? window.end
    const lasts = until - at
    // A sample stands for the time until the next one; a silence stands for nothing.
    if (lasts <= 0 || lasts > longestGapMs) return
    while ((samples[from + 1]?.at ?? at) <= at - droop.responseMs) from += 1
    const recent = wanted.slice(from, i + 1)
    const offW = distance(powerW, Math.min(...recent), Math.max(...recent))
    recordedMs += lasts
    if (wanted[i] !== restW) calledMs += lasts
    if (offW <= toleranceW) followedMs += lasts
    worstOffW = Math.max(worstOffW, offW)
  })
  const windowMs = window.end - window.start
  const performanceBp = Math.floor((followedMs * 10_000) / windowMs)
  return { windowMs, recordedMs, followedMs, performanceBp, calledMs, worstOffW }
}

function distance(powerW: number, least: number, most: number): number {
  return Math.max(0, least - powerW, powerW - most)
}

/** Wh that a recording says were drawn, each sample standing until the next. */
export function recordedWh(recording: readonly FrequencySample[], end: Instant): number {
  const samples = recording.toSorted((a, b) => a.at - b.at)
  return samples.reduce((sum, { at, powerW }, i) => {
    const seconds = Math.max(0, secondsBetween(at, samples[i + 1]?.at ?? end))
    return sum + (powerW * seconds) / 3600
  }, 0)
}

/**
 * Whether a device's recording of its own power agrees with the register of its meter over the same
 * time: who writes down what it should have done is found out here, though not who writes down a
 * frequency at which there was nothing to do. Wh either way, and a share.
 */
export function agreesWithMeter(
  recordedEnergyWh: number,
  meteredWh: number,
  { leastWh, shareBp }: { readonly leastWh: number; readonly shareBp: number },
): boolean {
  const room = Math.max(leastWh, (Math.abs(meteredWh) * shareBp) / 10_000)
  return Math.abs(recordedEnergyWh - meteredWh) <= room
}

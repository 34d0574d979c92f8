import { whole } from './enrolment.ts'
import { fieldError } from './errors.ts'
import { checkVoltageCurve, curveOutput, type VoltageCurve } from './network/voltage-support.ts'
import { type Judging, judgeRecording, outside, type Verdict } from './own-recording.ts'
import type { Instant } from './time.ts'

export type VoltageCurveKind = VoltageCurve['kind']

/** What a program says of a voltage support: its curves, and how a recording is judged. */
export type VoltageTerms = {
  /** Q(V), P(V), or both: at most one of a kind. */
  readonly curves: readonly VoltageCurve[]
  /** After so long a device has to be where its curves say. */
  readonly responseMs: number
  /** So far from a curve a device may be, of what all of the curve is. */
  readonly toleranceBp: number
  /** A longer silence of its recording counts as not having answered. */
  readonly longestGapMs: number
  /** So far apart are the voltages of one congestion point's devices, basis points of nominal. */
  readonly spreadBp: number
}

/** What is armed on a device; it disarms by itself. */
export type ArmedVoltage = {
  readonly curves: readonly VoltageCurve[]
  readonly responseMs: number
  /** All of a Q(V) curve: as many var as W are reserved. */
  readonly reservedW: number
  /** All of a P(V) curve: the most that the device may export, W. */
  readonly ratedW: number
  readonly validUntil: Instant
}

/** What a device wrote down itself. */
export type VoltageSample = {
  readonly at: Instant
  /** What it measured where it stands, basis points of nominal. */
  readonly voltageBp: number
  /** W, + is import. */
  readonly powerW: number
  /** + is injected, which raises the voltage. */
  readonly reactiveVar: number
}

/** @throws DomainError malformed, naming the field */
export function checkVoltageTerms(field: string, terms: VoltageTerms): void {
  const { curves, responseMs, toleranceBp, longestGapMs, spreadBp } = terms
  const kinds = new Set(curves.map(({ kind }) => kind))
  if (curves.length === 0 || kinds.size < curves.length) {
    const got = curves.map(({ kind }) => kind).join(', ') || 'none'
    throw fieldError('malformed', `${field}.curves`, 'Q(V), P(V) or one of each', got)
  }
  curves.forEach((curve, i) => checkVoltageCurve(`${field}.curves[${i}]`, curve))
  whole(`${field}.responseMs`, responseMs, 100, 60_000, 'ms')
  whole(`${field}.toleranceBp`, toleranceBp, 0, 5_000, 'bp')
  whole(`${field}.longestGapMs`, longestGapMs, 100, 60_000, 'ms')
  whole(`${field}.spreadBp`, spreadBp, 0, 5_000, 'bp of nominal')
}

/** What curves ask for at a voltage. */
export type VoltageTarget = {
  /** var, + is injected; null: no curve says anything of it. */
  readonly reactiveVar: number | null
  /** The most that may be exported, W. */
  readonly exportMaxW: number
}

/** What the curves of a device ask for at a voltage in basis points of nominal. */
export function voltageTarget(
  { curves, reservedW, ratedW }: Pick<ArmedVoltage, 'curves' | 'reservedW' | 'ratedW'>,
  voltageBp: number,
): VoltageTarget {
  const at = (kind: VoltageCurveKind, all: number): number | null => {
    const curve = curves.find((one) => one.kind === kind)
    return curve ? Math.round(curveOutput(curve, voltageBp / 10_000) * all) + 0 : null
  }
  const exportMaxW = at('volt-watt', ratedW) ?? ratedW
  return { reactiveVar: at('volt-var', reservedW), exportMaxW }
}

export type VoltageVerdict = Verdict & {
  /** How far from Q(V) it was at worst, var. */
  readonly worstOffVar: number
  /** How much more than P(V) allows it exported at worst, W. */
  readonly worstOverW: number
}

type Service = Pick<ArmedVoltage, 'curves' | 'reservedW' | 'ratedW'> &
  Judging & { readonly toleranceBp: number }

/**
 * Judges an armed device by its own recording: its reactive power is where Q(V) says, and it
 * exports no more than P(V) allows, each as it was at any time within the response time before.
 */
export function verifyVoltage(
  service: Service,
  recording: readonly VoltageSample[],
): VoltageVerdict {
  const { reservedW, ratedW, toleranceBp } = service
  const room = (all: number) => Math.ceil((all * toleranceBp) / 10_000)
  let [worstOffVar, worstOverW] = [0, 0]
  const verdict = judgeRecording(service, recording, ({ sample, recent }) => {
    const targets = recent.map(({ voltageBp }) => voltageTarget(service, voltageBp))
    const now = targets.at(-1) as VoltageTarget
    const vars = targets.flatMap(({ reactiveVar }) => (reactiveVar === null ? [] : [reactiveVar]))
    const offVar =
      vars.length === 0 ? 0 : outside(sample.reactiveVar, Math.min(...vars), Math.max(...vars))
    const mostW = Math.max(...targets.map(({ exportMaxW }) => exportMaxW))
    const overW = Math.max(0, 0 - sample.powerW - mostW)
    worstOffVar = Math.max(worstOffVar, offVar)
    worstOverW = Math.max(worstOverW, overW)
    return {
      isFollowed: offVar <= room(reservedW) && overW <= room(ratedW),
      isCalled: (now.reactiveVar ?? 0) !== 0 || now.exportMaxW < ratedW,
    }
  })
  return { ...verdict, worstOffVar, worstOverW }
}

import { fieldError } from '../errors.ts'
import type { Feeder, FeederFlow } from './feeder.ts'
import { effectOnVoltages } from './sensitivity.ts'

/**
 * One corner of a curve that is armed on a device, voltage in basis points of nominal and what it
 * does there in basis points of its rating. Q(V), SunSpec's model 705: reactive power, + is
 * injected, which raises the voltage. P(V), model 706: the most that it may export.
 */
export type VoltagePoint = { readonly voltageBp: number; readonly outputBp: number }
export type VoltageCurve = {
  readonly kind: 'volt-var' | 'volt-watt'
  readonly points: readonly VoltagePoint[]
}

/** Models 705 and 706 hold curves of any length; devices take four corners and a few take more. */
const POINTS_MAX = 8

/**
 * Refuses a curve that would push the wrong way: with the voltage nothing may rise, neither what is
 * injected nor what may be exported. @throws DomainError malformed, naming the field
 */
export function checkVoltageCurve(field: string, curve: VoltageCurve): VoltageCurve {
  const { kind, points } = curve
  if (points.length < 2 || points.length > POINTS_MAX) {
    throw fieldError('malformed', `${field}.points`, `2 to ${POINTS_MAX} points`, points.length)
  }
  const leastBp = kind === 'volt-var' ? -10_000 : 0
  points.forEach(({ voltageBp, outputBp }, i) => {
    const before = points[i - 1]
    const at = `${field}.points[${i}]`
    const isVoltage = Number.isSafeInteger(voltageBp) && voltageBp >= 5_000 && voltageBp <= 15_000
    if (!isVoltage || (before && voltageBp <= before.voltageBp)) {
      const expected = `5,000 to 15,000 bp of nominal, above ${before?.voltageBp ?? 'nothing'}`
      throw fieldError('malformed', `${at}.voltageBp`, expected, voltageBp)
    }
    const mostBp = Math.min(10_000, before?.outputBp ?? 10_000)
    if (!Number.isSafeInteger(outputBp) || outputBp < leastBp || outputBp > mostBp) {
      const expected = `${leastBp} to ${mostBp} bp: it falls as the voltage rises`
      throw fieldError('malformed', `${at}.outputBp`, expected, outputBp)
    }
  })
  return curve
}

/**
 * What a device does at a voltage, as a share of its rating: straight between points, flat beyond.
 */
export function curveOutput({ points }: VoltageCurve, voltagePu: number): number {
  const voltageBp = voltagePu * 10_000
  let before = points[0] as VoltagePoint
  for (const point of points) {
    if (voltageBp < point.voltageBp) {
      const run = point.voltageBp - before.voltageBp
      const share = run === 0 ? 0 : (voltageBp - before.voltageBp) / run
      return (before.outputBp + (point.outputBp - before.outputBp) * Math.max(0, share)) / 10_000
    }
    before = point
  }
  return before.outputBp / 10_000
}

export type VoltageSupport = {
  readonly beforePu: number
  readonly afterPu: number
  /** + is injected. */
  readonly var: number
  /** Per unit by which one injected var raises the voltage where the device stands. */
  readonly puPerVar: number
}

/**
 * Where a Q(V) curve on one device settles: it injects by the voltage that it sees, and sees what
 * it injects. The curve falls with the voltage and injecting raises it, so there is exactly one
 * such point.
 */
export function settledSupport(
  feeder: Feeder,
  bus: number,
  flow: Pick<FeederFlow, 'voltagePu'>,
  { curve, ratedVar }: { readonly curve: VoltageCurve; readonly ratedVar: number },
): VoltageSupport {
  const beforePu = flow.voltagePu[bus] ?? Number.NaN
  // An effect counts what is drawn; injecting is drawing less.
  const puPerVar = 0 - (effectOnVoltages(feeder, bus, flow).perVar[bus] ?? 0)
  const pushed = (share: number) => beforePu + puPerVar * ratedVar * share
  let [low, high] = [-1, 1]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (curveOutput(curve, pushed(middle)) > middle) low = middle
    else high = middle
  }
  const share = (low + high) / 2
  return { beforePu, afterPu: pushed(share), var: Math.round(share * ratedVar) + 0, puPerVar }
}

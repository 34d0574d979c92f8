import { STEP_W } from '../allocation/offers.ts'
import type { ResourceKind } from '../resource.ts'

/** When and how strongly the closed loop corrects. */
export type ControlRules = {
  /** An error of less than this share of what is ordered is left alone. */
  readonly deadBandBp: number
  /** So is one of less than a device's step, W: what setpoints are counted in. */
  readonly stepW: number
  /** What of the missing power is ordered at once (the gain of a controller). */
  readonly gainBp: number
  /** Energy that was missed is made up in so many seconds (its integral time), … */
  readonly makeUpSeconds: number
  /** … in fewer where the time for it ends before, but never in less than so many, … */
  readonly makeUpLeastSeconds: number
  /** … by at most this share of what is ordered. */
  readonly makeUpMostBp: number
}

export const CONTROL_RULES: ControlRules = {
  deadBandBp: 200,
  stepW: STEP_W,
  gainBp: 10_000,
  makeUpSeconds: 600,
  makeUpLeastSeconds: 120,
  makeUpMostBp: 500,
}

/** A car negotiates anew with each change, and some give up after a few of them. */
const CHARGER_DWELL_SECONDS = 180
/** Nobody is told anything new before its meter could show what it was told. */
const JUDGED_BY_READINGS = 2

/** Seconds for which a device keeps a setpoint that the loop gave it. */
export function dwellSeconds(kind: ResourceKind, meteringIntervalSeconds: number): number {
  const judged = JUDGED_BY_READINGS * meteringIntervalSeconds
  return kind === 'charger' ? Math.max(CHARGER_DWELL_SECONDS, judged) : judged
}

/** W on either side of which an error is none: the share of what is ordered, or one step. */
export function deadBandW(orderedW: number, { deadBandBp, stepW }: ControlRules): number {
  return Math.max((orderedW * deadBandBp) / 10_000, stepW)
}

import { type Instant, secondsBetween } from '../time.ts'
import type { LoopReading } from './portfolio.ts'
import { type ControlRules, deadBandW } from './rules.ts'

/** What the portfolio lacks, W; negative: it gives too much. */
export type LoopError = {
  /** Of power, by the smaller of the last two readings; 0 where they do not agree. */
  readonly errorW: number
  /** On top, so that energy that was missed is made up; 0 while that is not worth a setpoint. */
  readonly makeUpW: number
  /** What is to be corrected; 0: nothing. */
  readonly correctionW: number
  /** What of it is missing power, and worth a reserve's start. */
  readonly reserveMostW: number
}

const NOTHING: LoopError = { errorW: 0, makeUpW: 0, correctionW: 0, reserveMostW: 0 }

/**
 * Proportional to the missing power, and to the energy missed so far. Two readings in a row must
 * lie beyond the dead band on the same side; one alone is noise. What is to be made up never grows
 * beyond what the headroom (W) can give in its time, so that a reserve that comes late is not
 * driven to its limit for what nobody could have given (anti-windup).
 */
export function loopError(
  readings: readonly LoopReading[],
  since: Instant,
  headroomW: number,
  rules: ControlRules,
): LoopError {
  const [before, last] = readings.slice(-2)
  if (before === undefined || last === undefined) return NOTHING
  const bandW = deadBandW(last.wantedW, rules)
  const makeUpW = madeUp(readings, since, headroomW, bandW, rules)
  const gain = rules.gainBp / 10_000
  const wanted = [before, last].map(({ wantedW, expectedW }) => {
    return { errorW: wantedW - expectedW, correctionW: gain * (wantedW - expectedW) + makeUpW }
  })
  const isBeyondHeadroom = wanted.every(({ errorW }) => errorW > headroomW)
  const isStanding = isBeyondHeadroom && stands(readings, since, bandW, rules)
  const shortBandW = isStanding ? Math.min(rules.stepW, bandW) : bandW
  const isShort = wanted.every(({ correctionW }) => correctionW > shortBandW)
  const isTooMuch = wanted.every(({ correctionW }) => correctionW < -bandW)
  if (!isShort && !isTooMuch) return { ...NOTHING, makeUpW }
  const smaller = wanted.reduce((least, one) =>
    Math.abs(one.correctionW) < Math.abs(least.correctionW) ? one : least,
  )
  const shortW = smaller.correctionW - makeUpW
  return { ...smaller, makeUpW, reserveMostW: shortW > shortBandW ? shortW : 0 }
}

/**
 * A small error that stood for long is no noise. Those that respond make it up where they have
 * headroom; where they have none, what it cost is worth a reserve's start.
 */
function stands(
  readings: readonly LoopReading[],
  since: Instant,
  bandW: number,
  rules: ControlRules,
): boolean {
  return madeUp(readings, since, Number.POSITIVE_INFINITY, bandW, rules) > 0
}

/**
 * What was given too much pays for what was missed before, and for nothing that comes later. Once
 * it is worth a setpoint it is made up to the end: a threshold alone would switch it off as soon as
 * it worked, and on again.
 */
function madeUp(
  readings: readonly LoopReading[],
  since: Instant,
  headroomW: number,
  bandW: number,
  { makeUpSeconds, makeUpMostBp }: ControlRules,
): number {
  let missedWs = 0
  let isWorthIt = false
  let from = since
  for (const { at, wantedW, givenW } of readings) {
    const mostW = Math.max(0, Math.min(headroomW, (wantedW * makeUpMostBp) / 10_000))
    const missed = missedWs + (wantedW - givenW) * secondsBetween(from, at)
    missedWs = Math.min(Math.max(0, missed), mostW * makeUpSeconds)
    isWorthIt = missedWs > 0 && (isWorthIt || missedWs > bandW * makeUpSeconds)
    from = at
  }
  return isWorthIt ? missedWs / makeUpSeconds : 0
}

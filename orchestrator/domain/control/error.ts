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

/** When things happen to energy that was missed. */
export type MakeUpSpan = {
  /** Of the settlement period that runs. */
  readonly periodStart: Instant
  /** From here on devices do what they are told now. */
  readonly from: Instant
  /** By then it is to be made up. */
  readonly until: Instant
}

const NOTHING: LoopError = { errorW: 0, makeUpW: 0, correctionW: 0, reserveMostW: 0 }

/**
 * Proportional to the missing power, and to the energy missed so far. Two readings in a row must
 * lie beyond the dead band on the same side; one alone is noise. What is to be made up never grows
 * beyond what the headroom (W) can give in its time, so that a reserve that comes late is not
 * driven to its limit for what nobody could have given (anti-windup); what is made up already is no
 * headroom any more, and goes on. Power is only compared within the settlement period that runs.
 * @param span absent: there is one period, and no end in sight
 */
export function loopError(
  readings: readonly LoopReading[],
  since: Instant,
  headroomW: number,
  rules: ControlRules,
  span?: MakeUpSpan,
): LoopError {
  const inPeriod = readings.slice(-2).filter(({ at }) => at > (span?.periodStart ?? since))
  const [before, last] = inPeriod
  if (before === undefined || last === undefined) return NOTHING
  const bandW = deadBandW(last.wantedW, rules)
  const roomW = headroomW + Math.max(0, last.expectedW - last.wantedW)
  const makeUpW = madeUp(readings, since, roomW, { ...rules, bandW, span })
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
  return madeUp(readings, since, Number.POSITIVE_INFINITY, { ...rules, bandW }) > 0
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
  {
    bandW,
    makeUpSeconds,
    makeUpLeastSeconds,
    makeUpMostBp,
    span,
  }: ControlRules & { readonly bandW: number; readonly span?: MakeUpSpan | undefined },
): number {
  const leftSeconds = (at: Instant) =>
    span === undefined ? makeUpSeconds : Math.max(0, secondsBetween(at, span.until))
  const withinSeconds = (at: Instant) =>
    Math.max(makeUpLeastSeconds, Math.min(leftSeconds(at), makeUpSeconds))
  let missedWs = 0
  let isWorthIt = false
  let makeUpW = 0
  let from = since
  for (const { at, wantedW, givenW, expectedW } of readings) {
    const mostW = Math.max(0, Math.min(headroomW, (wantedW * makeUpMostBp) / 10_000))
    const missed = missedWs + (wantedW - givenW) * secondsBetween(from, at)
    const canBeGivenWs = mostW * Math.max(makeUpSeconds, leftSeconds(at))
    missedWs = Math.min(Math.max(0, missed), canBeGivenWs)
    isWorthIt = missedWs > 0 && (isWorthIt || missedWs > bandW * makeUpSeconds)
    // What is on its way until a change can be felt is not ordered twice.
    const feltFrom = span?.from ?? at
    const comingWs = Math.max(0, expectedW - wantedW) * Math.max(0, secondsBetween(at, feltFrom))
    makeUpW = Math.min(mostW, Math.max(0, missedWs - comingWs) / withinSeconds(feltFrom))
    from = at
  }
  return isWorthIt ? makeUpW : 0
}

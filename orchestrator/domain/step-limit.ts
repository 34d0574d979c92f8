import type { CongestionPointId } from './ids.ts'
import { type Instant, secondsBetween } from './time.ts'

/**
 * How fast all devices of a congestion point together may be told to change their power: a safety
 * control beside every plan. A step is what changes at once, W; after it a minute brings the ramp.
 */
export type StepLimit = { readonly stepMaxW: number; readonly rampMaxWPerMinute: number }

/** What was told to change at a congestion point lately, W; it drains at the ramp. */
export type PointLevel = {
  readonly congestionPointId: CongestionPointId
  readonly levelW: number
  readonly at: Instant
}

/** One device's change of power; `mayWait`: false for what lets a device go. */
export type Move = { readonly changeW: number; readonly mayWait: boolean }

/**
 * Which of the moves are told now, in their order; the others wait for the next control cycle. What
 * lets a device go never waits, and is counted all the same. A change of more than a step is never
 * told at once: whoever wants it asks for a part of it first.
 */
export function inSteps<M extends Move>(
  moves: readonly M[],
  level: PointLevel | null,
  limit: StepLimit,
  now: Instant,
): { readonly now: M[]; readonly levelW: number } {
  let levelW = levelNow(level, limit, now)
  let isFull = false
  const told: M[] = []
  for (const move of moves) {
    const { changeW, mayWait } = move
    // What takes no room waits for none.
    if (mayWait && changeW > 0) {
      if (changeW > limit.stepMaxW) continue
      // Small ones do not overtake a large one for ever.
      isFull ||= levelW + changeW > limit.stepMaxW
      if (isFull) continue
    }
    told.push(move)
    levelW += changeW
  }
  return { now: told, levelW }
}

/**
 * Where a device goes first on its way from one power to another, W: as far as one step brings it.
 * A charger has nothing between a stop and its least power (`leastW`; 0: there is no such gap):
 * where a step does not bring it over the gap it stays on its side of it.
 */
export function stepToward(fromW: number, toW: number, stepMaxW: number, leastW: number): number {
  if (Math.abs(toW - fromW) <= stepMaxW) return toW
  const stepW = toW > fromW ? Math.floor(fromW + stepMaxW) : Math.ceil(fromW - stepMaxW)
  if (stepW <= 0 || stepW >= leastW) return stepW
  return fromW <= 0 ? 0 : leastW
}

/** How long a change of all devices together takes at least, s. */
export function secondsToChange(
  powerW: number,
  { stepMaxW, rampMaxWPerMinute }: StepLimit,
): number {
  return Math.ceil((Math.max(0, powerW - stepMaxW) * 60) / rampMaxWPerMinute)
}

/** What was told to change at a point, W, and has not drained since. */
export function levelNow(level: PointLevel | null, limit: StepLimit, now: Instant): number {
  if (level === null) return 0
  const drained = (secondsBetween(level.at, now) * limit.rampMaxWPerMinute) / 60
  return Math.max(0, level.levelW - Math.max(0, drained))
}

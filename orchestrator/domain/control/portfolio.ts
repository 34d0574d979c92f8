import type { ResourceId } from '../ids.ts'
import { shareAtPoint } from '../network-effect.ts'
import { addSeconds, type Instant } from '../time.ts'

/**
 * W that a device moved in the direction of the call, over the metering interval that ends here.
 */
export type Gave = { readonly at: Instant; readonly powerW: number }

/** A device with a part in the call: what it is told, and what its meter shows. */
export type Member = {
  readonly resourceId: ResourceId
  /** Of 10,000 W here so many are felt at the congestion point; absent: all. */
  readonly effectBp?: number
  /** When its part began: what it did before is nobody's delivery. */
  readonly partSince: Instant
  /** W that it is told to give now; 0 once it was let go. */
  readonly toldW: number
  /** From here on its readings show what it does with what it is told; null: not judged yet. */
  readonly shownFrom: Instant | null
  /** In order of time. */
  readonly gave: readonly Gave[]
}

/** What was ordered from the portfolio over the metering interval that ends here, W. */
export type Wanted = { readonly at: Instant; readonly powerW: number }

/** One look at all meters together, W at the congestion point. */
export type LoopReading = {
  readonly at: Instant
  readonly wantedW: number
  /** What all gave together, by their meters. */
  readonly givenW: number
  /** The same with what has been told and cannot be seen yet: nothing is ordered twice. */
  readonly expectedW: number
}

/**
 * Sums the meters, reading by reading. Who has not been judged by what it is told now is believed;
 * so is who was not heard: whether that is a fault is found out elsewhere, device by device.
 */
export function loopReadings(
  members: readonly Member[],
  wanted: readonly Wanted[],
  meteringIntervalSeconds: number,
): LoopReading[] {
  const givenW = wanted.map(() => 0)
  const expectedW = wanted.map(() => 0)
  for (const member of members) {
    const { partSince, shownFrom, gave } = member
    const share = shareAtPoint(member)
    const toldW = member.toldW * share
    let next = 0
    wanted.forEach(({ at }, k) => {
      while ((gave[next]?.at ?? Number.POSITIVE_INFINITY) <= at) next += 1
      const last = gave[next - 1]
      const isHeard = last !== undefined && last.at > addSeconds(at, -meteringIntervalSeconds)
      const seenW = isHeard ? last.powerW * share : toldW
      if (at > partSince) givenW[k] = (givenW[k] ?? 0) + seenW
      const isShown = shownFrom !== null && at >= shownFrom
      expectedW[k] = (expectedW[k] ?? 0) + (isShown ? seenW : toldW)
    })
  }
  return wanted.map(({ at, powerW }, k) => {
    return { at, wantedW: powerW, givenW: givenW[k] ?? 0, expectedW: expectedW[k] ?? 0 }
  })
}

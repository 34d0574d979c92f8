import type { Allocation } from '../allocation.ts'
import type { Instant } from '../time.ts'
import { toldAt } from './call-world.ts'
import type { Correction, CorrectionReason, ToldStep } from './correction.ts'
import { stepsAfter } from './told-steps.ts'

/** What a cycle was decided on. */
export type Figures = Pick<Correction, 'at' | 'errorW' | 'makeUpW'>

/**
 * What a cycle changed of the parts of a call, one line per device, in the order of the parts:
 * whatever is told anew leaves a line, and so does a part that begins, ends or is held at a minimum
 * or changed only later, with the same W before and after: without it the part would follow from
 * nothing.
 * @param from the metering boundary from which the change counts
 * @param until the end of the call's window
 */
export function correctionsBetween(
  before: readonly Allocation[],
  after: readonly Allocation[],
  from: Instant,
  until: Instant,
  figures: Figures,
): Correction[] {
  const old = new Map(before.map((part) => [part.resourceId, part]))
  return after.flatMap((part): Correction[] => {
    const was = old.get(part.resourceId)
    const [fromW, toW] = [toldAt(was, from), toldAt(part, from)]
    const later = stepsAfter(part, from, until)
    const isSame =
      part.releasedAt === was?.releasedAt &&
      part.floorW === was.floorW &&
      isAlike(later, stepsAfter(was, from, until))
    if (fromW === toW && was !== undefined && isSame) return []
    const { resourceId } = part
    const line = { ...figures, resourceId, reason: reasonOf(was, part, toW - fromW), fromW, toW }
    return [later.length === 0 ? line : { ...line, later }]
  })
}

function isAlike(some: readonly ToldStep[], others: readonly ToldStep[]): boolean {
  if (some.length !== others.length) return false
  return some.every(({ at, toW }, i) => at === others[i]?.at && toW === others[i].toW)
}

function reasonOf(was: Allocation | undefined, part: Allocation, byW: number): CorrectionReason {
  if (part.releaseReason !== undefined) return part.releaseReason
  if (part.releasedAt !== null) return 'not-responding'
  if (part.floorW !== was?.floorW) return 'cannot-pause'
  if (was === undefined) return 'reserve'
  return byW >= 0 ? 'headroom' : 'too-much'
}

import type { Allocation } from '../allocation.ts'
import type { ResourceId } from '../ids.ts'
import { addSeconds, floorToStep, type Instant } from '../time.ts'
import { toldAt } from './call-world.ts'
import type { Correction } from './correction.ts'

/** A part of a call that the log of corrections does not lead to: W that it is told by each. */
export type Unexplained = {
  readonly resourceId: ResourceId
  readonly byLogW: number | null
  readonly byPartW: number
}

/**
 * What devices ended up with must be what the log told them last: who stands in for others was
 * called by it, and who was let go was let go by it. Nothing can be checked that began with the
 * window's end.
 */
export function unexplained(
  parts: readonly Allocation[],
  log: readonly Correction[],
  until: Instant,
  meteringIntervalSeconds: number,
): Unexplained[] {
  const last = new Map(log.map((line) => [line.resourceId, line]))
  return parts.flatMap((part): Unexplained[] => {
    const { resourceId, role, releasedAt } = part
    const line = last.get(resourceId)
    if (line === undefined) {
      const isFirstOrder = role === 'order' && releasedAt === null
      const byPartW = part.periods[0]?.powerW ?? 0
      return isFirstOrder ? [] : [{ resourceId, byLogW: null, byPartW }]
    }
    const step = floorToStep(line.at, meteringIntervalSeconds)
    const from = addSeconds(step, meteringIntervalSeconds)
    const byPartW = toldAt(part, from)
    return from >= until || byPartW === line.toW ? [] : [{ resourceId, byLogW: line.toW, byPartW }]
  })
}

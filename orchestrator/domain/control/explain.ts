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
 * called by it, who was let go was let go by it, and who gives more than the gate ordered does so
 * from a line on. Nothing can be checked that began with the window's end.
 */
export function unexplained(
  parts: readonly Allocation[],
  log: readonly Correction[],
  until: Instant,
  meteringIntervalSeconds: number,
): Unexplained[] {
  const boundary = ({ at }: Correction) =>
    addSeconds(floorToStep(at, meteringIntervalSeconds), meteringIntervalSeconds)
  const linesOf = Map.groupBy(log, ({ resourceId }) => resourceId)
  return parts.flatMap((part): Unexplained[] => {
    const { resourceId, role, releasedAt, periods } = part
    const [first, line] = [linesOf.get(resourceId)?.[0], linesOf.get(resourceId)?.at(-1)]
    if (first === undefined || line === undefined) {
      const raised = periods.find(({ atGate }) => atGate !== undefined)
      if (raised !== undefined) return [{ resourceId, byLogW: null, byPartW: raised.powerW }]
      const isFirstOrder = role === 'order' && releasedAt === null
      const byPartW = periods[0]?.powerW ?? 0
      return isFirstOrder ? [] : [{ resourceId, byLogW: null, byPartW }]
    }
    const early = periods.find(({ start, atGate }) => atGate && start < boundary(first))
    if (early !== undefined) return [{ resourceId, byLogW: null, byPartW: early.powerW }]
    const from = boundary(line)
    const byPartW = toldAt(part, from)
    return from >= until || byPartW === line.toW ? [] : [{ resourceId, byLogW: line.toW, byPartW }]
  })
}

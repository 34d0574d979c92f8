import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { type Instant, secondsBetween } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/**
 * Wh that each resource has still to give to other calls after an instant, in this call's
 * direction: what is stored, or can be left out before a departure, is sold once too. What a call
 * in the other direction would bring is not counted upon.
 */
export async function energyElsewhere(
  tx: StoreTransaction,
  { id, request }: FlexibilityCall,
  at: Instant,
): Promise<ReadonlyMap<ResourceId, number>> {
  const { congestionPointId, direction } = request
  const states = ['offered', 'ordered', 'dispatched'] as const
  const found = new Map<ResourceId, number>()
  for (const other of await tx.calls.list({ states, congestionPointId, endsAfter: at })) {
    if (other.id === id || other.request.direction !== direction) continue
    for (const { resourceId, periods, releasedAt } of other.allocations) {
      if (releasedAt !== null) continue
      const wh = periods.reduce((sum, { start, end, powerW }) => {
        const seconds = Math.max(0, secondsBetween(start > at ? start : at, end))
        return sum + (powerW * seconds) / 3600
      }, 0)
      if (wh > 0) found.set(resourceId, (found.get(resourceId) ?? 0) + Math.ceil(wh))
    }
  }
  return found
}

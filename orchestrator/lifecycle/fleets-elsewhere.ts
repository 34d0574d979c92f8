import { methodFor } from '#domain/baseline/candidate.ts'
import { isOfFleet } from '#domain/baseline/fleet.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/**
 * Who belongs to a fleet that another call settles as a whole at the same time, ordered there or
 * not. Were such a device moved by this call too, the other would be paid for what it then does not
 * draw.
 */
export async function fleetsElsewhere(
  tx: StoreTransaction,
  { id, request }: FlexibilityCall,
): Promise<ReadonlyMap<ResourceId, CallId>> {
  const { congestionPointId, window } = request
  const states = ['offered', 'ordered', 'dispatched'] as const
  const members = new Map<ResourceId, CallId>()
  for (const other of await tx.calls.list({ states, congestionPointId })) {
    if (other.id === id || other.request.window.end <= window.start) continue
    for (const { resourceId, kind, baseline } of other.candidates) {
      if (!isOfFleet(methodFor(other.program, kind)) || baseline.refused !== null) continue
      // From the periods on that set its fleet's level.
      const from = instant(Math.min(other.request.window.start, ...(baseline.level?.starts ?? [])))
      if (from < window.end) members.set(resourceId, other.id)
    }
  }
  return members
}

import { armingsOf } from '#domain/arming.ts'
import { leaseOf, mayLead } from '#domain/control-lease.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { deviceFacts } from './device-facts.ts'

/**
 * The droop curves that a call of frequency response wants: on each of its devices that nobody
 * stronger has taken back, until its part ends; taken back where the device was let go.
 */
export async function orderArmings(
  tx: StoreTransaction,
  call: FlexibilityCall,
  now: Instant,
): Promise<void> {
  const { frequency } = call.program
  if (frequency === undefined) return
  await tx.control.lock([call.request.congestionPointId])
  const wanted = armingsOf(call, frequency)
  const ids = wanted.map(({ resourceId }) => resourceId)
  const devices = await deviceFacts(tx, call, ids, now)
  const free = wanted.filter(({ resourceId }) => {
    const facts = devices.get(resourceId)?.facts
    if (facts === undefined) return false
    return mayLead(leaseOf({ ...facts, kind: facts.resource.kind }, now), call.id)
  })
  await tx.armings.want(free)
  const releases = new Map(
    call.allocations.map(({ resourceId, releasedAt }) => [resourceId, releasedAt]),
  )
  for (const { resourceId, validUntil, recording, refusal } of await tx.armings.ofCall(call.id)) {
    const releasedAt = releases.get(resourceId) ?? null
    const isOver = releasedAt === null || releasedAt >= validUntil
    if (isOver || recording !== null || refusal !== null) continue
    await tx.armings.progress(call.id, resourceId, { validUntil: releasedAt })
  }
}

/** Takes back whatever is armed on devices, whichever call wants it; gateways make it true. */
export async function disarm(
  tx: StoreTransaction,
  ids: readonly ResourceId[],
  now: Instant,
): Promise<void> {
  for (const { callId, resourceId, validUntil } of await tx.armings.open(ids)) {
    if (validUntil > now) await tx.armings.progress(callId, resourceId, { validUntil: now })
  }
}

import { hasCurves } from '#domain/armed-curve.ts'
import { type Arming, armingsOf } from '#domain/arming.ts'
import { leaseOf, mayLead } from '#domain/control-lease.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { deviceFacts } from './device-facts.ts'

/**
 * The curves that a call wants by which devices answer: on each of its devices that nobody
 * stronger has taken back, until its part ends; taken back where the device was let go. True: the
 * gateways have something to make true.
 */
export async function orderArmings(
  tx: StoreTransaction,
  call: FlexibilityCall,
  now: Instant,
): Promise<boolean> {
  if (!hasCurves(call.program)) return false
  await tx.control.lock([call.request.congestionPointId])
  const wanted = armingsOf(call)
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
  return (await tx.armings.ofCall(call.id)).some((one) => isDue(one, now))
}

function isDue(arming: Arming, now: Instant): boolean {
  const { validUntil, armedAt, disarmedAt, refusal } = arming
  if (refusal !== null) return false
  return now < validUntil ? armedAt === null : disarmedAt === undefined
}

/**
 * Takes back whatever is armed on devices, whichever call wants it; gateways make it true. Returns
 * of which devices.
 */
export async function disarm(
  tx: StoreTransaction,
  ids: readonly ResourceId[],
  now: Instant,
): Promise<ResourceId[]> {
  const standing = (await tx.armings.open(ids)).filter(({ validUntil }) => validUntil > now)
  for (const { callId, resourceId } of standing) {
    await tx.armings.progress(callId, resourceId, { validUntil: now })
  }
  return standing.map(({ resourceId }) => resourceId)
}

/** Devices on which a curve was taken back since an instant, and that have not said so yet. */
export async function stillArmed(
  tx: StoreTransaction,
  ids: readonly ResourceId[],
  since: Instant,
  now: Instant,
): Promise<ResourceId[]> {
  return (await tx.armings.open(ids))
    .filter(({ disarmedAt, validUntil }) => {
      return disarmedAt === undefined && validUntil >= since && validUntil <= now
    })
    .map(({ resourceId }) => resourceId)
}

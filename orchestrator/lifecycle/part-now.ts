import type { Allocation } from '#domain/allocation.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/**
 * The call whose window runs and in which a device has a part, also where it only stands by and
 * holds no setpoint; null: none.
 */
export async function partNow(
  tx: StoreTransaction,
  resourceId: ResourceId,
  now: Instant,
): Promise<{ readonly call: FlexibilityCall; readonly part: Allocation } | null> {
  const promised = await tx.promises.taken([resourceId], now, addSeconds(now, 1))
  const [row] = await tx.setpoints.current([resourceId])
  const isLed = row !== undefined && row.powerW !== null && row.validUntil > now
  const ids = new Set([...(isLed ? [row.callId] : []), ...promised.map(({ callId }) => callId)])
  for (const id of ids) {
    const call = await tx.calls.find(id)
    if (call?.state !== 'dispatched' || call.cancelledAt !== null) continue
    const part = call.allocations.find((one) => one.resourceId === resourceId)
    if (part !== undefined && part.releasedAt === null) return { call, part }
  }
  return null
}

import { deliveryEnd, type FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { measuredResources } from '#domain/measurement.ts'
import type { Reading } from '#domain/telemetry.ts'
import { addSeconds } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/**
 * The readings from which the registers at every boundary of a call's window can be known. Those at
 * its start or its end may be lost, with a line or with us: for such a device the nearest one
 * beside the window stands in, as far away as between any two readings (`registerAt`). `others`:
 * resources outside the call whose readings are wanted beside its own.
 */
export async function windowReadings(
  tx: StoreTransaction,
  call: FlexibilityCall,
  others: readonly ResourceId[] = [],
): Promise<Reading[]> {
  const { start } = call.request.window
  const end = deliveryEnd(call)
  const { meteringIntervalSeconds, settlementPeriodSeconds: longestGap } = call.program
  const ids = [...measuredResources(call), ...others]
  const within = await tx.readings.between(
    ids,
    addSeconds(start, -meteringIntervalSeconds),
    addSeconds(end, meteringIntervalSeconds),
  )
  const without = (holds: (reading: Reading) => boolean) => {
    const having = new Set(within.filter(holds).map(({ resourceId }) => resourceId))
    return ids.filter((id) => !having.has(id))
  }
  const noStart = without(({ at }) => at <= start)
  const noEnd = without(({ at }) => at >= end)
  if (noStart.length === 0 && noEnd.length === 0) return within
  const before = (await tx.readings.lastBefore(noStart, start)).filter(
    ({ at }) => at >= addSeconds(start, -longestGap),
  )
  const after = firstOfEach(await tx.readings.between(noEnd, end, addSeconds(end, longestGap)))
  return [...before, ...within, ...after].sort(inOrder)
}

/** Of readings in order of time. */
function firstOfEach(readings: readonly Reading[]): Reading[] {
  const seen = new Set<string>()
  return readings.filter(({ resourceId }) => {
    const isFirst = !seen.has(resourceId)
    seen.add(resourceId)
    return isFirst
  })
}

function inOrder(a: Reading, b: Reading): number {
  if (a.resourceId !== b.resourceId) return a.resourceId < b.resourceId ? -1 : 1
  return a.at - b.at
}

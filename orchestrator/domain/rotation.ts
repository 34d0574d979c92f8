import { orderedEnergy } from './delivery.ts'
import type { CallState, FlexibilityCall } from './flexibility-call.ts'
import type { ResourceId } from './ids.ts'

/** Calls that are to move devices, or have moved them; a refunded one has where it was dispatched. */
const MOVING: ReadonlySet<CallState> = new Set([
  'ordered',
  'dispatched',
  'measured',
  'verified',
  'settled',
  'paid',
])

/** Who was called how much of what each had offered, over some calls. */
export type Rotation = {
  /** Basis points of the offered energy that was called; who was never called is absent. */
  readonly calledBp: ReadonlyMap<ResourceId, number>
  /**
   * How unevenly that fell on those who offered: the Gini coefficient of their shares in basis
   * points, 0 where all were called alike. null: nobody was called.
   */
  readonly giniBp: number | null
}

/** Energy called over energy offered, per resource; calls that moved nobody do not count. */
export function rotationOf(calls: readonly FlexibilityCall[]): Rotation {
  const offered = new Map<ResourceId, number>()
  const called = new Map<ResourceId, number>()
  const add = (sums: Map<ResourceId, number>, id: ResourceId, wh: number) =>
    sums.set(id, (sums.get(id) ?? 0) + wh)
  for (const { state, candidates, allocations, windowStartCommitment } of calls) {
    if (!MOVING.has(state) && windowStartCommitment === null) continue
    for (const { resourceId, offeredWh = 0 } of candidates) add(offered, resourceId, offeredWh)
    for (const { resourceId, periods } of allocations) {
      const wh = periods.reduce((sum, period) => sum + orderedEnergy(period), 0)
      add(called, resourceId, wh)
    }
  }
  const shares = [...offered]
    .filter(([, wh]) => wh > 0)
    .map(([id, wh]) => [id, Math.floor(((called.get(id) ?? 0) * 10_000) / wh)] as const)
  return {
    calledBp: new Map(shares.filter(([, share]) => share > 0)),
    giniBp: giniBpOf(shares.map(([, share]) => share)),
  }
}

/** The Gini coefficient of values of at least 0, in basis points; null where all are 0. */
export function giniBpOf(values: readonly number[]): number | null {
  const sum = values.reduce((all, value) => all + value, 0)
  if (sum === 0) return null
  const rising = values.toSorted((a, b) => a - b)
  const ranked = rising.reduce((all, value, i) => all + (i + 1) * value, 0)
  const count = values.length
  return Math.round(((2 * ranked) / (count * sum) - (count + 1) / count) * 10_000)
}

import type { Candidate } from './allocation.ts'
import { orderedEnergy } from './delivery.ts'
import type { CallState, FlexibilityCall } from './flexibility-call.ts'
import type { ResourceId } from './ids.ts'
import type { MicroEurPerKwh } from './money.ts'

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

type Priced = Pick<Candidate, 'price' | 'effectBp'>

/**
 * The price that each device counts with in merit order: of those whose prices lie within a band
 * (basis points above the cheapest of them) that of the cheapest, so that among them rotation
 * decides, and not the last cent. It is paid what it asks. Only devices of the same effect share a
 * band: of others the price per watt at the point differs with the price that is paid.
 */
export function bandPrices(all: readonly Priced[], bandBp: number): MicroEurPerKwh[] {
  const rising = all
    .map((one, i) => ({ ...one, i }))
    .toSorted((a, b) => (a.price < b.price ? -1 : 1))
  const lowest = new Map<number | undefined, MicroEurPerKwh>()
  const found = all.map(({ price }) => price)
  for (const { i, price, effectBp } of rising) {
    const base = lowest.get(effectBp)
    const isWithin = base !== undefined && price * 10_000n <= base * BigInt(10_000 + bandBp)
    if (isWithin) found[i] = base
    else lowest.set(effectBp, price)
  }
  return found
}

/** Candidates with what they count with in merit order. */
export function inPriceBands(all: readonly Candidate[], bandBp: number): Candidate[] {
  if (bandBp === 0) return [...all]
  const counted = bandPrices(all, bandBp)
  return all.map((one, i) => {
    const bandPrice = counted[i] ?? one.price
    return bandPrice === one.price ? one : { ...one, bandPrice }
  })
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

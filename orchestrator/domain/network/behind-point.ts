import type { ResourceId, SiteId } from '../ids.ts'
import type { Resource } from '../resource.ts'
import { branchIndex, type Feeder } from './feeder.ts'
import { effectOnBranch } from './sensitivity.ts'
import { busesOf, type NetworkStatement, readFeeder, type StoredFeeder } from './stored-feeder.ts'

/** What a feeder says of the resources that are enrolled at a congestion point. */
export type BehindPoint = {
  readonly feeder: Feeder
  readonly statement: Omit<NetworkStatement, 'leftOut'>
  /** Places of their buses; one that the feeder does not place stands at the branch's far end. */
  readonly buses: ReadonlyMap<ResourceId, number>
  /** W off the branch per 10,000 W less at each that is placed: 0 where it lies elsewhere. */
  readonly effectBp: ReadonlyMap<ResourceId, number>
  /** Of those that the feeder does not place by themselves: their sites, whether it places them or not. */
  readonly siteOf: ReadonlyMap<ResourceId, SiteId>
}

type Enrolled = Pick<Resource, 'id' | 'siteId'>

/** @throws Error if the feeder that was stored cannot be used any more */
export function behindPoint(stored: StoredFeeder, resources: readonly Enrolled[]): BehindPoint {
  const { feeder } = readFeeder(JSON.parse(stored.text), stored.branchId, { strict: false })
  const placeOf = busesOf(feeder)
  const placed = resources.map((resource) => ({ id: resource.id, bus: placeOf(resource) }))
  const effects = effectOnBranch(feeder, stored.branchId)
  if (effects === null) throw new Error(`feeder ${stored.hash} has no solution any more`)
  const own = new Set(feeder.resources.map(({ resourceId }) => resourceId))
  const bySite = resources.filter(({ id }) => !own.has(id))
  const farEnd = branchIndex(feeder, stored.branchId) + 1
  return {
    feeder,
    statement: {
      feederHash: stored.hash,
      feederVersion: stored.version,
      branchId: stored.branchId,
      unplaced: placed.filter(({ bus }) => bus === null).length,
    },
    buses: new Map(placed.map(({ id, bus }) => [id, bus ?? farEnd])),
    effectBp: new Map(
      placed.flatMap(({ id, bus }) => {
        if (bus === null) return []
        return [[id, effectBpOf(effects, bus)] as const]
      }),
    ),
    siteOf: new Map(bySite.map(({ id, siteId }) => [id, siteId])),
  }
}

/** W off the branch per 10,000 W less at a bus, whole; never below 0. */
export function effectBpOf(effects: readonly number[], bus: number): number {
  return Math.max(0, Math.round((effects[bus] ?? 0) * 10_000))
}

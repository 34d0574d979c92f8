import type { OrganisationId, OwnerId, ResourceId } from './ids.ts'
import type { MicroEurPerKwh } from './money.ts'
import type { BaselineMethod } from './program.ts'
import type { ResourceKind } from './resource.ts'
import type { Instant } from './time.ts'

/** W ordered from one resource in one settlement period, positive in the call's direction. */
export type AllocatedPeriod = {
  readonly start: Instant
  readonly powerW: number
  /** What the device is told: charger: import limit, battery: power; W, + is import. */
  readonly setpointW: number
}

/** One resource's part of a call, in merit order. */
export type Allocation = {
  readonly resourceId: ResourceId
  readonly ownerId: OwnerId
  readonly aggregatorId: OrganisationId
  readonly kind: ResourceKind
  readonly price: MicroEurPerKwh
  readonly baselineMethod: BaselineMethod
  /** 'order' from the start, 'repair' when it replaced another inside the window. */
  readonly role: 'order' | 'repair'
  readonly periods: readonly AllocatedPeriod[]
  /** Set when it was found not to obey: unpaid for the window, its deviation still nets. */
  readonly releasedAt: Instant | null
}

/** Why a resource at this congestion point got no part, in words for its aggregator. */
export type SkippedResource = {
  readonly resourceId: ResourceId
  readonly reason:
    | 'price-above-cap'
    | 'not-offered'
    | 'not-connected'
    | 'no-capability'
    | 'already-promised'
    | 'no-baseline'
    | 'departure'
    | 'not-needed'
    | 'not-responding'
  readonly detail: string
}

import { meritFill } from './allocation/merit-fill.ts'
import { allocationsOf, limitsOf, STEP_W, wantedOf } from './allocation/offers.ts'
import type { CandidateBaseline, MethodReference } from './baseline/candidate.ts'
import type { OrganisationId, OwnerId, ResourceId, SiteId } from './ids.ts'
import type { MicroEurPerKwh } from './money.ts'
import { atPoint, effectsOf } from './network-effect.ts'
import type { OfferConditions } from './offer-conditions.ts'
import type { Direction, Rating, ResourceKind } from './resource.ts'
import { type Instant, instant } from './time.ts'
import type { BasisPoints } from './units.ts'

/** W ordered from one resource in (a part of) one settlement period, positive in the direction. */
export type AllocatedPeriod = {
  readonly start: Instant
  readonly end: Instant
  readonly powerW: number
  /** What the device is told: charger: import limit, battery: power; W, + is import. */
  readonly setpointW: number
  /** What the gate ordered, where the closed loop has raised it since; absent: that it is still. */
  readonly atGate?: { readonly powerW: number; readonly setpointW: number }
}

/** One resource's part of a call, in merit order. */
export type Allocation = {
  readonly resourceId: ResourceId
  /** 'order' from the start, 'repair' when it replaced another inside the window. */
  readonly role: 'order' | 'repair'
  readonly periods: readonly AllocatedPeriod[]
  /** Set when it was found not to obey: unpaid for the window, its deviation still nets. */
  readonly releasedAt: Instant | null
  /** Found in the window not to go below this, W: what it was to give beyond comes from others. */
  readonly floorW?: number
  /** Released by its driver's wish or its owner's limits: the periods that had ended are paid. */
  readonly releaseReason?: 'overridden' | 'owner-limit'
}

/** What stands about one resource when the gate closes; fixed in the call's terms. */
export type Candidate = {
  readonly resourceId: ResourceId
  readonly ownerId: OwnerId
  readonly aggregatorId: OrganisationId
  readonly aggregatorShareBp: BasisPoints
  readonly kind: ResourceKind
  readonly rating: Rating
  readonly price: MicroEurPerKwh
  /** It counts with this in merit order, the least price of its band; absent: with its own. */
  readonly bandPrice?: MicroEurPerKwh
  /** W off the congested element per 10,000 W here, by the feeder in the terms; absent: as many. */
  readonly effectBp?: number
  /** By which the feeder in the terms places it; absent: by itself, or there is none. */
  readonly siteId?: SiteId
  /** Of what it offered in 30 days so much was called, in basis points; the least goes first. */
  readonly calledBp?: number
  /** What it could have given this call, Wh; absent: nothing. */
  readonly offeredWh?: number
  /** What its offer is tied to; absent: nothing. */
  readonly conditions?: OfferConditions
  readonly baselineMethod: MethodReference
  /** The raw curve, W per settlement period; empty where the method reads it at window start. */
  readonly baselineW: readonly number[]
  /** The same exactly, the days that it stands on, and why others do not count. */
  readonly baseline: CandidateBaseline
}

/** What one candidate can do now, per settlement period. */
export type Offerable = {
  readonly candidate: Candidate
  /** The power from which it moves, W, + is import: what its setpoint is counted from. */
  readonly fromW: readonly number[]
  /** The most it can move in the direction, W per period. */
  readonly powerMaxW: readonly number[]
  /** The most energy it can give over what is allocated, Wh. */
  readonly energyMaxWh: number
}

/** W at the congestion point. */
export type PeriodNeed = {
  readonly start: Instant
  readonly end: Instant
  readonly powerW: number
  /** Before this no device is told of it; absent: from the first period's start on it may be. */
  readonly toldFrom?: Instant
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
    | 'driver-override'
    | 'kept-by-owner'
    | 'no-consent'
    | 'limited-elsewhere'
    | 'notice-too-short'
    | 'calls-per-day'
    | 'resting'
    | 'part-refused'
    | 'no-effect'
    | 'would-congest'
    | 'not-needed'
    | 'control-group'
    | 'not-responding'
  readonly detail: string
}

/**
 * Fills the need of each period in merit order: cheapest effect first, of equal ones who was
 * called least. Powers are whole hundreds of W; a charger never gets a setpoint between 0 and its minimum
 * (IEC 61851). A device short of energy spreads it evenly over the periods, so that it lasts.
 */
export function allocate(
  needs: readonly PeriodNeed[],
  offers: readonly Offerable[],
  direction: Direction,
  role: Allocation['role'],
): Allocation[] {
  const devices = offers.map((offer) => limitsOf(offer, needs, direction))
  const { powerW } = meritFill(devices, wantedOf(needs), { stepW: STEP_W })
  return allocationsOf(offers, needs, powerW, direction, role)
}

/** W ordered in each settlement period, at the congestion point: what the DSO was promised. */
export function orderedPerPeriod(
  periodStarts: readonly Instant[],
  allocations: readonly Allocation[],
  candidates: readonly Candidate[],
): number[] {
  const effectOf = effectsOf(candidates)
  const ordered = allocations.filter((allocation) => allocation.role === 'order')
  return periodStarts.map((start) =>
    atPoint(
      ordered.flatMap(({ resourceId, periods }) => {
        const mine = periods.filter((period) => period.start === start)
        const effectBp = effectOf(resourceId)
        return mine.map(({ powerW: amount }) => ({ amount, effectBp }))
      }),
    ),
  )
}

/** The allocated period in force at an instant. */
export function periodAt(
  allocation: Pick<Allocation, 'periods'>,
  at: Instant,
): AllocatedPeriod | undefined {
  return allocation.periods.find((period) => period.start <= at && at < period.end)
}

/** Cuts allocated periods at an instant: what lies behind it is not ordered any more. */
export function cutAt(periods: readonly AllocatedPeriod[], at: Instant): AllocatedPeriod[] {
  return periods
    .filter((period) => period.start < at)
    .map((period) => (period.end > at ? { ...period, end: instant(at) } : period))
}

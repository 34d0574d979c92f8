import type { CandidateBaseline, MethodReference } from './baseline/candidate.ts'
import type { OrganisationId, OwnerId, ResourceId } from './ids.ts'
import type { MicroEurPerKwh } from './money.ts'
import type { Direction, Rating, ResourceKind } from './resource.ts'
import { type Instant, instant, secondsBetween } from './time.ts'
import type { BasisPoints } from './units.ts'

/** W ordered from one resource in (a part of) one settlement period, positive in the direction. */
export type AllocatedPeriod = {
  readonly start: Instant
  readonly end: Instant
  readonly powerW: number
  /** What the device is told: charger: import limit, battery: power; W, + is import. */
  readonly setpointW: number
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
  /** Released by the wish of its driver: the settlement periods that had ended before are paid. */
  readonly releaseReason?: 'overridden'
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

export type PeriodNeed = { readonly start: Instant; readonly end: Instant; readonly powerW: number }

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
    | 'limited-elsewhere'
    | 'not-needed'
    | 'control-group'
    | 'not-responding'
  readonly detail: string
}

const STEP_W = 100

/**
 * Fills the need of each period in merit order: cheapest first, equal prices by id. Powers are
 * whole hundreds of W; a charger never gets a setpoint between 0 and its minimum (IEC 61851).
 * A device short of energy spreads it evenly over the periods, so that it lasts.
 */
export function allocate(
  needs: readonly PeriodNeed[],
  offers: readonly Offerable[],
  direction: Direction,
  role: Allocation['role'],
): Allocation[] {
  const open = needs.map((need) => need.powerW)
  const allocations: Allocation[] = []
  for (const offer of [...offers].sort(meritOrder)) {
    const lastingW = lastingPower(offer, needs)
    const periods = needs.flatMap((need, i) => {
      const wanted = Math.max(0, open[i] ?? 0)
      const powerW = take(offer, i, Math.min(wanted, lastingW), direction)
      if (powerW <= 0) return []
      open[i] = (open[i] ?? 0) - powerW
      const from = offer.fromW[i] ?? 0
      const setpointW = setpointOf(offer.candidate, from, powerW, direction)
      return [{ start: need.start, end: need.end, powerW, setpointW }]
    })
    if (periods.length > 0) {
      allocations.push({
        resourceId: offer.candidate.resourceId,
        role,
        periods,
        releasedAt: null,
      })
    }
    if (open.every((powerW) => powerW < STEP_W)) break
  }
  return allocations
}

export function meritOrder(a: Offerable, b: Offerable): number {
  if (a.candidate.price !== b.candidate.price) {
    return a.candidate.price < b.candidate.price ? -1 : 1
  }
  return a.candidate.resourceId < b.candidate.resourceId ? -1 : 1
}

/** The power it can hold over all periods with a need, given its energy. */
function lastingPower(offer: Offerable, needs: readonly PeriodNeed[]): number {
  const seconds = needs.reduce(
    (sum, need, i) =>
      need.powerW > 0 && (offer.powerMaxW[i] ?? 0) > 0
        ? sum + secondsBetween(need.start, need.end)
        : sum,
    0,
  )
  return seconds === 0 ? 0 : (offer.energyMaxWh * 3600) / seconds
}

function take(offer: Offerable, period: number, wantedW: number, direction: Direction): number {
  const most = Math.min(wantedW, offer.powerMaxW[period] ?? 0)
  const { kind, rating } = offer.candidate
  const from = offer.fromW[period] ?? 0
  if (kind === 'charger' && direction === 'reduce-import') {
    // A car that gives back: there is no minimum below 0.
    if (rating.exportMaxW > 0 && most > from) return floorToStepW(most)
    if (rating.pausable && from > 0 && most >= from) return floorToStepW(from)
    return floorToStepW(Math.min(most, from - rating.importMinW))
  }
  return floorToStepW(most)
}

function setpointOf(c: Candidate, fromW: number, powerW: number, direction: Direction): number {
  if (direction === 'increase-import') return fromW + powerW
  const left = fromW - powerW
  if (c.kind === 'charger' && left < 0) return c.rating.exportMaxW > 0 ? left : 0
  return c.kind === 'charger' && left < c.rating.importMinW ? 0 : left
}

function floorToStepW(powerW: number): number {
  return Math.max(0, Math.floor(powerW / STEP_W) * STEP_W)
}

/** W ordered from the portfolio in each settlement period: what the DSO was promised. */
export function orderedPerPeriod(
  periodStarts: readonly Instant[],
  allocations: readonly Allocation[],
): number[] {
  return periodStarts.map((start) =>
    allocations
      .filter((allocation) => allocation.role === 'order')
      .flatMap((allocation) => allocation.periods)
      .filter((period) => period.start === start)
      .reduce((sum, period) => sum + period.powerW, 0),
  )
}

/** The allocated period in force at an instant. */
export function periodAt(allocation: Allocation, at: Instant): AllocatedPeriod | undefined {
  return allocation.periods.find((period) => period.start <= at && at < period.end)
}

/** Cuts allocated periods at an instant: what lies behind it is not ordered any more. */
export function cutAt(periods: readonly AllocatedPeriod[], at: Instant): AllocatedPeriod[] {
  return periods
    .filter((period) => period.start < at)
    .map((period) => (period.end > at ? { ...period, end: instant(at) } : period))
}

import { type Activation, inForce, type Stretch } from './activation.ts'
import { type AllocatedPeriod, type Allocation, type Candidate, periodAt } from './allocation.ts'
import { type Limits, planOf, type Wanted } from './allocation/limits.ts'
import { meritFill } from './allocation/merit-fill.ts'
import { countedPrice, STEP_W } from './allocation/offers.ts'
import { toppedUp } from './allocation/topped-up.ts'
import type { FlexibilityCall } from './flexibility-call.ts'
import type { ResourceId } from './ids.ts'
import { atPoint, effectsOf, WHOLE_EFFECT_BP } from './network-effect.ts'
import { standInSeconds } from './offer-conditions.ts'
import { onTimeDetail, type PassedOver } from './passed-over.ts'
import { belowFloorW, partIn } from './reserve.ts'
import type { Direction } from './resource.ts'
import type { StandbyRule } from './standby.ts'
import { type Instant, nextStep, secondsBetween } from './time.ts'

/** A call's parts, when they are used, and the rules by which a fraction of them is chosen. */
export type Reserved = Pick<FlexibilityCall, 'activations' | 'allocations' | 'candidates'> & {
  readonly program: Pick<FlexibilityCall['program'], 'meteringIntervalSeconds'>
  readonly request: Pick<FlexibilityCall['request'], 'direction'>
  /** Of the terms: by the third, who takes over counts its least time from then; absent: the first. */
  readonly standbyRule?: StandbyRule
}

/** What one device is to give of what it holds, W, and what it is told. */
type Share = Pick<AllocatedPeriod, 'powerW' | 'setpointW'>

/** A stretch of an activation in which the same devices stand by, and who gives how much. */
type Piece = Stretch & { readonly shares: ReadonlyMap<ResourceId, Share> }

/**
 * Allocations with the periods in which they have to give, and what: all of an ordinary call. Of a
 * call that stands by what was activated: all that is held, or by merit order as much of it as the
 * DSO asked for, and the others go on standing by. Who is let go of gives nothing from the next
 * metering boundary on; the next in merit order takes over, and who gives already stays.
 */
export function activated(call: Reserved): readonly Allocation[] {
  const { activations, allocations } = call
  if (activations === undefined) return allocations
  const used = activations.map((activation) => {
    return {
      activation,
      pieces: activation.powerW === undefined ? null : piecesOf(call, activation),
    }
  })
  return allocations.map((allocation) => ({
    ...allocation,
    periods: allocation.periods.flatMap((period) =>
      used.flatMap(({ activation, pieces }) =>
        pieces === null
          ? inForce(period, [activation])
          : sharesIn(period, pieces, allocation.resourceId),
      ),
    ),
  }))
}

/** Of calls that do not change: control cycles ask for one device after the other. */
const known = new WeakMap<Reserved, ReadonlyMap<ResourceId, Allocation>>()

/** The same of one device; undefined: it has no part in the call. */
export function activatedPart(call: Reserved, resourceId: ResourceId): Allocation | undefined {
  let parts = known.get(call)
  if (parts === undefined) {
    parts = new Map(activated(call).map((part) => [part.resourceId, part]))
    known.set(call, parts)
  }
  return parts.get(resourceId)
}

/** Who stands by and could not take over in the activation that runs: less than its least time was left. */
export function tooLateToTakeOver(call: Reserved, at: Instant): PassedOver[] {
  const running = call.activations?.find(({ start, end }) => start <= at && at < end)
  if (running?.powerW === undefined) return []
  const piece = piecesOf(call, running).find(({ start, end }) => start <= at && at < end)
  if (piece === undefined || piece.start === running.start) return []
  // Where nobody was let go of there is nobody to take over for.
  if (!call.allocations.some((one) => goneAt(call, one) === piece.start)) return []
  return standingBy(call, piece).flatMap((one): PassedOver[] => {
    const { resourceId, candidate } = one
    if (piece.shares.has(resourceId) || mayStart(call, one, running, piece.start)) return []
    const least = candidate.conditions?.onSecondsMin ?? 0
    const left = secondsBetween(piece.start, running.end)
    return [{ resourceId, reason: 'on-time', detail: onTimeDetail(least, left) }]
  })
}

/** W that a device is told to give at an instant: 0 where it only stands by, or has no part. */
export function toldToGiveW(call: Reserved, resourceId: ResourceId, at: Instant): number {
  const part = activatedPart(call, resourceId)
  return (part && periodAt(part, at)?.powerW) ?? 0
}

/**
 * The least that an activation of a fraction gets at the congestion point in any part of it, W with
 * what effects make of whole W, and what all that stand by then could give together, whole W.
 */
export function leastActivated(
  call: Reserved,
  activation: Activation,
): { readonly givenW: number; readonly heldW: number } {
  const effectOf = effectsOf(call.candidates)
  const found = piecesOf(call, activation).map((piece) => {
    const given = [...piece.shares].reduce((sum, [id, { powerW }]) => {
      return sum + powerW * effectOf(id)
    }, 0)
    return { givenW: given / WHOLE_EFFECT_BP, heldW: heldAtPoint(call, piece) }
  })
  return found.reduce((least, one) => (one.givenW < least.givenW ? one : least), {
    givenW: Number.POSITIVE_INFINITY,
    heldW: Number.POSITIVE_INFINITY,
  })
}

/** W at the congestion point that stand by throughout a stretch, used or not. */
function heldAtPoint(call: Reserved, stretch: Stretch): number {
  return atPoint(heldParts(call, stretch))
}

/** What each device gives of that at its own meter, W, and what it does at the congestion point. */
export function heldParts(
  call: Reserved,
  stretch: Stretch,
): { readonly amount: number; readonly effectBp: number }[] {
  const effectOf = effectsOf(call.candidates)
  return standingBy(call, stretch).map(({ resourceId, period }) => {
    return { amount: period.powerW, effectBp: effectOf(resourceId) }
  })
}

function piecesOf(call: Reserved, activation: Activation): Piece[] {
  const { start, end, powerW: wantedW = 0 } = activation
  const bounds = new Set<Instant>([start, end])
  for (const allocation of call.allocations) {
    const changes = allocation.periods.flatMap((period) => [period.start, period.end])
    for (const at of [...changes, goneAt(call, allocation)]) {
      if (at !== null && at > start && at < end) bounds.add(at)
    }
  }
  const at = [...bounds].sort((a, b) => a - b)
  const pieces: Piece[] = []
  for (const [i, from] of at.slice(0, -1).entries()) {
    const until = at[i + 1] as Instant
    const before = pieces.at(-1)?.shares ?? new Map<ResourceId, Share>()
    const stretch = { start: from, end: until }
    const all = standingBy(call, stretch).filter((one) => {
      return before.has(one.resourceId) || mayStart(call, one, activation, from)
    })
    const shares = filled(
      call,
      all.filter(({ resourceId }) => before.has(resourceId)),
      all.filter(({ resourceId }) => !before.has(resourceId)),
      wantedW,
    )
    pieces.push({ ...stretch, shares })
  }
  return pieces
}

/** From when on nothing is expected of a device that was let go of. */
function goneAt({ program }: Reserved, { releasedAt }: Allocation): Instant | null {
  if (releasedAt === null) return null
  const interval = program.meteringIntervalSeconds
  return nextStep(releasedAt, interval)
}

type StandingBy = {
  readonly resourceId: ResourceId
  readonly candidate: Candidate
  readonly period: AllocatedPeriod
}

function standingBy(call: Reserved, { start, end }: Stretch): StandingBy[] {
  const byId = new Map(call.candidates.map((one) => [one.resourceId, one]))
  return call.allocations.flatMap((allocation): StandingBy[] => {
    const { resourceId, floorW } = allocation
    const gone = goneAt(call, allocation)
    const period = partIn(allocation, start, end)
    const candidate = byId.get(resourceId)
    if (candidate === undefined || period === undefined) return []
    if (gone !== null && start >= gone) return []
    const lessW = floorW === undefined ? 0 : belowFloorW(period, floorW)
    const setpointW = Math.max(period.setpointW, floorW ?? period.setpointW)
    return [
      { resourceId, candidate, period: { ...period, powerW: period.powerW - lessW, setpointW } },
    ]
  })
}

/**
 * An offer that is tied to a least time is not used for less of it; who takes over for somebody
 * counts it from there, unless its owner lets it go on for less.
 */
function mayStart(
  { standbyRule }: Pick<Reserved, 'standbyRule'>,
  { candidate: { conditions = {} } }: StandingBy,
  { start, end }: Activation,
  from: Instant,
): boolean {
  const takesOver = from > start && standbyRule === 3
  if (takesOver) return standInSeconds(conditions, secondsBetween(from, end)) !== null
  return (conditions.onSecondsMin ?? 0) <= secondsBetween(start, end)
}

/**
 * Who gives how much of what is wanted at the congestion point: first those that give already, then
 * the others, each in merit order and in whole steps; what steps leave open is given in whole W.
 */
function filled(
  { request: { direction } }: Reserved,
  staying: readonly StandingBy[],
  coming: readonly StandingBy[],
  wantedW: number,
): Map<ResourceId, Share> {
  const steps = { stepW: STEP_W }
  const limitsOfAll = (some: readonly StandingBy[]) => some.map((one) => limitsOf(one, direction))
  const [kept, others] = [limitsOfAll(staying), limitsOfAll(coming)]
  const first = meritFill(kept, forAnHour(wantedW), steps)
  const then = meritFill(others, forAnHour(first.unservedWh), steps)
  const limits = [...kept, ...others]
  const wanted = forAnHour(wantedW)
  const inSteps = planOf(limits, wanted, [...first.powerW, ...then.powerW])
  // The DSO has named a power: it is met whatever the last W costs.
  const exact = { ...steps, unservedPrice: Number.POSITIVE_INFINITY }
  const { powerW } = toppedUp(limits, wanted, inSteps, exact)
  const shares = new Map<ResourceId, Share>()
  for (const [i, { resourceId, period }] of [...staying, ...coming].entries()) {
    const given = powerW[i]?.[0] ?? 0
    if (given <= 0) continue
    const lessW = (direction === 'reduce-import' ? 1 : -1) * (period.powerW - given)
    shares.set(resourceId, { powerW: given, setpointW: period.setpointW + lessW })
  }
  return shares
}

/** Energy is held for all of the window: any length will do, and in an hour W are Wh. */
function forAnHour(powerW: number): Wanted {
  return { powerW: [powerW], hours: [1] }
}

/** What it may give of what it holds: a charger goes on at its least power or more, or stops. */
function limitsOf({ candidate, period }: StandingBy, direction: Direction): Limits {
  const { resourceId, effectBp, calledBp = 0, kind, rating, conditions = {} } = candidate
  const { powerW, setpointW } = period
  const plain = {
    id: resourceId,
    price: Number(countedPrice(candidate)),
    energyWh: Number.POSITIVE_INFINITY, // held for all of the window when the gate closed
    rotation: calledBp,
    ...(effectBp === undefined ? {} : { effect: effectBp / 10_000 }),
  }
  const least = conditions.powerMinW ?? 0
  if (conditions.allOrNothing === true) return { ...plain, maxW: [powerW], allOrNothing: true }
  const bounded = least > 0 ? { ...plain, minW: Math.min(powerW, least) } : plain
  if (kind !== 'charger' || direction !== 'reduce-import' || setpointW >= rating.importMinW) {
    return { ...bounded, maxW: [powerW] }
  }
  const goingW = setpointW + powerW - rating.importMinW
  const maxW = Math.max(0, Math.floor(goingW / STEP_W) * STEP_W)
  return { ...bounded, maxW: [maxW], stopW: [setpointW + powerW], stopToW: [powerW] }
}

/** What a device gives within one period of what it holds: neighbours that are alike are one. */
function sharesIn(
  period: AllocatedPeriod,
  pieces: readonly Piece[],
  resourceId: ResourceId,
): AllocatedPeriod[] {
  const parts: AllocatedPeriod[] = []
  for (const { start, end, shares } of pieces) {
    const share = shares.get(resourceId)
    if (share === undefined || start < period.start || end > period.end) continue
    const last = parts.at(-1)
    const isSame =
      last?.end === start && last.powerW === share.powerW && last.setpointW === share.setpointW
    if (isSame) parts[parts.length - 1] = { ...last, end }
    else parts.push({ ...period, start, end, ...share })
  }
  return parts
}

import { type AllocatedPeriod, type Allocation, type Candidate, cutAt } from './allocation.ts'
import { givenOf, takenToStore } from './battery-losses.ts'
import { type Delivery, orderedEnergy } from './delivery.ts'
import { deliveryEnd, type FlexibilityCall } from './flexibility-call.ts'
import type { ResourceId } from './ids.ts'
import type { Program } from './program.ts'
import { RESTART_SECONDS_MAX } from './rebound/rebound-periods.ts'
import { belowFloorW } from './reserve.ts'
import type { Direction } from './resource.ts'
import { secondsToChange } from './step-limit.ts'
import { byResource, type DeviceReading, energyBetween } from './telemetry.ts'
import { addSeconds, type Instant, instant } from './time.ts'

/** What one resource kept ready in one settlement period of an availability call. */
export type Standby = {
  readonly resourceId: ResourceId
  readonly start: Instant
  readonly end: Instant
  /** What counts of it: all, or the share in which an armed device followed its curve. */
  readonly reservedWh: number
  /** Its own meter says that it could have given what it reserved, or it was called upon. */
  readonly isReady: boolean
  /**
   * That it was called upon for just this, or not at all. Absent: it is judged as one, and was
   * called upon if its device was at all in what is settled together.
   */
  readonly isCalled?: boolean
}

/** The rules by which terms may have their stand-by judged, beside the first one. */
export const STANDBY_RULES = [2, 3] as const
export type StandbyRule = (typeof STANDBY_RULES)[number]

/**
 * How a call ordered now judges its stand-by, by version. 2: a battery's energy is counted with what
 * it loses one way, and what others fall short of leaves the stand-by of who was not called alone.
 * 3: so it does with what a device holds beside what it is called for; what is held on after it was
 * called upon, until a step limit lets it go, has not left its stand-by; and who takes over inside an
 * activation counts its least time on from there. Terms without a version are of the first rule, which
 * did none of that.
 */
export const STANDBY_RULE = 3 satisfies StandbyRule

type Watched = {
  readonly allocations: readonly Allocation[]
  /** The same with the periods in which they were called upon. */
  readonly called: readonly Allocation[]
  /** What came of that. */
  readonly deliveries: readonly Delivery[]
  readonly readings: readonly DeviceReading[]
  readonly candidates: readonly Candidate[]
  readonly direction: Direction
  readonly longestGapSeconds: number
  readonly meteringIntervalSeconds: number
  /** Of the terms; absent: the first. */
  readonly rule?: StandbyRule | undefined
  /** So long it may be held on after it was called upon, s, by the third rule. */
  readonly heldSeconds: number
}

/** How long all that was ordered takes to be let go of, one step after the other. */
export function heldSecondsOf(
  orderedW: readonly number[],
  { stepLimit, controlCycleSeconds }: Pick<Program, 'stepLimit' | 'controlCycleSeconds'>,
): number {
  if (stepLimit === undefined) return 0
  const rampSeconds = secondsToChange(Math.max(0, ...orderedW), stepLimit)
  return Math.min(RESTART_SECONDS_MAX, rampSeconds + controlCycleSeconds)
}

/** One device with what it was called for, and what its meter told. */
type Device = {
  readonly floorW: number | undefined
  readonly candidate: Candidate
  readonly called: readonly AllocatedPeriod[]
  readonly deliveries: readonly Delivery[]
  readonly readings: readonly DeviceReading[]
}

/**
 * Availability as the meters show it, period by period: a battery had the energy, or the room for
 * it, when the period began; a charger drew what was to be taken away. Without readings nobody
 * stood by. Of what it is called upon for the delivery says what it was worth; the rest is judged
 * like all that is held. By earlier rules a call upon a part is one upon all.
 */
export function standbyOf(watched: Watched): Standby[] {
  const readings = byResource(watched.readings)
  const calledOf = new Map(watched.called.map((one) => [one.resourceId, one.periods]))
  const deliveriesOf = Map.groupBy(watched.deliveries, ({ resourceId }) => resourceId)
  const byId = new Map(watched.candidates.map((one) => [one.resourceId, one]))
  return watched.allocations.flatMap(({ resourceId, periods, floorW }) => {
    const candidate = byId.get(resourceId)
    if (!candidate) throw new Error(`${resourceId} is not among the terms' candidates`)
    const device = {
      candidate,
      floorW,
      called: calledOf.get(resourceId) ?? [],
      deliveries: deliveriesOf.get(resourceId) ?? [],
      readings: readings.get(resourceId) ?? [],
    }
    return periods.flatMap((period) =>
      watched.rule === 3 ? inParts(period, device, watched) : [asOne(period, device, watched)],
    )
  })
}

function asOne(period: AllocatedPeriod, device: Device, watched: Watched): Standby {
  const { start, end } = period
  const { candidate, called, readings } = device
  const reservedWh = orderedEnergy(period)
  const meteredWh = energyBetween(readings, start, end, watched.longestGapSeconds)
  const isUsed = called.some((one) => one.start < end && start < one.end)
  const hasEnergy = watched.rule === undefined ? hasRoomLossless : hasRoom
  const isReady =
    meteredWh !== null &&
    (isUsed ||
      (candidate.kind === 'charger'
        ? meteredWh >= reservedWh
        : hasEnergy(candidate, socAt(readings, start), reservedWh, watched.direction)))
  return { resourceId: candidate.resourceId, start, end, reservedWh, isReady }
}

/** What it was called upon for, and what it went on holding beside that. */
function inParts(period: AllocatedPeriod, device: Device, watched: Watched): Standby[] {
  const { start, end } = period
  const { candidate, called, readings, floorW } = device
  // What lies below the least at which it was found to rest it does not hold.
  const belowW = floorW === undefined ? 0 : belowFloorW(period, floorW)
  const wholeWh = orderedEnergy({ ...period, powerW: period.powerW - belowW })
  const meteredWh = energyBetween(readings, start, end, watched.longestGapSeconds)
  const used = called.filter((one) => one.start < end && start < one.end)
  const usedWh = used.reduce((sum, one) => sum + orderedEnergy(one), 0)
  const calledWh = Math.min(wholeWh, usedWh)
  const isHeld =
    meteredWh !== null &&
    (candidate.kind === 'charger'
      ? meteredWh + notDrawnWh(period, device, watched) >= wholeWh
      : hasRoom(candidate, socAt(readings, start), wholeWh, watched.direction))
  const { resourceId } = candidate
  const isReady = meteredWh !== null
  const parts: Standby[] = [
    { resourceId, start, end, reservedWh: calledWh, isReady, isCalled: true },
    { resourceId, start, end, reservedWh: wholeWh - calledWh, isReady: isHeld, isCalled: false },
  ]
  return parts.filter(({ reservedWh }) => reservedWh > 0)
}

/**
 * What a charger did not draw because it was called: what it gave, and what it lacked of what it
 * holds while a step limit held it on and in the metering interval in which it came back.
 */
function notDrawnWh(period: AllocatedPeriod, device: Device, watched: Watched): number {
  const { start, end } = period
  const { called, deliveries, readings } = device
  const given = deliveries.filter((one) => one.start >= start && one.end <= end)
  const givenWh = given.reduce((sum, { start: from, end: until, baselineWh, measuredWh }) => {
    const lessWh = baselineWh - (measuredWh ?? baselineWh)
    // Of baseline and meter whole Wh are known: what the rounding may hide is not held against it.
    const mostWh = orderedEnergy({ ...period, start: from, end: until }) + 1
    return lessWh > 0 ? sum + Math.min(lessWh + 1, mostWh) : sum
  }, 0)
  const backSeconds = watched.heldSeconds + watched.meteringIntervalSeconds
  return called.reduce((sum, one) => {
    const { end: back } = one
    const again = called.flatMap((next) => (next.start >= back ? [next.start] : []))
    const from = instant(Math.max(start, back))
    const until = instant(Math.min(end, addSeconds(back, backSeconds), ...again))
    if (until <= from) return sum
    const heldWh = orderedEnergy({ ...period, start: from, end: until })
    const drawnWh = energyBetween(readings, from, until, watched.longestGapSeconds) ?? 0
    // It was called for no more than this: whatever else it lacks it has not held.
    const mostWh = orderedEnergy({ ...one, start: from, end: until }) + 1
    return sum + Math.min(Math.max(0, heldWh - drawnWh), mostWh)
  }, givenWh)
}

/** The last state of charge that was told by an instant. */
function socAt(readings: readonly DeviceReading[], at: Instant): number | null {
  return readings.findLast((reading) => reading.at <= at && reading.socBp !== null)?.socBp ?? null
}

function hasRoom(
  { rating }: Candidate,
  socBp: number | null,
  reservedWh: number,
  direction: Direction,
): boolean {
  if (socBp === null) return false
  // A state of charge is told rounded: what half a step may hide is not held against it.
  const storedWh = (socBp * rating.energyWh) / 10_000
  const hiddenWh = rating.energyWh / 20_000
  return direction === 'reduce-import'
    ? givenOf(storedWh + hiddenWh - rating.reserveWh) >= reservedWh
    : takenToStore(rating.energyWh - storedWh + hiddenWh) >= reservedWh
}

/** By the first rule: what is stored is what is given, and what is taken is stored. */
function hasRoomLossless(
  { rating }: Candidate,
  socBp: number | null,
  reservedWh: number,
  direction: Direction,
): boolean {
  if (socBp === null) return false
  const storedWh = Math.floor((socBp * rating.energyWh) / 10_000)
  return direction === 'reduce-import'
    ? storedWh - rating.reserveWh >= reservedWh
    : rating.energyWh - storedWh >= reservedWh
}

/**
 * Wh with which a device stood by until the call ended, or it was let go; null: in no call that
 * stands by, or no part of it.
 */
export function reservedWhOf(call: FlexibilityCall, resourceId: ResourceId): number | null {
  const part = call.allocations.find((one) => one.resourceId === resourceId)
  if (call.activations === undefined || part === undefined) return null
  const end = deliveryEnd(call)
  const until = part.releasedAt !== null && part.releasedAt < end ? part.releasedAt : end
  return cutAt(part.periods, until).reduce((sum, period) => sum + orderedEnergy(period), 0)
}

import { type Allocation, type Candidate, cutAt } from './allocation.ts'
import { givenOf, takenToStore } from './battery-losses.ts'
import { orderedEnergy } from './delivery.ts'
import { deliveryEnd, type FlexibilityCall } from './flexibility-call.ts'
import type { ResourceId } from './ids.ts'
import type { Program } from './program.ts'
import { RESTART_SECONDS_MAX } from './rebound/rebound-periods.ts'
import type { Direction } from './resource.ts'
import { secondsToChange } from './step-limit.ts'
import { byResource, type DeviceReading, energyBetween } from './telemetry.ts'
import { addSeconds, type Instant } from './time.ts'

/** What one resource kept ready in one settlement period of an availability call. */
export type Standby = {
  readonly resourceId: ResourceId
  readonly start: Instant
  readonly end: Instant
  /** What counts of it: all, or the share in which an armed device followed its curve. */
  readonly reservedWh: number
  /** Its own meter says that it could have given what it reserved, or it was called upon. */
  readonly isReady: boolean
}

/**
 * How a call ordered now judges its stand-by, by version. 2: a battery's energy is counted with what
 * it loses one way, and what others fall short of leaves the stand-by of who was not called alone.
 * 3: what is held after it was called upon, until a step limit lets it go, has not left its stand-by,
 * and who takes over inside an activation counts its least time on from there.
 * Terms without a version are of the first rule, which did none of that.
 */
export const STANDBY_RULE = 3
/** By which terms may be judged. */
export const STANDBY_RULES = [2, STANDBY_RULE] as const
export type StandbyRule = (typeof STANDBY_RULES)[number]

type Watched = {
  readonly allocations: readonly Allocation[]
  /** The same with the periods in which they were called upon. */
  readonly called: readonly Allocation[]
  readonly readings: readonly DeviceReading[]
  readonly candidates: readonly Candidate[]
  readonly direction: Direction
  readonly longestGapSeconds: number
  /** Of the terms; absent: the first. */
  readonly rule?: StandbyRule | undefined
  /** So long it may be held after it was called upon, s, by the third rule; absent: not at all. */
  readonly heldSeconds?: number
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

/**
 * Availability as the meters show it, period by period: a battery had the energy, or the room for
 * it, when the period began; a charger drew what was to be taken away. Without readings nobody
 * stood by. In a period in which it is called upon the delivery says what it was worth.
 */
export function standbyOf(watched: Watched): Standby[] {
  const readings = byResource(watched.readings)
  const calledOf = new Map(watched.called.map((one) => [one.resourceId, one.periods]))
  const byId = new Map(watched.candidates.map((one) => [one.resourceId, one]))
  return watched.allocations.flatMap(({ resourceId, periods }) => {
    const candidate = byId.get(resourceId)
    if (!candidate) throw new Error(`${resourceId} is not among the terms' candidates`)
    const mine = readings.get(resourceId) ?? []
    const called = calledOf.get(resourceId) ?? []
    const hasEnergy = watched.rule === undefined ? hasRoomLossless : hasRoom
    const heldSeconds = watched.rule === STANDBY_RULE ? (watched.heldSeconds ?? 0) : 0
    return periods.map((period): Standby => {
      const { start, end } = period
      const reservedWh = orderedEnergy(period)
      const meteredWh = energyBetween(mine, start, end, watched.longestGapSeconds)
      const isUsed = called.some((one) => {
        return one.start < end && start < addSeconds(one.end, heldSeconds)
      })
      const isReady =
        meteredWh !== null &&
        (isUsed ||
          (candidate.kind === 'charger'
            ? meteredWh >= reservedWh
            : hasEnergy(candidate, socAt(mine, start), reservedWh, watched.direction)))
      return { resourceId, start, end, reservedWh, isReady }
    })
  })
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

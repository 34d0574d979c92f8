import type { Allocation, Candidate } from '../allocation.ts'
import { takenBackFor } from '../battery-losses.ts'
import type { Recovery } from '../rebound.ts'
import type { ChargingSession } from '../resource.ts'
import type { DeviceReading } from '../telemetry.ts'
import { addSeconds, type Instant, secondsBetween } from '../time.ts'

/** What is known of one device as its window ends. */
export type AfterWindow = {
  readonly candidate: Candidate
  readonly allocation: Allocation
  /** What it is held at now, W, + is import. */
  readonly setpointW: number
  /** Its last reading before the window; null: none that was fresh. */
  readonly before: DeviceReading | null
  /** Its last reading at all; null: none. */
  readonly now: DeviceReading | null
  readonly session: ChargingSession | null
  /** A limit that somebody else has set, W; null: none. */
  readonly externalLimitW: number | null
}

/** The part of its power that a car is counted on to charge with on average: chargers taper. */
const CHARGING_SHARE = 0.9
/** A meter's mean hides so much. */
const METER_SHARE = 1.05
/** A battery belongs to its owner: for longer than this it is not held back. */
const BATTERY_SECONDS_MAX = 2 * 3600
/** Less is not worth being held back for. */
const LEAST_WH = 10

/**
 * What a device takes back after a window in which it drew less; null: nothing, it may come back at
 * once. A car that told its need and its departure is ready by then before anything else counts. Of
 * a battery nobody knows whether it recharges by itself: it counts with all that it gave and lost, at its
 * full power, and is held at 0 W until there is room for that, or two hours have passed.
 */
export function recoveryOf(device: AfterWindow, from: Instant): Recovery | null {
  const { candidate, allocation, setpointW, session } = device
  const { resourceId, kind, rating } = candidate
  const gaveWh = allocation.periods.reduce(
    (sum, { start, end, powerW }) => sum + (powerW * secondsBetween(start, end)) / 3600,
    0,
  )
  if (kind === 'battery') {
    const powerMaxW = rating.importMaxW
    const energyWh = Math.ceil(takenBackFor(gaveWh))
    if (powerMaxW === 0 || energyWh < LEAST_WH) return null
    const held = { floorW: 0, minimumW: powerMaxW, heldW: 0 }
    const owners = { neededWh: 0, readyBy: null, freeBy: addSeconds(from, BATTERY_SECONDS_MAX) }
    return { resourceId, powerMaxW, ...held, energyWh, ...owners, restartFrom: from }
  }
  if (session === null) return null
  const powerMaxW = drawsAtMost(device)
  const needed = neededWhOf(device)
  const neededWh = needed === null ? 0 : Math.ceil(needed / CHARGING_SHARE)
  const energyWh = Math.max(neededWh, Math.ceil(gaveWh))
  if (powerMaxW === 0 || energyWh < LEAST_WH) return null
  const floorW = rating.pausable && allocation.floorW === undefined ? 0 : leastOf(device)
  return {
    resourceId,
    powerMaxW,
    floorW: Math.min(floorW, powerMaxW),
    minimumW: Math.min(rating.importMinW, powerMaxW),
    heldW: Math.min(Math.max(0, setpointW), powerMaxW),
    energyWh,
    neededWh,
    readyBy: session.departureAt,
    restartFrom: from,
    freeBy: null,
  }
}

function leastOf({ candidate, allocation }: AfterWindow): number {
  return Math.max(candidate.rating.importMinW, allocation.floorW ?? 0)
}

/** What it drew before the window; its rating where it drew nothing then, or nobody knows. */
function drawsAtMost({ candidate, before, externalLimitW }: AfterWindow): number {
  const { importMaxW, importMinW } = candidate.rating
  const drew = before?.powerW ?? 0
  const most = drew < Math.max(importMinW, 1) ? importMaxW : Math.ceil(drew * METER_SHARE)
  return Math.floor(Math.min(most, importMaxW, externalLimitW ?? importMaxW))
}

/** Wh that its car still needs; null: nobody told how much, or by when. */
function neededWhOf({ session, now }: AfterWindow): number | null {
  if (session === null || now === null) return null
  const { energyNeededWh, departureAt, startRegisterWh } = session
  if (energyNeededWh === null || departureAt === null || startRegisterWh === null) return null
  return Math.max(0, energyNeededWh - (now.registerWh - startRegisterWh))
}

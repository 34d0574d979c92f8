import { hashOf } from './canonical.ts'
import type { GatewayId, Hex, ResourceId } from './ids.ts'
import { type Instant, secondsBetween } from './time.ts'
import { type WattHours, wattHours } from './units.ts'

/** What a device says at one instant, before any gateway has signed it. */
export type DeviceReading = {
  readonly resourceId: ResourceId
  /** The stamp of the device, aligned to the metering interval where the device can. */
  readonly at: Instant
  /** Mean power since the reading before, W, + is consumption; null where the device has none. */
  readonly powerW: number | null
  /** Net energy register (import - export), whole Wh. */
  readonly registerWh: number
  /** State of charge in basis points; null where it is not told. */
  readonly socBp: number | null
}

export type ReadingQuality = 'measured' | 'imported'

/** A device reading as the gateway that received it signed it, hash-chained per resource. */
export type Reading = DeviceReading & {
  readonly quality: ReadingQuality
  readonly receivedAt: Instant
  readonly gatewayId: GatewayId
  /** 0, 1, 2 … per resource and gateway, in the order of receipt. */
  readonly sequence: number
  readonly previousHash: Hex
  readonly hash: Hex
  /** Ed25519 over the hash. */
  readonly signature: Hex
}

/** What the gateway signs: every field of the reading and the hash before it. */
export function readingHash(reading: Omit<Reading, 'hash' | 'signature'>): Hex {
  return hashOf({
    resourceId: reading.resourceId,
    at: reading.at,
    powerW: reading.powerW,
    registerWh: reading.registerWh,
    socBp: reading.socBp,
    quality: reading.quality,
    receivedAt: reading.receivedAt,
    gatewayId: reading.gatewayId,
    sequence: reading.sequence,
    previousHash: reading.previousHash,
  })
}

/** Where a resource's hash chain begins. */
export const CHAIN_START: Hex = `0x${'0'.repeat(64)}`

/**
 * The register at an instant: the reading of that instant, else on the straight line between its
 * neighbours where both lie within the longest gap. Readings of one resource, in order of time.
 * null: cannot be known.
 */
export function registerAt(
  readings: readonly DeviceReading[],
  at: Instant,
  longestGapSeconds: number,
): WattHours | null {
  const low = firstFrom(readings, at)
  const after = readings[low]
  if (after === undefined) return null
  if (after.at === at) return wattHours(after.registerWh)
  const before = readings[low - 1]
  if (before === undefined || after.at - before.at > longestGapSeconds * 1000) return null
  const rise = after.registerWh - before.registerWh
  const part = Math.floor((rise * (at - before.at)) / (after.at - before.at))
  return wattHours(before.registerWh + part)
}

/** Where the first reading at or after an instant is. */
function firstFrom(readings: readonly DeviceReading[], at: Instant): number {
  let low = 0
  let high = readings.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((readings[middle] as DeviceReading).at < at) low = middle + 1
    else high = middle
  }
  return low
}

/** Metered energy between two instants, signed; null where a register cannot be known. */
export function energyBetween(
  readings: readonly DeviceReading[],
  from: Instant,
  until: Instant,
  longestGapSeconds: number,
): WattHours | null {
  const first = registerAt(readings, from, longestGapSeconds)
  const last = registerAt(readings, until, longestGapSeconds)
  return first === null || last === null ? null : wattHours(last - first)
}

/**
 * Mean W of an interval: what its meter told as power, else by the register; null: neither.
 * Readings of one resource, in order of time.
 */
export function meanPower(
  readings: readonly DeviceReading[],
  from: Instant,
  until: Instant,
  longestGapSeconds: number,
): number | null {
  const last = readings[firstFrom(readings, until)]
  if (last?.at === until && last.powerW !== null) return last.powerW
  const energyWh = energyBetween(readings, from, until, longestGapSeconds)
  return energyWh === null ? null : (energyWh * 3600) / secondsBetween(from, until)
}

/**
 * The readings of one resource in order of time, each without power with the mean power that its
 * register shows since the reading before; left as it is where that lies longer ago than the gap.
 */
export function withMeanPower<T extends DeviceReading>(
  readings: readonly T[],
  longestGapSeconds: number,
): T[] {
  return readings.map((reading, i) => {
    const before = readings[i - 1]
    if (reading.powerW !== null || before === undefined || before.at >= reading.at) return reading
    if (secondsBetween(before.at, reading.at) > longestGapSeconds) return reading
    const powerW = meanPower(readings, before.at, reading.at, longestGapSeconds)
    return powerW === null ? reading : { ...reading, powerW: Math.round(powerW) }
  })
}

/** Groups by resource, keeping the order of time. */
export function byResource<T extends DeviceReading>(readings: readonly T[]): Map<ResourceId, T[]> {
  const groups = new Map<ResourceId, T[]>()
  for (const reading of readings) {
    const group = groups.get(reading.resourceId)
    if (group) group.push(reading)
    else groups.set(reading.resourceId, [reading])
  }
  for (const group of groups.values()) group.sort((a, b) => a.at - b.at)
  return groups
}

import type { AllocatedPeriod, Allocation } from './allocation.ts'
import type { Stretch } from './baseline/stretches.ts'
import type { ResourceId } from './ids.ts'
import type { Direction } from './resource.ts'
import { type DeviceReading, energyBetween } from './telemetry.ts'
import { type Instant, secondsBetween } from './time.ts'
import { energyOrdered, toWattHours, watts } from './units.ts'

/** What one resource delivered in one ordered stretch of a settlement period. */
export type Delivery = {
  readonly resourceId: ResourceId
  readonly start: Instant
  readonly end: Instant
  readonly orderedWh: number
  readonly baselineWh: number
  /** null: no readings, or no baseline, from which a delivery could be known. */
  readonly measuredWh: number | null
  /** Signed, uncapped, positive in the call's direction; 0 where nothing is known. */
  readonly deliveredWh: number
}

/** Delivery over each ordered stretch, from registers alone. */
export function measureDelivery(
  allocation: Allocation,
  baselineOf: (stretch: Stretch) => number | null,
  readings: readonly DeviceReading[],
  direction: Direction,
  longestGapSeconds: number,
): Delivery[] {
  return allocation.periods.map((period) => {
    const known = baselineOf(period)
    const baselineWh = known ?? 0
    // Without a baseline nothing can be said to have been delivered, whatever the meter says.
    const measuredWh =
      known === null ? null : energyBetween(readings, period.start, period.end, longestGapSeconds)
    const saved = measuredWh === null ? 0 : baselineWh - measuredWh
    return {
      resourceId: allocation.resourceId,
      start: period.start,
      end: period.end,
      orderedWh: orderedEnergy(period),
      baselineWh,
      measuredWh,
      deliveredWh: direction === 'reduce-import' ? saved : -saved + 0,
    }
  })
}

/** Ordered energy is kept as whole W·min and only then made Wh. */
export function orderedEnergy(period: AllocatedPeriod): number {
  const seconds = secondsBetween(period.start, period.end)
  return toWattHours(energyOrdered(watts(period.powerW), seconds))
}

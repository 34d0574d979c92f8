import type { Delivery } from '../delivery.ts'
import type { ResourceId } from '../ids.ts'
import type { Rating } from '../resource.ts'
import type { DeviceReading } from '../telemetry.ts'
import { type Instant, secondsBetween } from '../time.ts'
import type { Finding } from './finding.ts'

type Span = { readonly start: Instant; readonly end: Instant }

/**
 * The most that a device can move in a time, Wh: from its full import to nothing or to its full
 * export, or the other way. Whatever a meter says beyond it was not done by this device.
 */
export function physicalMostWh(rating: Rating, { start, end }: Span): number {
  const swingW = rating.importMaxW + rating.exportMaxW
  return Math.ceil((swingW * secondsBetween(start, end)) / 3600)
}

/** Meters and name plates agree to about this, in basis points. */
const RATING_TOLERANCE_BP = 500

/** Did the meter turn faster than the device can make it? Deliveries of one resource. */
export function beyondRating(
  resourceId: ResourceId,
  rating: Rating,
  deliveries: readonly Delivery[],
): Finding | null {
  for (const { start, end, measuredWh } of deliveries) {
    if (measuredWh === null) continue
    const ratedW = measuredWh > 0 ? rating.importMaxW : rating.exportMaxW
    const ratedWh = (ratedW * secondsBetween(start, end)) / 3600
    // One Wh more: both registers are whole.
    const mostWh = Math.floor((ratedWh * (10_000 + RATING_TOLERANCE_BP)) / 10_000) + 1
    if (Math.abs(measuredWh) <= mostWh) continue
    const detail = { measuredWh, mostWh }
    return { resourceId, code: 'beyond-rating', severity: 'hold', detail }
  }
  return null
}

/** A battery's gauge and its meter agree to this share of the energy, and of its capacity. */
const GAUGE_ENERGY_BP = 500
const GAUGE_CAPACITY_BP = 100
/** Of what goes in at the meter at least so much arrives, after the converter's losses. */
const ARRIVES_BP = 7000

/**
 * Did the energy come out of the battery, or go into it? What it gives at its meter it must have
 * lost from its store; of what it takes most must arrive. Readings of one resource, in order.
 */
export function socMismatch(
  resourceId: ResourceId,
  { energyWh }: Rating,
  readings: readonly DeviceReading[],
): Finding | null {
  const told = readings.filter(({ socBp }) => socBp !== null)
  const [first, last] = [told[0], told.at(-1)]
  if (!first || !last || first === last || energyWh === 0) return null
  const netWh = last.registerWh - first.registerWh
  const storedWh = Math.round((((last.socBp ?? 0) - (first.socBp ?? 0)) * energyWh) / 10_000)
  const slackWh = (energyWh * GAUGE_CAPACITY_BP) / 10_000
  const missingWh =
    netWh < 0
      ? (-netWh * (10_000 - GAUGE_ENERGY_BP)) / 10_000 - slackWh + storedWh
      : (netWh * ARRIVES_BP) / 10_000 - slackWh - storedWh
  if (missingWh <= 0) return null
  return {
    resourceId,
    code: 'soc-mismatch',
    severity: 'hold',
    detail: { netWh, storedWh, missingWh: Math.ceil(missingWh) },
  }
}

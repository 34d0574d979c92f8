import type { Rating } from '../resource.ts'
import { type Instant, secondsBetween } from '../time.ts'

type Span = { readonly start: Instant; readonly end: Instant }

/**
 * The most that a device can move in a time, Wh: from its full import to nothing or to its full
 * export, or the other way. Whatever a meter says beyond it was not done by this device.
 */
export function physicalMostWh(rating: Rating, { start, end }: Span): number {
  const swingW = rating.importMaxW + rating.exportMaxW
  return Math.ceil((swingW * secondsBetween(start, end)) / 3600)
}

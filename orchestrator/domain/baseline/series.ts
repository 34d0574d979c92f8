import type { Instant } from '../time.ts'
import type { EnergySeries } from './input.ts'

/** What is not in the map, or null in it, is not known. */
export function seriesFromMap(energies: ReadonlyMap<number, number | null>): EnergySeries {
  return { whAt: (start) => energies.get(start) ?? null }
}

/** Values one behind the other from an instant on; null and NaN: not known. */
export function seriesFromArray(
  first: Instant,
  stepSeconds: number,
  energies: ArrayLike<number | null>,
): EnergySeries {
  const step = stepSeconds * 1000
  return {
    whAt: (start) => {
      const wh = energies[(start - first) / step] ?? null
      return wh === null || Number.isNaN(wh) ? null : wh
    },
  }
}

import { givenOf, takenToStore } from '../battery-losses.ts'
import type { Direction, Resource } from '../resource.ts'
import type { Instant } from '../time.ts'
import type { AvailabilityReading } from './availability.ts'

/** What its meter says of one device in one settlement period of the past. */
export type Metered = {
  readonly resource: Pick<Resource, 'id' | 'kind' | 'congestionPointId' | 'rating'>
  readonly start: Instant
  readonly end: Instant
  /** Mean power, W, + is import. */
  readonly meanW: number
  /** As the period began; null where it is not told. */
  readonly socBp: number | null
}

/** No meter is off by as much: beyond so many times the rating its register was reset or swapped. */
const RATINGS_MAX = 2

/**
 * What a device could have given in a period by its power: a charger what it drew above the least
 * that it may be told, a battery what its inverter and its energy allow; nothing where a battery
 * tells no state of charge. No mean power counts beyond the rating; null: far beyond it, so that
 * the register says nothing. What it gave to a call then is not put back, and what a car could have
 * given back is not counted: such a day says too little rather than too much. When the car was to
 * leave, and how full, is not known any more: in that it may say too much.
 */
export function couldHaveGiven(metered: Metered, direction: Direction): AvailabilityReading | null {
  const { resource, start, end, socBp } = metered
  const { id: resourceId, kind, congestionPointId, rating } = resource
  const isOff =
    metered.meanW > RATINGS_MAX * rating.importMaxW ||
    metered.meanW < -RATINGS_MAX * Math.max(rating.exportMaxW, rating.importMaxW)
  if (isOff) return null
  const meanW = Math.max(-rating.exportMaxW, Math.min(rating.importMaxW, metered.meanW))
  const known = { resourceId, kind, congestionPointId, start, knownAt: end }
  const reduces = direction === 'reduce-import'
  if (kind === 'charger') {
    const floorW = rating.pausable ? 0 : rating.importMinW
    const powerW = reduces ? Math.max(0, meanW - floorW) : 0
    return { ...known, powerW, energyWh: null }
  }
  if (socBp === null) return { ...known, powerW: 0, energyWh: 0 }
  const storedWh = (socBp / 10_000) * rating.energyWh
  const powerW = Math.max(0, reduces ? meanW + rating.exportMaxW : rating.importMaxW - meanW)
  const energyWh = reduces
    ? givenOf(Math.max(0, storedWh - rating.reserveWh))
    : takenToStore(Math.max(0, rating.energyWh - storedWh))
  return { ...known, powerW, energyWh }
}

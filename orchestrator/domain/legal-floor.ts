import type { Program } from './program.ts'
import type { Rating, ResourceKind } from './resource.ts'

/**
 * Devices of which a law says how far down they may be limited. de-14a: controllable consumers of
 * section 14a EnWG, which keep 4.2 kW each (BNetzA BK6-22-300).
 */
export type LegalClass = 'de-14a'

/** W that a device of a class may always draw, where its program says nothing else. */
const LEGAL_FLOORS_W: Readonly<Record<LegalClass, number>> = { 'de-14a': 4200 }

type Device = { readonly kind: ResourceKind; readonly rating: Rating }
type Floors = Pick<Program, 'legalFloorsW'>

/**
 * W below which a device must not be limited; 0: no law says so. The law speaks of limits on
 * what is drawn, so it binds a charger, whose setpoint is one. A battery's setpoint is its power:
 * that it gives energy back is the owner's free will, and no limit on what the site draws.
 */
export function legalFloorW(
  { kind, rating }: Device,
  { legalFloorsW = LEGAL_FLOORS_W }: Floors,
): number {
  const { legalClass } = rating
  if (legalClass === undefined || kind !== 'charger') return 0
  return Math.min(legalFloorsW[legalClass], rating.importMaxW)
}

/** What may be promised of a device under the law: no stop, and nothing below its floor. */
export function ratingUnderLaw(device: Device, program: Floors): Rating {
  const floorW = legalFloorW(device, program)
  const { rating } = device
  if (floorW === 0) return rating
  const importMinW = Math.max(rating.importMinW, floorW)
  return { ...rating, pausable: false, exportMaxW: 0, importMinW }
}

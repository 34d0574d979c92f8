import type { ResourceId } from '../ids.ts'
import type { MicroEurPerKwh } from '../money.ts'
import { shareAtPoint } from '../network-effect.ts'
import { type Instant, secondsBetween } from '../time.ts'

/** A charger below its least power stops: there is nothing between 6 A and 0 (IEC 61851). */
export type Stop = {
  /** W given once it has stopped, and the most beyond where a car gives power back. */
  readonly fromW: number
  readonly toW: number
  /** It starts again only where it is to draw this much more than its least power, W. */
  readonly hysteresisW: number
}

/** What the loop may change of one device now, W in the direction of the call. */
export type Adjustable = {
  readonly resourceId: ResourceId
  readonly price: MicroEurPerKwh
  /** Of 10,000 W here so many are felt at the congestion point; absent: all. */
  readonly effectBp?: number
  /** It has a part, and its meter shows that it obeys; else it waits in reserve. */
  readonly responds: boolean
  readonly toldW: number
  /** What it was ordered when the gate closed: the loop takes back no more than it gave. */
  readonly leastW: number
  /** Any power up to this; what its energy lasts for is in it. */
  readonly mostW: number
  /** It starts with this at least, by the conditions of its offer; absent: with any power. */
  readonly startW?: number
  readonly stop?: Stop
  /** When it was told something new last; null: it never was, and its start is free. */
  readonly switchedAt: Instant | null
  readonly dwellSeconds: number
}

/** W that it can give beyond what it is told. */
export function headroomOf({ mostW, stop, toldW }: Adjustable): number {
  return Math.max(0, Math.max(mostW, stop?.toW ?? 0) - toldW)
}

/** Has it kept its setpoint for as long as it must? */
export function mayChange({ switchedAt, dwellSeconds }: Adjustable, now: Instant): boolean {
  return switchedAt === null || secondsBetween(switchedAt, now) >= dwellSeconds
}

/** The most at or below a target that it can give, never less than now. */
export function raisedTo(
  { mostW, stop, startW = 0 }: Adjustable,
  nowW: number,
  targetW: number,
): number {
  const isStopped = stop !== undefined && targetW >= stop.fromW
  const toW = Math.max(nowW, Math.min(targetW, isStopped ? stop.toW : mostW))
  return nowW === 0 && toW < startW ? 0 : toW
}

/**
 * The least at or above a target that it can give, never more than now. One that has stopped stays
 * so around its least power: a little more here and there would start and stop it in turns.
 */
export function loweredTo(
  { leastW, mostW, stop }: Adjustable,
  nowW: number,
  targetW: number,
): number {
  const wantedW = Math.max(leastW, targetW)
  if (stop === undefined || nowW < stop.fromW) return Math.min(nowW, wantedW)
  if (wantedW > mostW - stop.hysteresisW) return Math.min(nowW, Math.max(wantedW, stop.fromW))
  return wantedW
}

/** W that are felt at the congestion point if it gives all that it can. */
export function roomAtPoint(device: Adjustable): number {
  return headroomOf(device) * shareAtPoint(device)
}

/** Cheapest effect first, equal ones by id. */
export function byPrice(a: Adjustable, b: Adjustable): number {
  const [price, other] = [Number(a.price) / shareAtPoint(a), Number(b.price) / shareAtPoint(b)]
  if (price !== other) return price < other ? -1 : 1
  return a.resourceId < b.resourceId ? -1 : 1
}

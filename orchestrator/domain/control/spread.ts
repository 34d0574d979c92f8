import type { ResourceId } from '../ids.ts'
import type { MicroEurPerKwh } from '../money.ts'
import { shareAtPoint } from '../network-effect.ts'
import type { PassedOver } from '../passed-over.ts'
import type { Instant } from '../time.ts'
import {
  type Adjustable,
  byPrice,
  headroomOf,
  loweredTo,
  mayChange,
  raisedTo,
  roomAtPoint,
} from './adjustable.ts'

/** W that devices are to give from now on; those that are not in it are not told anything new. */
export type Spread = {
  readonly toW: ReadonlyMap<ResourceId, number>
  /** What could not be raised or lowered. */
  readonly leftW: number
  readonly passedOver: readonly PassedOver[]
}

type Limits = {
  readonly now: Instant
  readonly stepW: number
  readonly priceCap: MicroEurPerKwh
  /** Beyond this the reserve is left alone, W; absent: it is called for all that is wanted. */
  readonly reserveMostW?: number
}

/**
 * Orders more, W at the congestion point: the same share of the headroom from all that respond, in whole steps; what steps and
 * gaps leave over, and what lies beyond their headroom, in merit order, the reserve last. Nobody
 * dearer than the price cap is asked, and nobody that was told something new just now.
 */
export function raise(devices: readonly Adjustable[], wantedW: number, limits: Limits): Spread {
  const { now, stepW, priceCap, reserveMostW = wantedW } = limits
  const inMerit = devices.filter((one) => headroomOf(one) > 0).toSorted(byPrice)
  const passedOver = inMerit.flatMap((one): PassedOver[] => {
    const { resourceId } = one
    if (one.price > priceCap) return [{ resourceId, reason: 'price-cap' }]
    return mayChange(one, now) ? [] : [{ resourceId, reason: 'dwell' }]
  })
  const passed = new Set(passedOver.map(({ resourceId }) => resourceId))
  const able = inMerit.filter(({ resourceId }) => !passed.has(resourceId))
  const responding = able.filter(({ responds }) => responds)
  const reserve = able.filter(({ responds }) => !responds)
  const toW = new Map<ResourceId, number>()
  const allW = wholeSteps(wantedW, stepW)
  let leftW = allW
  const tell = (device: Adjustable, byW: number) => {
    if (byW <= 0) return
    const fromW = toW.get(device.resourceId) ?? device.toldW
    const to = raisedTo(device, fromW, fromW + byW)
    if (to === fromW) return
    toW.set(device.resourceId, to)
    leftW -= (to - fromW) * shareAtPoint(device)
  }
  const roomW = responding.reduce((sum, one) => sum + roomAtPoint(one), 0)
  const share = Math.min(1, leftW / Math.max(roomW, stepW))
  for (const one of responding) tell(one, Math.floor((share * headroomOf(one)) / stepW) * stepW)
  const asFelt = (one: Adjustable, powerW: number) => wholeSteps(powerW / shareAtPoint(one), stepW)
  for (const one of responding) tell(one, asFelt(one, leftW))
  const keptW = allW - Math.min(allW, wholeSteps(reserveMostW, stepW))
  for (const one of reserve) tell(one, asFelt(one, leftW - keptW))
  return { toW, leftW: Math.max(0, leftW), passedOver: leftW > 0 ? passedOver : [] }
}

const wholeSteps = (powerW: number, stepW: number): number => {
  return Math.max(0, Math.ceil(powerW / stepW) * stepW)
}

/** Takes back what the loop added, dearest first, by no more than what is too much. */
export function lower(
  devices: readonly Adjustable[],
  tooMuchW: number,
  { now, stepW }: Pick<Limits, 'now' | 'stepW'>,
): Spread {
  const dearestFirst = devices
    .filter(({ toldW, leastW, responds }) => responds && toldW > leastW)
    .toSorted((a, b) => byPrice(b, a))
  const toW = new Map<ResourceId, number>()
  const passedOver: PassedOver[] = []
  let leftW = Math.floor(tooMuchW / stepW) * stepW
  for (const one of dearestFirst) {
    if (leftW <= 0) break
    const { resourceId, toldW } = one
    if (!mayChange(one, now)) {
      passedOver.push({ resourceId, reason: 'dwell' })
      continue
    }
    const byW = Math.floor(leftW / shareAtPoint(one) / stepW) * stepW
    const to = loweredTo(one, toldW, toldW - byW)
    if (to === toldW) continue
    toW.set(resourceId, to)
    leftW -= (toldW - to) * shareAtPoint(one)
  }
  return { toW, leftW: Math.max(0, leftW), passedOver: leftW > 0 ? passedOver : [] }
}

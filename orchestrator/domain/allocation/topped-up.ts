import {
  byMerit,
  energyOf,
  leastPeriodsOn,
  type Limits,
  type Plan,
  planOf,
  unservedPriceOf,
  type Wanted,
} from './limits.ts'

/** What sums of effects leave over: less than any W of any device makes. */
const NOISE = 1e-6

/** A plan that is being changed. */
type Draft = {
  readonly devices: readonly Limits[]
  /** Positions of those that may be given something, by merit. */
  readonly inMerit: readonly number[]
  readonly powerW: number[][]
  readonly leftWh: number[]
  readonly stepW: number
  /** micro-EUR per kWh at the congestion point. */
  readonly unservedPrice: number
}

type Options = {
  readonly stepW: number
  readonly priceCap?: number
  /** What serving a kWh is worth; absent: as much as in `pricedCost`, so that the cost never rises. */
  readonly unservedPrice?: number
}

/**
 * A plan in whole steps, with what steps leave open in each period: those who move already take it
 * in whole W, the cheapest first; where none of them has room the next one begins with a step, and
 * the dearest move by so much less, where that costs less than what it serves is worth. No part
 * is cut below a step, and no period gets a whole W more than it asks for at the congestion point.
 * Whoever gives all or nothing is left alone.
 */
export function toppedUp(
  devices: readonly Limits[],
  wanted: Wanted,
  plan: Plan,
  { stepW, priceCap, unservedPrice = unservedPriceOf(devices) }: Options,
): Plan {
  if (plan.unservedWh <= NOISE) return plan
  const inMerit = devices.flatMap(({ effect = 1, price, allOrNothing }, i) => {
    return effect > 0 && price <= (priceCap ?? price) && allOrNothing !== true ? [i] : []
  })
  inMerit.sort((a, b) => byMerit(devices[a] as Limits, devices[b] as Limits))
  const powerW = plan.powerW.map((powers) => [...powers])
  const leftWh = devices.map(({ energyWh }, i) => energyWh - energyOf(powerW[i] ?? [], wanted))
  const draft = { devices, inMerit, powerW, leftWh, stepW, unservedPrice }
  wanted.powerW.forEach((askedW, t) => {
    const given = devices.reduce((sum, { effect = 1 }, i) => {
      return sum + effect * (powerW[i]?.[t] ?? 0)
    }, 0)
    const hours = wanted.hours[t] ?? 0
    const open = inWatts(draft, { t, hours, openW: askedW - given })
    begin(draft, { t, hours, openW: open })
  })
  return planOf(devices, wanted, powerW)
}

type Period = { readonly t: number; readonly hours: number; readonly openW: number }

/** Gives those who move already what is open. @returns what stays open, W */
function inWatts(draft: Draft, { t, hours, openW }: Period): number {
  let open = openW
  for (const i of draft.inMerit) {
    if (open <= NOISE) return open
    if (powerAt(draft, i, t) > 0) open = moveMore(draft, i, { t, hours, openW: open })
  }
  return open
}

/** One takes what it can of what is open. @returns what stays open, W */
function moveMore(draft: Draft, i: number, { t, hours, openW }: Period): number {
  const { effect = 1 } = deviceAt(draft, i)
  const lastingW = (draft.leftWh[i] as number) / hours
  const room = Math.floor(Math.min(roomOf(draft, i, t), lastingW) + NOISE)
  const more = Math.min(room, wattsFor(openW, deviceAt(draft, i), draft.unservedPrice))
  if (more <= 0) return openW
  move(draft, i, { t, hours, byW: more })
  return openW - effect * more
}

/** Lets devices that stand still begin with a step each, until less than a W is open. */
function begin(draft: Draft, { t, hours, openW }: Period): void {
  const { inMerit, stepW } = draft
  let open = openW
  for (const i of inMerit) {
    if (open < 1 - NOISE) return
    const device = deviceAt(draft, i)
    const { effect = 1, maxW, minW = 0 } = device
    const isAble = (maxW[t] ?? 0) >= stepW && minW <= stepW && leastPeriodsOn(device) === 1
    const lasts = (draft.leftWh[i] as number) + NOISE >= stepW * hours
    if (powerAt(draft, i, t) > 0 || !isAble || !lasts) continue
    const cuts = cutsOf(draft, t, effect * stepW - open)
    if (cuts === null || !isWorth(draft, device, { openW: open, cuts })) continue
    for (const [other, byW] of cuts) move(draft, other, { t, hours, byW: -byW })
    move(draft, i, { t, hours, byW: stepW })
    if (cuts.length > 0) return
    open = moveMore(draft, i, { t, hours, openW: open - effect * stepW })
  }
}

/** Who moves by how much less, W at the device. */
type Cuts = readonly (readonly [i: number, byW: number])[]

/** True if what it serves is worth more than what the step costs beyond what others give less. */
function isWorth(
  { devices, stepW, unservedPrice }: Draft,
  { price, effect = 1 }: Limits,
  { openW, cuts }: { readonly openW: number; readonly cuts: Cuts },
): boolean {
  let [cost, more] = [price * stepW, effect * stepW]
  for (const [i, byW] of cuts) {
    const { price: saved, effect: less = 1 } = devices[i] as Limits
    cost -= saved * byW
    more -= less * byW
  }
  return cost < unservedPrice * Math.min(openW, more)
}

/**
 * The dearest that can move by so much less at the congestion point, and all keep a step or more;
 * nobody where less than a W is too much. @returns null where they cannot move by enough
 */
function cutsOf(draft: Draft, t: number, over: number): Cuts | null {
  const cuts: [number, number][] = []
  let left = over
  for (let rank = draft.inMerit.length - 1; rank >= 0 && left >= 1 - NOISE; rank -= 1) {
    const i = draft.inMerit[rank] as number
    const { effect = 1, minW = 0 } = deviceAt(draft, i)
    const room = isStopped(draft, i, t) ? 0 : powerAt(draft, i, t) - Math.max(draft.stepW, minW)
    if (room <= 0) continue
    const watts = Math.floor(left / effect + NOISE)
    const byW = Math.min(room, left - watts * effect >= 1 - NOISE ? watts + 1 : watts)
    cuts.push([i, byW])
    left -= byW * effect
  }
  return left < 1 - NOISE ? cuts : null
}

/**
 * Whole W at a device for what is open, so that it is passed by less than a W; the last one only
 * where the part of it that is needed is worth the whole.
 */
function wattsFor(open: number, { price, effect = 1 }: Limits, unservedPrice: number): number {
  const watts = Math.floor(open / effect + NOISE)
  const rest = open - watts * effect
  const isOneMore = rest > NOISE && effect - rest < 1 - NOISE && price < unservedPrice * rest
  return isOneMore ? watts + 1 : watts
}

/** By how much more it may move, up to its part or, once it has stopped, beyond the stop. */
function roomOf(draft: Draft, i: number, t: number): number {
  const { maxW, stopW = [], stopToW = stopW } = deviceAt(draft, i)
  const most = isStopped(draft, i, t) ? stopToW[t] : maxW[t]
  return (most ?? 0) - powerAt(draft, i, t)
}

function isStopped(draft: Draft, i: number, t: number): boolean {
  const stop = deviceAt(draft, i).stopW?.[t] ?? 0
  return stop > 0 && powerAt(draft, i, t) >= stop
}

function move(
  { powerW, leftWh }: Draft,
  i: number,
  { t, hours, byW }: { readonly t: number; readonly hours: number; readonly byW: number },
): void {
  const mine = powerW[i] as number[]
  mine[t] = (mine[t] as number) + byW
  leftWh[i] = (leftWh[i] as number) - byW * hours
}

function deviceAt({ devices }: Draft, i: number): Limits {
  return devices[i] as Limits
}

function powerAt({ powerW }: Draft, i: number, t: number): number {
  return powerW[i]?.[t] ?? 0
}

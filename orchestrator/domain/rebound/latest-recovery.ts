import { picked } from '../allocation/fleet.ts'
import { serve } from '../allocation/time-to-go.ts'

/** What devices must have taken back, and in which periods they are there: columns. */
export type Needs = {
  /** The most that each takes, W. */
  readonly powerW: Float64Array
  readonly energyWh: Float64Array
  /** How many periods from the first on each is there. */
  readonly periods: Uint32Array
}

/** Periods need not be of equal length. Power in W for all devices together; may be infinite. */
export type Room = { readonly hours: number; readonly powerW: number }

export type LatestRecovery = {
  /** What no later period can take over: W of each device in the first period. */
  readonly firstW: Float64Array
  /** What all take in each period, W. */
  readonly servedW: Float64Array
  /** What finds no room at all, Wh. */
  readonly unservedWh: number
}

/** Less is arithmetic. */
const NOTHING_WH = 1e-3

/**
 * Puts a recovery as late as it can be, and tells what is left for the first period: so much has to
 * be taken there, whatever else is.
 *
 * Read backwards in time this is the problem of greatest time to go (arXiv 1710.06302): devices
 * with an energy and a power limit serve as much of a demand, here the room, as they can. All have
 * the same end, the end of the window, and come in where they leave. Levelling the times to go
 * period by period leaves a set of devices that can serve whatever any other choice could (∫
 * max(P(τ) − p, 0) dτ is largest for every p, with P the power that lasts τ hours), and a device
 * that joins adds the same falling function of τ to P on either side, which keeps that order. So
 * what is unserved is the least of all schedules, and what the first period has to take is the
 * least too.
 */
export function latestRecovery(needs: Needs, rooms: readonly Room[]): LatestRecovery {
  const leftWh = Float64Array.from(needs.energyWh)
  const firstW = new Float64Array(leftWh.length)
  const servedW = new Float64Array(rooms.length)
  for (let t = rooms.length - 1; t >= 0; t -= 1) {
    const { hours, powerW } = rooms[t] as Room
    const there = presentIn(t, needs.periods, leftWh)
    if (there.length === 0) continue
    const demand = { powerW: [powerW], hours }
    const given = serve(picked(needs.powerW, there), picked(leftWh, there), demand).powerW
    for (let k = 0; k < there.length; k += 1) {
      const device = there[k] as number
      const taken = given[k] as number
      leftWh[device] = Math.max(0, (leftWh[device] as number) - taken * hours)
      servedW[t] = (servedW[t] as number) + taken
      if (t === 0) firstW[device] = taken
    }
  }
  const unservedWh = leftWh.reduce((sum, left) => sum + (left > NOTHING_WH ? left : 0), 0)
  return { firstW, servedW, unservedWh }
}

function presentIn(period: number, periods: Uint32Array, leftWh: Float64Array): Uint32Array {
  const there = new Uint32Array(leftWh.length)
  let found = 0
  for (let i = 0; i < there.length; i += 1) {
    if ((periods[i] as number) > period && (leftWh[i] as number) > NOTHING_WH) {
      there[found] = i
      found += 1
    }
  }
  return there.subarray(0, found)
}

/**
 * By how much the room has to be passed at least, the same in every period, so that everything is
 * recovered in time: whole W, 0 where a schedule exists. Every need must be one that its device's
 * own power can meet.
 */
export function leastOvershoot(needs: Needs, rooms: readonly Room[]): number {
  const fits = (overW: number) => {
    const wider = rooms.map(({ hours, powerW }) => ({ hours, powerW: powerW + overW }))
    return latestRecovery(needs, wider).unservedWh === 0
  }
  if (fits(0)) return 0
  // With room for all of them at once every need is met.
  let [tooLittle, enough] = [0, Math.ceil(needs.powerW.reduce((sum, power) => sum + power, 0))]
  while (enough - tooLittle > 1) {
    const middle = Math.floor((tooLittle + enough) / 2)
    if (fits(middle)) enough = middle
    else tooLittle = middle
  }
  return enough
}

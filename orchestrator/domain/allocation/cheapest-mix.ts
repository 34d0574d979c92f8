import { noiseless } from './feasibility.ts'
import { type Demand, type Fleet, inMeritOrder, picked, type Ranked } from './fleet.ts'
import { serve } from './time-to-go.ts'

/** How much of its energy each ranked device gives, Wh at the congestion point. */
export type Mix = { readonly takeWh: Float64Array; readonly unservedWh: number }

/** A cheapest way to serve a demand, of devices that give anything: cheapest first. */
export type CheapestDispatch = {
  /** Where each stands in the fleet. */
  readonly position: Uint32Array
  /** W at the device, period by period: device k of `position` in period t at `t * devices + k`. */
  readonly powerW: Float64Array
  /** Wh at the device. */
  readonly takeWh: Float64Array
  /** Wh at the congestion point that nobody can serve. */
  readonly unservedWh: number
}

/**
 * The cheapest mix of energies. What a set of devices can serve is a minimum cut: for the best k,
 * the T - k smallest demands, and of each device its energy or k periods at full power, whichever
 * is less. Such sets form a polymatroid, so taking from the cheapest on what it adds is exact as
 * long as unserved energy costs more than any device.
 */
export function cheapestMix({ powerW, energyWh }: Ranked, demand: Demand): Mix {
  const cuts = demandCuts(demand)
  const periods = cuts.length - 1
  const takeWh = new Float64Array(powerW.length)
  const wantedWh = cuts[0] as number
  let served = 0
  for (let i = 0; i < takeWh.length && served < wantedWh; i += 1) {
    const energy = energyWh[i] as number
    const perPeriod = (powerW[i] as number) * demand.hours
    let now = wantedWh
    for (let k = 1; k <= periods; k += 1) {
      const cut = (cuts[k] as number) + Math.min(energy, k * perPeriod)
      cuts[k] = cut
      if (cut < now) now = cut
    }
    takeWh[i] = Math.min(energy, noiseless(now - served, wantedWh))
    served = now
  }
  return { takeWh, unservedWh: noiseless(wantedWh - served, wantedWh) }
}

/** By k: the energy of all but the k largest demands, Wh. The cut with k = 0 is the whole demand. */
function demandCuts({ powerW, hours }: Demand): Float64Array {
  const wanted = powerW.map((power) => Math.max(0, power)).sort((a, b) => a - b)
  const cuts = new Float64Array(wanted.length + 1)
  for (let count = 1; count <= wanted.length; count += 1) {
    const at = wanted.length - count
    cuts[at] = (cuts[at + 1] as number) + hours * (wanted[count - 1] as number)
  }
  return cuts
}

/** What the devices can serve of a demand together, Wh at the congestion point. */
export function servableWh(fleet: Fleet, demand: Demand, priceCap?: number): number {
  const { takeWh } = cheapestMix(inMeritOrder(fleet, priceCap), demand)
  return takeWh.reduce((sum, wh) => sum + wh, 0)
}

/**
 * Serves a demand at the least cost, exactly, in O(n log n): for devices that are there in the
 * whole window, with constant limits and prices, and no least power. Whoever gives nothing is left
 * out; the others run greatest time to go first on the energy that is taken of each.
 */
export function cheapestDispatch(
  fleet: Fleet,
  demand: Demand,
  priceCap?: number,
): CheapestDispatch {
  const ranked = inMeritOrder(fleet, priceCap)
  const mix = cheapestMix(ranked, demand)
  const ranks = new Uint32Array(mix.takeWh.length)
  let count = 0
  mix.takeWh.forEach((wh, rank) => {
    if (wh <= 0) return
    ranks[count] = rank
    count += 1
  })
  const taken = ranks.subarray(0, count)
  const position = taken.map((rank) => ranked.position[rank] as number)
  const takeWh = picked(mix.takeWh, taken)
  const { powerW } = serve(picked(ranked.powerW, taken), takeWh, demand)
  if (fleet.effect !== undefined) {
    const effect = picked(fleet.effect, position)
    for (let i = 0; i < powerW.length; i += 1) {
      powerW[i] = (powerW[i] as number) / (effect[i % count] as number)
    }
    for (let k = 0; k < count; k += 1) takeWh[k] = (takeWh[k] as number) / (effect[k] as number)
  }
  return { position, powerW, takeWh, unservedWh: mix.unservedWh }
}

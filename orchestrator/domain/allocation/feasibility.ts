import { type Demand, type Fleet, inMeritOrder, timesToGo } from './fleet.ts'

/**
 * The energy that no schedule of this fleet can serve, Wh at the congestion point: 0 where the
 * demand is feasible. For every power p the part of the demand above p is compared with what the
 * fleet can give above p when all run flat out; where the first is larger, that much stays unserved
 * (E-p transform; Cruise and Zachary, arXiv 1805.09315). Price is no matter here, the cap apart.
 */
export function unavoidableShortfallWh(
  fleet: Fleet,
  { powerW: wantedW, hours: periodHours }: Demand,
  priceCap?: number,
): number {
  const { powerW, energyWh } = inMeritOrder(fleet, priceCap)
  const { longestFirst } = timesToGo(powerW, energyWh)
  const wanted = wantedW.filter((power) => power > 0).sort((a, b) => b - a)
  let level = powerW.reduce((sum, power) => sum + power, 0)
  let [aboveWh, demandAboveWh, higherW, higher] = [0, 0, 0, 0]
  let shortWh = 0
  // From the full power down: what the fleet gives above a level grows by each device's energy.
  for (let rank = longestFirst.length; ; rank -= 1) {
    while (higher < wanted.length && (wanted[higher] as number) > level) {
      higherW += wanted[higher] as number
      higher += 1
    }
    demandAboveWh = periodHours * (higherW - higher * level)
    shortWh = Math.max(shortWh, demandAboveWh - aboveWh)
    if (rank === 0) return noiseless(shortWh, periodHours * higherW)
    const device = longestFirst[rank - 1] as number
    // The last level is 0 whatever the sums of many powers have lost on the way.
    level = rank === 1 ? 0 : Math.max(0, level - (powerW[device] as number))
    aboveWh += energyWh[device] as number
  }
}

/** Differences of large sums carry their rounding: a trillionth of the whole is none. */
export function noiseless(wh: number, ofWh: number): number {
  return wh <= ofWh * 1e-12 ? 0 : wh
}

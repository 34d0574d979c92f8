import { type Demand, picked, timesToGo } from './fleet.ts'

/** W of each device in each period, period by period: device i in period t at `t * devices + i`. */
export type Schedule = { readonly powerW: Float64Array; readonly unservedWh: number }

/** The devices with the longest time to go first: their powers, and how long they can still run. */
type Runs = { readonly powers: Float64Array; readonly hours: Float64Array }

/**
 * Serves a demand, greatest time to go first: period by period all times to go are kept as level as
 * they can be, so that what is left serves the most that may still be asked. A demand that is too
 * large gets the most energy that these devices can give it. Edwards, Angeli and Tindemans,
 * arXiv 1710.06302.
 */
export function serve(powerW: Float64Array, energyWh: Float64Array, demand: Demand): Schedule {
  const count = powerW.length
  const { hours, longestFirst } = timesToGo(powerW, energyWh)
  const runs = {
    powers: picked(powerW, longestFirst),
    hours: picked(hours, longestFirst),
  }
  const given = new Float64Array(demand.powerW.length * count)
  let unservedWh = 0
  demand.powerW.forEach((wantedW, period) => {
    const { level, missingW } = levelFor(runs, wantedW, demand.hours)
    unservedWh += missingW * demand.hours
    step(runs, level, demand.hours, (rank, power) => {
      given[period * count + (longestFirst[rank] as number)] = power
    })
  })
  return { powerW: given, unservedWh }
}

/**
 * The time to go z, h, down to which devices run so that their sum is what is wanted. The sum falls
 * with z and bends where a device begins (at its own time to go) and where it has reached its full
 * power (a period below that): two lists that are sorted already, walked from the highest down.
 */
function levelFor(
  { powers, hours }: Runs,
  wantedW: number,
  periodHours: number,
): { readonly level: number; readonly missingW: number } {
  if (wantedW <= 0) return { level: hours[0] ?? 0, missingW: 0 }
  const count = powers.length
  let [sum, slope, at] = [0, 0, hours[0] ?? 0]
  let [begins, full] = [0, 0]
  for (;;) {
    const nextBegin = begins < count ? (hours[begins] as number) : 0
    const nextFull = full < begins ? (hours[full] as number) - periodHours : 0
    const next = Math.max(0, nextBegin, nextFull)
    const then = sum + slope * (at - next)
    if (slope > 0 && then >= wantedW) return { level: at - (wantedW - sum) / slope, missingW: 0 }
    ;[sum, at] = [then, next]
    if (next === 0) return { level: 0, missingW: Math.max(0, wantedW - sum) }
    if (nextBegin >= nextFull) {
      slope += (powers[begins] as number) / periodHours
      begins += 1
    } else {
      slope -= (powers[full] as number) / periodHours
      full += 1
    }
  }
}

/** Runs a period; the order of the times to go does not change by it, so it is sorted only once. */
function step(
  { powers, hours }: Runs,
  level: number,
  periodHours: number,
  give: (rank: number, powerW: number) => void,
): void {
  for (let rank = 0; rank < powers.length; rank += 1) {
    const left = hours[rank] as number
    if (left <= level) return
    const power = powers[rank] as number
    if (left - level >= periodHours) {
      give(rank, power)
      hours[rank] = left - periodHours
    } else {
      give(rank, (power * (left - level)) / periodHours)
      hours[rank] = level
    }
  }
}

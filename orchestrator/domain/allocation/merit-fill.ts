import {
  byMerit,
  energyOf,
  leastPeriodsOn,
  type Limits,
  type Plan,
  planOf,
  type Wanted,
} from './limits.ts'

/**
 * Fills each period in merit order, whatever limits devices have, in whole steps of power where one
 * is told: perhaps not the optimum, but never beyond a limit and never more than is asked. A device
 * short of energy spreads it evenly over the periods in which it is needed; all or nothing, and a
 * least time on, are kept by leaving the device out. Where a limit is no whole step, a device at its
 * limit gives that, and the next one leaves less than a step open: `toppedUp` closes that.
 */
export function meritFill(
  devices: readonly Limits[],
  wanted: Wanted,
  { priceCap, stepW = 0 }: { readonly priceCap?: number; readonly stepW?: number } = {},
): Plan {
  const open = wanted.powerW.map((powerW) => Math.max(0, powerW))
  const powerW: number[][] = devices.map(() => open.map(() => 0))
  const ranked = devices.map((device, i) => ({ device, i }))
  for (const { device, i } of ranked.sort((a, b) => byMerit(a.device, b.device))) {
    const { effect = 1, price } = device
    if (effect <= 0 || price > (priceCap ?? price)) continue
    const room = open.map((power) => inStep(power / effect, stepW))
    const given =
      device.allOrNothing === true ? whole(device, wanted, room) : part(device, wanted, room, stepW)
    powerW[i] = withoutShortRuns(given, device, wanted)
    powerW[i].forEach((power, t) => {
      open[t] = Math.max(0, (open[t] as number) - power * effect)
    })
  }
  return planOf(devices, wanted, powerW)
}

function whole(device: Limits, wanted: Wanted, room: readonly number[]): number[] {
  const { maxW, energyWh } = device
  const fits = room.every((power, t) => (maxW[t] ?? 0) <= power)
  return room.map((_, t) => (fits && energyOf(maxW, wanted) <= energyWh ? (maxW[t] ?? 0) : 0))
}

function part(device: Limits, wanted: Wanted, room: readonly number[], stepW: number): number[] {
  const { maxW, stopW = [], stopToW = stopW, minW = 0, energyWh } = device
  const there = room.map((power, t) => (power > 0 && (maxW[t] || stopW[t] || 0) > 0 ? 1 : 0))
  const lastingW = energyWh / Math.max(energyOf(there, wanted), Number.MIN_VALUE)
  return room.map((power, t) => {
    const most = inStep(Math.min(power, lastingW), stepW)
    const stop = stopW[t] ?? 0
    if (stop > 0 && most >= stop) return Math.min(most, stopToW[t] ?? stop)
    const given = Math.min(most, maxW[t] ?? 0)
    return given < minW ? 0 : given
  })
}

/** Down to a whole step; 0: any power will do. */
function inStep(power: number, stepW: number): number {
  return stepW === 0 ? power : Math.floor(power / stepW + 1e-9) * stepW
}

/** Less is arithmetic. */
const NOTHING_HOURS = 1e-9

/** Without the runs that end sooner than the device may. */
function withoutShortRuns(powerW: readonly number[], device: Limits, { hours }: Wanted): number[] {
  const { minW = 0, minOnHours } = device
  const leastPeriods = leastPeriodsOn(device)
  const isShort = (from: number, until: number): boolean => {
    if (minW === 0 || minOnHours === undefined) return until - from < leastPeriods
    const lasts = hours.slice(from, until).reduce((sum, each) => sum + each, 0)
    return lasts < minOnHours - NOTHING_HOURS
  }
  const kept = [...powerW]
  let begun = 0
  for (let t = 0; t <= kept.length; t += 1) {
    if (t < kept.length && (kept[t] as number) > 0) continue
    if (isShort(begun, t)) kept.fill(0, begun, t)
    begun = t + 1
  }
  return kept
}

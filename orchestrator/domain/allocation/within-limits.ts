import { energyOf, leastPeriodsOn, type Limits, type Plan, type Wanted } from './limits.ts'

/** A ten-thousandth of a Wh is noise of sums. */
const NOISE_WH = 1e-4
const NOISE_W = 1e-6

/**
 * True if no device passes a limit of its own, and no period gets more than it asks for, beyond the
 * part of a W that powers in whole W cannot avoid. What comes from a solver is held against this.
 */
export function isWithin(devices: readonly Limits[], wanted: Wanted, { powerW }: Plan): boolean {
  const most = devices.reduce((all, { effect = 1 }) => Math.max(all, effect), 1)
  const isPassed = wanted.powerW.some((askedW, t) => {
    const given = devices.reduce((sum, { effect = 1 }, i) => {
      return sum + effect * (powerW[i]?.[t] ?? 0)
    }, 0)
    return given >= Math.max(0, askedW) + most
  })
  return !isPassed && devices.every((device, i) => keepsTo(device, wanted, powerW[i] ?? []))
}

function keepsTo(device: Limits, wanted: Wanted, powerW: readonly number[]): boolean {
  if (energyOf(powerW, wanted) > device.energyWh + NOISE_WH) return false
  if (device.allOrNothing === true && powerW.some((power) => power > 0)) {
    return powerW.every((power, t) => power === (device.maxW[t] ?? 0))
  }
  return powerW.every((power, t) => mayGive(device, power, t)) && runsLast(device, powerW)
}

function mayGive(device: Limits, power: number, t: number): boolean {
  const { maxW, minW = 0, stopW = [], stopToW = stopW } = device
  const stop = stopW[t] ?? 0
  const isStopped = stop > 0 && power >= stop - NOISE_W && power <= (stopToW[t] ?? 0) + NOISE_W
  const isPart = power >= minW - NOISE_W && power <= (maxW[t] ?? 0) + NOISE_W
  return power === 0 || isStopped || isPart
}

/** No run of periods with power is shorter than it may be. */
function runsLast(device: Limits, powerW: readonly number[]): boolean {
  const least = leastPeriodsOn(device)
  let run = 0
  for (const power of [...powerW, 0]) {
    if (power === 0 && run > 0 && run < least) return false
    run = power > 0 ? run + 1 : 0
  }
  return true
}

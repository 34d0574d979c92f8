import { byMerit, type Limits, type Plan, planOf, type Wanted } from './limits.ts'

/** Powers of devices in merit order, and what rounding must not pass. */
export type Exact = {
  /** W, period by period: device k in period t at `t * devices + k`. */
  readonly powerW: Float64Array
  readonly energyWh: Float64Array
  readonly effect?: Float64Array
  /** Nothing between 0 and this; absent: no such gap. */
  readonly minW?: Float64Array
}

/**
 * The powers in whole steps. Each is rounded down; what a period lacks by that goes, one step each,
 * to devices that were rounded, in merit order, as long as neither their energy nor the demand is
 * passed. So no device is a whole step or more away from the plan, and a period lacks less than a
 * step where energy allows it. Limits of power must be whole steps.
 */
export function wholeSteps(exact: Exact, wanted: Wanted, stepW: number): Float64Array {
  const { energyWh, effect } = exact
  const count = energyWh.length
  const powerW = exact.powerW.map((power, at) => {
    const rounded = Math.floor(power / stepW + 1e-6) * stepW
    return rounded < (exact.minW?.[at % count] ?? 0) ? 0 : rounded
  })
  const leftWh = Float64Array.from(energyWh)
  const give = (k: number, power: number, hours: number): void => {
    leftWh[k] = (leftWh[k] as number) - power * hours
  }
  const open = wanted.powerW.map((askedW, t) => {
    let left = askedW
    for (let k = 0; k < count; k += 1) {
      const power = powerW[t * count + k] as number
      left -= power * (effect?.[k] ?? 1)
      give(k, power, wanted.hours[t] ?? 0)
    }
    return left
  })
  open.forEach((askedW, t) => {
    const hours = wanted.hours[t] ?? 0
    let left = askedW
    for (let k = 0; k < count && left > 0; k += 1) {
      const at = t * count + k
      const step = stepW * (effect?.[k] ?? 1)
      const wasRounded = (exact.powerW[at] as number) - (powerW[at] as number) > stepW * 1e-6
      if (!wasRounded || step > left + 1e-6) continue
      // It stands still because it was rounded below its least: a single step is no way back.
      if ((powerW[at] as number) + stepW < (exact.minW?.[k] ?? 0)) continue
      if (stepW * hours > (leftWh[k] as number) + 1e-6) continue
      powerW[at] = (powerW[at] as number) + stepW
      give(k, stepW, hours)
      left -= step
    }
  })
  return powerW
}

/** A plan in whole steps, as above. */
export function inSteps(
  devices: readonly Limits[],
  wanted: Wanted,
  plan: Plan,
  stepW: number,
): Plan {
  const inMerit = devices.map((_, i) => i)
  inMerit.sort((a, b) => byMerit(devices[a] as Limits, devices[b] as Limits))
  const column = (value: (device: Limits) => number) =>
    Float64Array.from(inMerit, (i) => value(devices[i] as Limits))
  const count = devices.length
  const exact = new Float64Array(count * wanted.powerW.length).map((_, at) => {
    return plan.powerW[inMerit[at % count] as number]?.[Math.floor(at / count)] ?? 0
  })
  const columns = {
    powerW: exact,
    energyWh: column(({ energyWh }) => energyWh),
    effect: column(({ effect = 1 }) => effect),
    minW: column(({ minW = 0 }) => minW),
  }
  const whole = wholeSteps(columns, wanted, stepW)
  const powerW = devices.map(() => wanted.powerW.map(() => 0))
  inMerit.forEach((i, k) => {
    const mine = powerW[i] as number[]
    for (let t = 0; t < mine.length; t += 1) mine[t] = whole[t * count + k] as number
  })
  return planOf(devices, wanted, powerW)
}

/**
 * Devices with no more energy than whole steps can use: what a plan in whole steps may cost at best
 * is then the optimum of these limits, and a solver's powers need little rounding.
 */
export function withStepEnergies(
  devices: readonly Limits[],
  { hours }: Wanted,
  stepW: number,
): Limits[] {
  const seconds = hours.map((each) => Math.round(each * 3600))
  const common = seconds.reduce(greatestCommonDivisor, 0)
  const unitWh = (common * stepW) / 3600
  if (unitWh <= 0) return [...devices]
  return devices.map((device) => {
    return { ...device, energyWh: Math.floor(device.energyWh / unitWh + 1e-9) * unitWh }
  })
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

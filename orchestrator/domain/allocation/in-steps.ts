import { byMerit, energyOf, type Limits, type Plan, planOf, type Wanted } from './limits.ts'

/**
 * The plan in whole steps of power. Each power is rounded down; what a period lacks by that goes,
 * one step each, to devices that were rounded, in merit order, as long as neither their limits nor
 * their energy nor the demand is passed. So no device is a whole step or more away from the plan,
 * and a period lacks less than a step where energy allows it. All limits must be whole
 * steps.
 */
export function inSteps(
  devices: readonly Limits[],
  wanted: Wanted,
  plan: Plan,
  stepW: number,
): Plan {
  const powerW = plan.powerW.map((powers, i) => {
    return powers.map((power) => roundedDown(power, devices[i] as Limits, stepW))
  })
  const inMerit = devices.map((_, i) => i)
  inMerit.sort((a, b) => byMerit(devices[a] as Limits, devices[b] as Limits))
  const usedWh = powerW.map((powers) => energyOf(powers, wanted))
  wanted.powerW.forEach((askedW, t) => {
    const stepWh = stepW * (wanted.hours[t] ?? 0)
    let open = askedW
    devices.forEach(({ effect = 1 }, i) => {
      open -= effect * (powerW[i]?.[t] ?? 0)
    })
    for (const i of inMerit) {
      const { effect = 1, energyWh, allOrNothing = false } = devices[i] as Limits
      const mine = powerW[i] as number[]
      const exact = plan.powerW[i]?.[t] ?? 0
      const wasRounded = exact - (mine[t] as number) > stepW * 1e-6 && !allOrNothing
      if (!wasRounded || effect * stepW > open + 1e-6) continue
      if ((usedWh[i] as number) + stepWh > energyWh + 1e-6) continue
      mine[t] = (mine[t] as number) + stepW
      usedWh[i] = (usedWh[i] as number) + stepWh
      open -= effect * stepW
    }
  })
  return planOf(devices, wanted, powerW)
}

function roundedDown(power: number, { minW = 0 }: Limits, stepW: number): number {
  const rounded = Math.floor(power / stepW + 1e-6) * stepW
  return rounded > 0 && rounded < minW ? 0 : rounded
}

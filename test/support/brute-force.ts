import { energyOf, type Limits, type Wanted } from '#domain/allocation/limits.ts'

const KW = 1_000

/** The least cost of all allocations in whole kW, micro-EUR, with what is unserved at its price. */
export function bruteForce(
  devices: readonly Limits[],
  wanted: Wanted,
  unservedPrice: number,
): number {
  let best = Number.POSITIVE_INFINITY
  const choices = devices.map((device) => schedulesOf(device, wanted))
  const open = wanted.powerW.map((powerW) => powerW)
  const search = (i: number, cost: number): void => {
    if (i === devices.length) {
      best = Math.min(best, cost + (unservedPrice * energyOf(open, wanted)) / KW)
      return
    }
    const effect = devices[i]?.effect ?? 1
    for (const powers of choices[i] ?? []) {
      if (powers.some((power, t) => power * effect > (open[t] ?? 0))) continue
      powers.forEach((power, t) => {
        open[t] = (open[t] ?? 0) - power * effect
      })
      search(i + 1, cost + ((devices[i]?.price ?? 0) * energyOf(powers, wanted)) / KW)
      powers.forEach((power, t) => {
        open[t] = (open[t] ?? 0) + power * effect
      })
    }
  }
  search(0, 0)
  return best
}

/** Every schedule in whole kW that a device may run, from the words of its limits. */
function schedulesOf(device: Limits, wanted: Wanted): number[][] {
  const {
    maxW,
    stopW = [],
    stopToW = stopW,
    minW = 0,
    minOnPeriods = 1,
    allOrNothing,
    energyWh,
  } = device
  const idle = wanted.powerW.map(() => 0)
  const allowed = idle.map((_, t) => {
    const steps = Array.from({ length: (maxW[t] ?? 0) / KW + 1 }, (_none, kw) => kw * KW)
    const partly = steps.filter((power) => power === 0 || power >= minW)
    const stop = stopW[t] ?? 0
    if (stop === 0) return partly
    const more = ((stopToW[t] ?? stop) - stop) / KW
    return [...partly, ...Array.from({ length: more + 1 }, (_none, kw) => stop + kw * KW)]
  })
  const all =
    allOrNothing === true
      ? [idle, [...maxW]]
      : allowed.reduce<number[][]>(
          (begun, powers) => begun.flatMap((one) => powers.map((power) => [...one, power])),
          [[]],
        )
  return all.filter((powers) => {
    return energyOf(powers, wanted) <= energyWh && runsOf(powers).every((n) => n >= minOnPeriods)
  })
}

/** How long each run of periods with power is. */
function runsOf(powers: readonly number[]): number[] {
  const marks = powers.map((power) => (power > 0 ? 'x' : ' ')).join('')
  return marks.split(' ').flatMap((run) => (run === '' ? [] : [run.length]))
}

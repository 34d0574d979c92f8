import { cheapestDispatch } from './cheapest-mix.ts'
import type { Fleet } from './fleet.ts'
import { energyOf, type Limits, type Plan, planOf, solverReasons, type Wanted } from './limits.ts'

/** The cheapest plan where `solverReasons` finds none; their order does not matter. */
export function greedyPlan(devices: readonly Limits[], wanted: Wanted, priceCap?: number): Plan {
  const asked = wanted.powerW.flatMap((powerW, t) => (powerW > 0 ? [t] : []))
  const powerW = devices.map(() => wanted.powerW.map(() => 0))
  const [first] = asked
  if (first === undefined) return planOf(devices, wanted, powerW)
  const byId = devices.map((_, i) => i).sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
  const demand = {
    powerW: asked.map((t) => wanted.powerW[t] as number),
    hours: wanted.hours[first] as number,
  }
  const found = cheapestDispatch(fleetOf(byId.map(deviceAt), first), demand, priceCap)
  const count = found.position.length
  found.position.forEach((position, k) => {
    const mine = powerW[byId[position] as number] as number[]
    asked.forEach((t, period) => {
      mine[t] = found.powerW[period * count + k] as number
    })
  })
  return planOf(devices, wanted, powerW)

  function deviceAt(i: number): Limits {
    return devices[i] as Limits
  }
  function idOf(i: number): string {
    return deviceAt(i).id
  }
}

/** Limits as columns; `period`: one for all, since they do not change. */
export function fleetOf(devices: readonly Limits[], period = 0): Fleet {
  const column = (value: (device: Limits) => number) => Float64Array.from(devices, value)
  return {
    powerW: column(({ maxW }) => maxW[period] ?? 0),
    energyWh: column(({ energyWh }) => energyWh),
    price: column(({ price }) => price),
    effect: column(({ effect = 1 }) => effect),
    rotation: column(({ rotation = 0 }) => rotation),
  }
}

/**
 * At least so much stays unserved whatever is chosen, Wh at the congestion point, however long the
 * periods are: more than the power of all in a period, or than the energy of all.
 */
export function beyondAllWh(
  devices: readonly Limits[],
  { powerW, hours }: Wanted,
  priceCap = Number.POSITIVE_INFINITY,
): number {
  const able = devices.filter(({ price, effect = 1 }) => price <= priceCap && effect > 0)
  const sumOf = (of: (device: Limits) => number) => {
    return able.reduce((sum, device) => sum + (device.effect ?? 1) * of(device), 0)
  }
  const beyondPowerWh = powerW.reduce((sum, asked, t) => {
    const most = sumOf(({ maxW, stopToW, stopW }) => {
      return Math.max(maxW[t] ?? 0, (stopToW ?? stopW)?.[t] ?? 0)
    })
    return sum + Math.max(0, asked - most) * (hours[t] ?? 0)
  }, 0)
  const wantedWh = powerW.reduce((sum, asked, t) => sum + Math.max(0, asked) * (hours[t] ?? 0), 0)
  return Math.max(beyondPowerWh, wantedWh - sumOf(({ energyWh }) => energyWh))
}

/**
 * The same devices without anything that keeps the greedy from being exact: each can do at least
 * what it could, so that nothing within the limits costs less than the relaxed cheapest, or serves
 * more. null: periods are not equally long.
 */
export function relaxed(devices: readonly Limits[], wanted: Wanted): Limits[] | null {
  if (solverReasons([], wanted).length > 0) return null
  const asked = wanted.powerW.map((powerW) => powerW > 0)
  return devices.map(({ id, price, effect = 1, rotation = 0, ...limits }) => {
    const { maxW, stopW = [], stopToW = stopW, energyWh } = limits
    const most = asked.map((isAsked, t) => {
      return isAsked ? Math.max(maxW[t] ?? 0, stopToW[t] ?? 0) : 0
    })
    const all = Math.max(0, ...most)
    const energy = Math.min(energyWh, energyOf(most, wanted))
    return { id, price, effect, rotation, maxW: asked.map(() => all), energyWh: energy }
  })
}

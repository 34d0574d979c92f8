import type { Demand, Fleet } from '#domain/allocation/fleet.ts'
import type { Limits } from '#domain/allocation/limits.ts'
import { seededRandom } from '#simulations/random.ts'

/** What one size is measured on. */
export type Asked = { readonly fleet: Fleet; readonly demand: Demand }

/**
 * Devices of 3 to 11 kW with energy for 0.2 to 4.2 hours, at 0.02 to 0.10 EUR per kWh and 0.8 to
 * 1.2 of effect; in each half hour a tenth to seven tenths of all their power is asked for.
 */
export function asked(devices: number, periods: number, seed: number): Asked {
  const { between, integer } = seededRandom(seed, 'allocation', devices, periods)
  const column = (value: (i: number) => number) =>
    Float64Array.from({ length: devices }, (_, i) => value(i))
  const powerW = column(() => integer(30, 110) * 100)
  const energyWh = column((i) => (powerW[i] as number) * between(0.2, 4.2))
  const price = column(() => integer(20_000, 100_000))
  const effect = column(() => between(0.8, 1.2))
  const rotation = column(() => integer(0, 9))
  const allW = powerW.reduce((sum, power) => sum + power, 0)
  const wantedW = Array.from({ length: periods }, () => Math.round(allW * between(0.1, 0.7)))
  return {
    fleet: { powerW, energyWh, price, effect, rotation },
    demand: { powerW: wantedW, hours: 0.5 },
  }
}

/** The same devices one by one, as a call has them. */
export function limitsOf({ fleet, demand }: Asked): Limits[] {
  return Array.from(fleet.powerW, (powerW, i) => ({
    id: String(i).padStart(7, '0'),
    price: fleet.price[i] as number,
    maxW: demand.powerW.map(() => powerW),
    energyWh: fleet.energyWh[i] as number,
    effect: fleet.effect?.[i] as number,
    rotation: fleet.rotation?.[i] as number,
  }))
}

/** The same of four kinds, as a car park has them: one price, cars that need as much. */
export function alike(count: number, periods: number, seed: number): Limits[] {
  const kinds = chargers(4, periods, seed)
  return Array.from({ length: count }, (_, i) => {
    return { ...(kinds[i % 4] as Limits), id: String(i).padStart(7, '0'), price: 60_000 }
  })
}

/** Chargers that hold 6 A on three phases or stop, each in its own part of the power. */
export function chargers(count: number, periods: number, seed: number): Limits[] {
  const { integer } = seededRandom(seed, 'chargers', count, periods)
  return Array.from({ length: count }, (_, i) => {
    const drawnW = integer(50, 110) * 100
    return {
      id: String(i).padStart(7, '0'),
      price: integer(20_000, 100_000),
      maxW: Array.from({ length: periods }, () => drawnW - 4_200),
      stopW: Array.from({ length: periods }, () => drawnW),
      energyWh: integer(2_000, 30_000),
    }
  })
}

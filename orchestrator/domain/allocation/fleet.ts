import { ascending } from './ascending.ts'

/**
 * Devices whose limits do not change within the window, as columns: a million of them are five
 * arrays. They stand in the order of their ids. Nothing in here may be negative.
 */
export type Fleet = {
  /** The most that each can move, W at the device. */
  readonly powerW: Float64Array
  /** The most that it can give in the window, Wh at the device. */
  readonly energyWh: Float64Array
  /** micro-EUR per kWh at the device. */
  readonly price: Float64Array
  /** What 1 W at the device takes off the congested element; absent: 1 for all. */
  readonly effect?: Float64Array
  /** How often, or how much, each gave lately: of equal prices the least comes first. */
  readonly rotation?: Float64Array
}

/** What is asked of all together in periods of equal length, W at the congestion point. */
export type Demand = { readonly powerW: readonly number[]; readonly hours: number }

/** The devices that can be taken, by rank: cheapest effect first, then rotation, then id. */
export type Ranked = {
  /** Where each stands in the fleet. */
  readonly position: Uint32Array
  /** As the congestion point sees them: times their effect. */
  readonly powerW: Float64Array
  readonly energyWh: Float64Array
}

/**
 * Ranks a fleet by price per effect, without those that have no effect, power or energy or ask more
 * than the cap (micro-EUR per kWh at the device). @throws RangeError for columns of unequal length
 */
export function inMeritOrder(fleet: Fleet, priceCap = Number.POSITIVE_INFINITY): Ranked {
  const { powerW, energyWh, price, effect, rotation } = fleet
  const count = powerW.length
  for (const column of [energyWh, price, effect, rotation]) {
    if (column !== undefined && column.length !== count) {
      throw new RangeError(`expected ${count} values in each column, got ${column.length}`)
    }
  }
  const effectOf = (i: number) => (effect === undefined ? 1 : (effect[i] as number))
  const able = new Uint32Array(count)
  let found = 0
  for (let i = 0; i < count; i += 1) {
    const can = (powerW[i] as number) > 0 && (energyWh[i] as number) > 0 && effectOf(i) > 0
    if (can && (price[i] as number) <= priceCap) {
      able[found] = i
      found += 1
    }
  }
  let position: Uint32Array = able.slice(0, found)
  if (rotation !== undefined) position = reordered(position, (i) => rotation[i] as number)
  position = reordered(position, (i) => (price[i] as number) / effectOf(i))
  const seen = effect === undefined ? undefined : picked(effect, position)
  return {
    position,
    powerW: times(picked(powerW, position), seen),
    energyWh: times(picked(energyWh, position), seen),
  }
}

/** A column's values at these places, in their order. */
export function picked(column: Float64Array, places: Uint32Array): Float64Array {
  // A plain loop: what typed arrays offer for this goes by iterators and takes ten times as long.
  const values = new Float64Array(places.length)
  for (let k = 0; k < values.length; k += 1) values[k] = column[places[k] as number] as number
  return values
}

function times(values: Float64Array, factors: Float64Array | undefined): Float64Array {
  if (factors === undefined) return values
  for (let k = 0; k < values.length; k += 1) {
    values[k] = (values[k] as number) * (factors[k] as number)
  }
  return values
}

/** Stable: what stood before another of equal key stays before it. */
function reordered(position: Uint32Array, keyOf: (i: number) => number): Uint32Array {
  const keys = new Float64Array(position.length)
  for (let k = 0; k < keys.length; k += 1) keys[k] = keyOf(position[k] as number)
  const order = ascending(keys)
  for (let k = 0; k < order.length; k += 1) order[k] = position[order[k] as number] as number
  return order
}

/** Times to go, h: how long each can still run flat out, and who has the longest, first to last. */
export function timesToGo(
  powerW: Float64Array,
  energyWh: Float64Array,
): { readonly hours: Float64Array; readonly longestFirst: Uint32Array } {
  const hours = new Float64Array(powerW.length)
  for (let i = 0; i < hours.length; i += 1) {
    const power = powerW[i] as number
    hours[i] = power > 0 ? (energyWh[i] as number) / power : 0
  }
  return { hours, longestFirst: ascending(hours).reverse() }
}

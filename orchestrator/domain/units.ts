/** A number or string that only its own constructor can make. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }

/** Power in whole W; + is consumption seen from the customer (UFTP's sign). */
export type Watts = Brand<number, 'W'>
/** Metered energy in whole Wh; + is consumption. */
export type WattHours = Brand<number, 'Wh'>
/** Ordered energy in whole W·min: exact for whole watts and whole minutes. */
export type WattMinutes = Brand<number, 'Wmin'>
/** A share in basis points, 10 000 = all. */
export type BasisPoints = Brand<number, 'bp'>

function whole<T>(value: number, what: string, unit: string): T {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`${what} must be whole ${unit}, got ${value}`)
  }
  return value as T // the only cast
}

export function watts(value: number): Watts {
  return whole<Watts>(value, 'power', 'W')
}

export function wattHours(value: number): WattHours {
  return whole<WattHours>(value, 'energy', 'Wh')
}

export function wattMinutes(value: number): WattMinutes {
  return whole<WattMinutes>(value, 'ordered energy', 'W·min')
}

/** @throws RangeError below 0: a share is never negative; above 10 000 is allowed (caps of 120 %). */
export function basisPoints(value: number): BasisPoints {
  if (value < 0) throw new RangeError(`a share must be at least 0 bp, got ${value}`)
  return whole<BasisPoints>(value, 'a share', 'bp')
}

/** Power held for whole seconds, in W·min, rounded towards zero. */
export function energyOrdered(power: Watts, seconds: number): WattMinutes {
  return wattMinutes(Math.trunc((power * seconds) / 60))
}

/** W·min to whole Wh, rounded towards zero: an order is never made larger by rounding. */
export function toWattHours(energy: WattMinutes): WattHours {
  return wattHours(Math.trunc(energy / 60))
}

/** Whole division of whole numbers, ties to the even neighbour: no bias over many periods. */
export function divideHalfEven(numerator: number, denominator: number): number {
  const floor = Math.floor(numerator / denominator)
  const rest = numerator - floor * denominator
  if (rest * 2 < denominator) return floor
  if (rest * 2 > denominator) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

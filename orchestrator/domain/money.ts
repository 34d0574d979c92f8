import type { Brand } from './units.ts'

/** Money in minor units of 1e-6 EUR, the same inside and on chain. Never a float. */
export type MicroEur = Brand<bigint, 'MicroEur'>
/** A price in micro-EUR per kWh. */
export type MicroEurPerKwh = Brand<bigint, 'MicroEurPerKwh'>

export const MINOR_PER_EUR = 1_000_000n

export function microEur(value: bigint): MicroEur {
  return value as MicroEur
}

/** @throws RangeError for a negative price. */
export function microEurPerKwh(value: bigint): MicroEurPerKwh {
  if (value < 0n) throw new RangeError(`a price must be at least 0, got ${value}`)
  return value as MicroEurPerKwh
}

/** Division rounded towards minus infinity; JavaScript's own rounds towards zero. */
export function floorDiv(numerator: bigint, denominator: bigint): bigint {
  if (denominator <= 0n) throw new RangeError(`a divisor must be positive, got ${denominator}`)
  const quotient = numerator / denominator
  return numerator % denominator < 0n ? quotient - 1n : quotient
}

/** Division rounded up: what an escrow must hold at least. */
export function ceilDiv(numerator: bigint, denominator: bigint): bigint {
  return -floorDiv(-numerator, denominator)
}

export function leastOf(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

export function sumMoney(values: Iterable<bigint>): MicroEur {
  let total = 0n
  for (const value of values) total += value
  return microEur(total)
}

/** Euros and whole cents as people write them, 5000 or 5000.00. @throws RangeError for anything else */
export function minorOfEuros(text: string): MicroEur {
  const found = /^(\d{1,12})(?:[.,](\d{2}))?$/.exec(text)
  if (found === null) throw new RangeError(`expected euros such as 5000 or 5000.00, got ${text}`)
  const cents = BigInt(found[1] ?? '') * 100n + BigInt(found[2] ?? '0')
  return microEur((cents * MINOR_PER_EUR) / 100n)
}

/** Exact, with at least two decimals. */
export function euros(amount: bigint): string {
  const whole = amount / MINOR_PER_EUR
  const rest = (amount % MINOR_PER_EUR)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `${whole}.${rest} EUR`
}

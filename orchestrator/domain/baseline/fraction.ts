import { floorDiv } from '../money.ts'

/** An exact quotient in lowest terms, denominator above 0. */
export type Fraction = { readonly numerator: bigint; readonly denominator: bigint }

/** @throws RangeError for a denominator of 0. */
export function fraction(numerator: bigint | number, denominator: bigint | number = 1n): Fraction {
  const [n, d] = [BigInt(numerator), BigInt(denominator)]
  if (d === 0n) throw new RangeError('a fraction cannot have the denominator 0')
  if (d === 1n) return { numerator: n, denominator: d }
  const divisor = greatestCommon(n < 0n ? -n : n, d < 0n ? -d : d)
  const sign = d < 0n ? -1n : 1n
  return { numerator: (sign * n) / divisor, denominator: (sign * d) / divisor }
}

export const ZERO: Fraction = { numerator: 0n, denominator: 1n }
export const ONE: Fraction = { numerator: 1n, denominator: 1n }

export function plus(a: Fraction, b: Fraction): Fraction {
  return a.denominator === b.denominator
    ? fraction(a.numerator + b.numerator, a.denominator)
    : fraction(
        a.numerator * b.denominator + b.numerator * a.denominator,
        a.denominator * b.denominator,
      )
}

export function minus(a: Fraction, b: Fraction): Fraction {
  return plus(a, { numerator: -b.numerator, denominator: b.denominator })
}

export function times(a: Fraction, b: Fraction): Fraction {
  return fraction(a.numerator * b.numerator, a.denominator * b.denominator)
}

/** @throws RangeError for a divisor of 0. */
export function over(a: Fraction, b: Fraction): Fraction {
  return fraction(a.numerator * b.denominator, a.denominator * b.numerator)
}

export function isLess(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator < b.numerator * a.denominator
}

/** The mean of a list. @throws RangeError for none. */
export function meanOf(values: readonly Fraction[]): Fraction {
  return over(values.reduce(plus, ZERO), fraction(values.length))
}

/** The nearest whole number, ties to the even one. */
export function halfEven({ numerator, denominator }: Fraction): bigint {
  const down = floorOf({ numerator, denominator })
  const rest = 2n * (numerator - down * denominator)
  if (rest < denominator) return down
  return rest > denominator || down % 2n !== 0n ? down + 1n : down
}

/** The largest whole number not above it. */
export function floorOf({ numerator, denominator }: Fraction): bigint {
  return floorDiv(numerator, denominator)
}

/** Of two whole numbers of at least 0, not both 0. */
export function greatestCommon(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

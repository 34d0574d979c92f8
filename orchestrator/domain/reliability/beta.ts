/** What is believed of a share between 0 and 1: a Beta distribution. */
export type Beta = { readonly alpha: number; readonly beta: number }

/** @throws RangeError unless mean is from 0 to 1 and strength above 0 */
export function betaOf(mean: number, strength: number): Beta {
  if (!(mean >= 0 && mean <= 1)) throw new RangeError(`a mean must be from 0 to 1, got ${mean}`)
  if (!(strength > 0)) throw new RangeError(`a strength must be above 0, got ${strength}`)
  return { alpha: mean * strength, beta: (1 - mean) * strength }
}

export function betaMean({ alpha, beta }: Beta): number {
  return alpha / (alpha + beta)
}

export function betaStrength({ alpha, beta }: Beta): number {
  return alpha + beta
}

/** Coefficients of Stirling's series, B(2k) / (2k (2k - 1)): Abramowitz and Stegun 6.1.41. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360] as const
/** From here on six terms are exact to the last digits of a double. */
const LARGE = 15

/** The natural logarithm of the gamma function. @throws RangeError unless above 0 */
export function logGamma(value: number): number {
  if (!(value > 0)) throw new RangeError(`log-gamma is taken of numbers above 0, got ${value}`)
  let shift = 0
  let x = value
  for (; x < LARGE; x += 1) shift += Math.log(x)
  let series = 0
  for (let k = STIRLING.length - 1; k >= 0; k -= 1) series = series / (x * x) + (STIRLING[k] ?? 0)
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series / x - shift
}

/** ln B(a, b). */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}

/**
 * The chance that at least `need` of `count` equal units deliver, where all share one chance that is
 * drawn from a Beta: `sum over k >= need of C(n, k) B(k + a, n - k + b) / B(a, b)`.
 */
export function chanceOfAtLeast(need: number, count: number, { alpha, beta }: Beta): number {
  if (need <= 0) return 1
  if (need > count) return 0
  if (alpha <= 0) return 0
  if (beta <= 0) return 1
  const whole = logBeta(alpha, beta)
  // Whichever tail is shorter; its complement is exact enough, as it is compared with 90 to 99 %.
  const fromBelow = need < count - need
  const [first, last] = fromBelow ? [0, need - 1] : [need, count]
  let sum = 0
  for (let k = first; k <= last; k += 1) {
    const ways = logGamma(count + 1) - logGamma(k + 1) - logGamma(count - k + 1)
    sum += Math.exp(ways + logBeta(k + alpha, count - k + beta) - whole)
  }
  return Math.min(1, Math.max(0, fromBelow ? 1 - sum : sum))
}

/**
 * How many equal units to call so that at least `need` of them deliver with the chance of `level`.
 * Searched upwards by doubling, then by halves: more units never make it less likely.
 * null: not even `most` units reach it.
 */
export function unitsToCall(
  need: number,
  shared: Beta,
  level: number,
  most = 1_000_000,
): number | null {
  const enough = (count: number) => chanceOfAtLeast(need, count, shared) >= level
  let low = need - 1
  let high = Math.min(need, most)
  while (!enough(high)) {
    if (high >= most) return null
    low = high
    high = Math.min(most, high * 2)
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}

import type { Hex } from '../ids.ts'
import type { Uniform } from './draws.ts'

/**
 * Numbers that everybody draws alike who knows the seed, 32 random hexadecimal digits at least.
 * @throws RangeError for a shorter seed
 */
export function uniformFrom(seed: Hex): Uniform {
  if (seed.length < 34) throw new RangeError(`a seed must have 32 digits, got ${seed}`)
  const [a, b, c, counter] = [0, 1, 2, 3].map((part) =>
    Number.parseInt(seed.slice(2 + part * 8, 10 + part * 8), 16),
  ) as [number, number, number, number]
  return sfc32(a, b, c, counter)
}

/** From a state of four 32-bit numbers: sfc32 (C. Doty-Humphrey, PractRand, public domain). */
export function sfc32(a: number, b: number, c: number, counter: number): Uniform {
  return () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 4_294_967_296
  }
}

import { sfc32 } from '#domain/reliability/seeded.ts'

/** A stream of numbers that is the same for the same seed and labels, on every machine. */
export type SeededRandom = {
  /** At least 0, less than 1. */
  next(): number
  /** Whole, both ends included. */
  integer(from: number, to: number): number
  between(from: number, to: number): number
  /** Mean 0, standard deviation 1. */
  normal(): number
  pick<T>(items: readonly T[]): T
  /** A new array in random order. */
  shuffle<T>(items: readonly T[]): T[]
}

/**
 * One stream per thing that is random: a stream of its own for each device, so that adding a device
 * does not move the dice of the others. Generator: sfc32, its state filled from the labels by
 * FNV-1a with a final avalanche.
 */
export function seededRandom(seed: number, ...labels: (string | number)[]): SeededRandom {
  const next = streamOf([seed, ...labels].join('/'))
  const between = (from: number, to: number) => from + next() * (to - from)
  const integer = (from: number, to: number) => Math.floor(between(from, to + 1))
  return {
    next,
    between,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    pick: (items) => {
      const picked = items[integer(0, items.length - 1)]
      if (picked === undefined) throw new RangeError('nothing to pick from')
      return picked
    },
    shuffle: (items) => {
      const keyed = items.map((item) => ({ item, key: next() }))
      return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
    },
  }
}

function streamOf(label: string): () => number {
  const next = sfc32(hash32(`${label}#a`), hash32(`${label}#b`), hash32(`${label}#c`), 1)
  for (let round = 0; round < 12; round += 1) next() // until the seed's bits have spread
  return next
}

function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) | 0
}

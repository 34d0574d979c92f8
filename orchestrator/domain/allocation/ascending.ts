/** Below this a plain sort is quicker than counting 65,536 buckets four times. */
const FEW = 4_096
const BUCKETS = 65_536
/** Which half of a double holds its sign and exponent on this machine. */
const HIGH = new Uint32Array(new Float64Array([1]).buffer)[1] === 0 ? 0 : 1

/**
 * Positions of the keys, smallest first; equal keys stay as they stood in `before` (as given, where
 * it is absent). The bits of doubles that are not negative sort like whole numbers, so that many
 * are sorted digit by digit, in linear time. @throws RangeError for a key below 0, or none at all
 */
export function ascending(keys: Float64Array, before?: Uint32Array): Uint32Array {
  const order = before ?? positions(keys.length)
  for (const key of keys) {
    if (!(key >= 0)) throw new RangeError(`a key to sort by must be at least 0, got ${key}`)
  }
  if (order.length < FEW) {
    return order.toSorted((a, b) => (keys[a] as number) - (keys[b] as number))
  }
  return byDigits(keys, order)
}

function positions(count: number): Uint32Array {
  const all = new Uint32Array(count)
  for (let i = 0; i < count; i += 1) all[i] = i
  return all
}

function byDigits(keys: Float64Array, order: Uint32Array): Uint32Array {
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2)
  let from = Uint32Array.from(order)
  let to = new Uint32Array(order.length)
  for (const [half, shift] of [
    [1 - HIGH, 0],
    [1 - HIGH, 16],
    [HIGH, 0],
    [HIGH, 16],
  ] as const) {
    const ends = new Uint32Array(BUCKETS)
    for (const i of from) {
      const digit = ((halves[2 * i + half] as number) >>> shift) & 0xffff
      ends[digit] = (ends[digit] as number) + 1
    }
    if (ends.includes(from.length)) continue // all keys share this digit
    let sum = 0
    for (let digit = 0; digit < BUCKETS; digit += 1) {
      const here = ends[digit] as number
      ends[digit] = sum
      sum += here
    }
    for (const i of from) {
      const digit = ((halves[2 * i + half] as number) >>> shift) & 0xffff
      const place = ends[digit] as number
      to[place] = i
      ends[digit] = place + 1
    }
    const swap = from
    from = to
    to = swap
  }
  return from
}

/** Below this a plain sort is quicker than counting buckets. */
const FEW = 4_096
/** 2,048 buckets stay in a processor's nearest cache; six digits of 11 bits make 64. */
const DIGIT_BITS = 11
const BUCKETS = 2 ** DIGIT_BITS
const DIGITS = 6
/** Which half of a double holds its sign and exponent on this machine. */
const HIGH = new Uint32Array(new Float64Array([1]).buffer)[1] === 0 ? 0 : 1

/**
 * Positions of the keys, smallest first; equal keys stay as they stand. The bits of doubles that
 * are not negative sort like whole numbers, so that many are sorted digit by digit, in linear time.
 * @throws RangeError for a key below 0, or none at all
 */
export function ascending(keys: Float64Array): Uint32Array {
  for (const key of keys) {
    if (!(key >= 0)) throw new RangeError(`a key to sort by must be at least 0, got ${key}`)
  }
  const order = new Uint32Array(keys.length)
  for (let i = 0; i < order.length; i += 1) order[i] = i
  if (order.length < FEW) return order.sort((a, b) => (keys[a] as number) - (keys[b] as number))
  return byDigits(keys, order)
}

/** Positions with the halves of their keys: moved together, so that memory is read in a row. */
type Cards = { readonly order: Uint32Array; readonly low: Uint32Array; readonly high: Uint32Array }

function byDigits(keys: Float64Array, order: Uint32Array): Uint32Array {
  const count = keys.length
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, 2 * count)
  const blank = (): Cards => ({
    order: new Uint32Array(count),
    low: new Uint32Array(count),
    high: new Uint32Array(count),
  })
  let from: Cards = { ...blank(), order }
  for (let i = 0; i < count; i += 1) {
    from.low[i] = halves[2 * i + 1 - HIGH] as number
    from.high[i] = halves[2 * i + HIGH] as number
  }
  let to = blank()
  for (let digit = 0; digit < DIGITS; digit += 1) {
    const places = placesOf(from, digit)
    if (places === null) continue
    deal(from, to, digit, places)
    const swap = from
    from = to
    to = swap
  }
  return from.order
}

/** Bits 11·digit and following of a key; the third digit lies across its halves. */
function digitOf(low: number, high: number, digit: number): number {
  const shift = digit * DIGIT_BITS
  const bits =
    shift >= 32
      ? high >>> (shift - 32)
      : shift > 32 - DIGIT_BITS
        ? (low >>> shift) | (high << (32 - shift))
        : low >>> shift
  return bits & (BUCKETS - 1)
}

/** Where each bucket begins; null: all keys share this digit. */
function placesOf({ low, high }: Cards, digit: number): Uint32Array | null {
  const places = new Uint32Array(BUCKETS)
  for (let i = 0; i < low.length; i += 1) {
    const bucket = digitOf(low[i] as number, high[i] as number, digit)
    places[bucket] = (places[bucket] as number) + 1
  }
  if (places.includes(low.length)) return null
  let sum = 0
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const here = places[bucket] as number
    places[bucket] = sum
    sum += here
  }
  return places
}

function deal(from: Cards, to: Cards, digit: number, places: Uint32Array): void {
  for (let i = 0; i < from.low.length; i += 1) {
    const [low, high] = [from.low[i] as number, from.high[i] as number]
    const bucket = digitOf(low, high, digit)
    const place = places[bucket] as number
    places[bucket] = place + 1
    to.low[place] = low
    to.high[place] = high
    to.order[place] = from.order[i] as number
  }
}

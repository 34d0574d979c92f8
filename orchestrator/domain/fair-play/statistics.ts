/** Mean and sample deviation. IEEE arithmetic in a fixed order: the same figures everywhere. */
export function spread(values: readonly number[]): { mean: number; deviation: number } {
  const count = values.length
  if (count === 0) return { mean: 0, deviation: 0 }
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  if (count === 1) return { mean, deviation: 0 }
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / (count - 1)) }
}

/** Values as deviations from their mean, of length 1 together; null where they do not vary. */
export function direction(values: readonly number[]): Float64Array | null {
  const { mean } = spread(values)
  const length = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0))
  return length === 0 ? null : Float64Array.from(values, (value) => (value - mean) / length)
}

/** So many figures tell most pairs apart; those of one device lie beside each other. */
const HEAD = 16

/**
 * Every pair of directions that correlates above a limit, as indices. The figures in which they
 * differ most are compared first, so that thousands of devices are told apart in a few steps each.
 */
export function correlatingPairs(
  directions: readonly Float64Array[],
  limit: number,
): [number, number][] {
  const most = 2 * (1 - limit)
  const length = directions[0]?.length ?? 0
  const sizes = Array.from({ length }, (_, i) =>
    directions.reduce((sum, one) => sum + (one[i] ?? 0) ** 2, 0),
  )
  const widest = sizes
    .map((size, i) => ({ size, i }))
    .sort((a, b) => b.size - a.size || a.i - b.i)
    .slice(0, HEAD)
  const heads = new Float64Array(directions.length * HEAD)
  directions.forEach((one, row) => {
    widest.forEach(({ i }, column) => {
      heads[row * HEAD + column] = one[i] ?? 0
    })
  })
  const pairs: [number, number][] = []
  for (let a = 0; a < directions.length; a++) {
    for (let b = a + 1; b < directions.length; b++) {
      let square = 0
      for (let i = 0; i < HEAD && square < most; i++) {
        const apart = (heads[a * HEAD + i] as number) - (heads[b * HEAD + i] as number)
        square += apart * apart
      }
      if (square >= most) continue
      const [one, other] = [directions[a] as Float64Array, directions[b] as Float64Array]
      if (correlatesAbove(one, other, limit)) pairs.push([a, b])
    }
  }
  return pairs
}

/**
 * Do two directions correlate above a limit? 1 - r is half the square of their distance: most pairs
 * are far apart after a few values.
 */
export function correlatesAbove(a: Float64Array, b: Float64Array, limit: number): boolean {
  if (a.length !== b.length) return false
  const most = 2 * (1 - limit)
  let square = 0
  for (let i = 0; i < a.length; i++) {
    const apart = (a[i] as number) - (b[i] as number)
    square += apart * apart
    if (square >= most) return false
  }
  return true
}

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

/** Aligned columns for a stepped plot: seconds first, then the values that hold from there on. */
export type Columns = readonly (readonly (number | null)[])[]

/** One value per period; a figure that is still being measured ends before its period does. */
export type Stepped = {
  readonly of: (index: number) => number | null
  /** Milliseconds; null: nothing is measured yet. */
  readonly until: number | null
}

type Period = { readonly start: string; readonly end: string }

/**
 * Turns one value per period into steps. A value holds from its period's start to its end, or up
 * to where it was measured. A step is drawn up to the next point only, so the point at which
 * nothing follows repeats the value before it.
 */
export function stepLines(periods: readonly Period[], lines: readonly Stepped[]): Columns {
  const spans = periods.map(({ start, end }) => ({ from: Date.parse(start), to: Date.parse(end) }))
  const cuts = lines.flatMap(({ until }) =>
    until !== null && spans.some(({ from, to }) => from < until && until < to) ? [until] : [],
  )
  const points = new Set([...spans.flatMap(({ from, to }) => [from, to]), ...cuts])
  const xs = [...points].sort((a, b) => a - b)
  const columns = lines.map(({ of, until }) =>
    xs.map((x) => {
      if (until === null || x > until) return null
      const following = spans.findIndex(({ from, to }) => from <= x && x < to)
      const ending = spans.findIndex(({ from, to }) => from < x && x <= to)
      const value = following < 0 || x === until ? null : of(following)
      return value ?? (ending < 0 ? null : of(ending))
    }),
  )
  return [xs.map((x) => x / 1000), ...columns]
}

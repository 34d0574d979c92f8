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
  // A point without a value keeps the step before it from being drawn through a gap.
  const gaps = spans
    .filter((_, i) => lines.some(({ of }) => of(i) === null))
    .map(({ from, to }) => (from + to) / 2)
  const points = new Set([...spans.flatMap(({ from, to }) => [from, to]), ...cuts, ...gaps])
  const xs = [...points].sort((a, b) => a - b)
  const isEnd = (x: number) => spans.some(({ to }) => to === x)
  const columns = lines.map(({ of, until }) => {
    const valueOf = (index: number) => (index < 0 ? null : of(index))
    return xs.map((x) => {
      if (until === null || x > until) return null
      const from = spans.findIndex((span) => span.from <= x && x < span.to)
      const upTo = spans.findIndex((span) => span.from < x && x <= span.to)
      const begun = x === until ? null : valueOf(from)
      return begun ?? (isEnd(x) || x === until ? valueOf(upTo) : null)
    })
  })
  return [xs.map((x) => x / 1000), ...columns]
}

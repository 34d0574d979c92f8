import type { Timer } from '#ports.ts'

/**
 * A bench: a file of this folder that exports `run` and stands in the list of `bench.ts`. It brings
 * what it measures up by itself (real drivers, real sockets, the load in a process of its own) and
 * leaves nothing behind, whatever goes wrong.
 */
export type Bench = { run(run: BenchRun): Promise<Measurement[]> }

export type BenchRun = {
  readonly seed: number
  /** What `--size NAME=N` says of a named size of the bench, else its own. */
  readonly size: (name: string, otherwise: number) => number
  readonly timer: Timer
  /** A line for the person who waits; standard output is for machines. */
  readonly say: (line: string) => void
}

/** One line of the report. Where a reference is given, `bar` is asked of the ratio. */
export type Measurement = {
  readonly measure: string
  readonly value: number
  readonly unit: string
  readonly better: 'lower' | 'higher'
  /** The same thing done as simply as it can be, in the same run; null: nothing to compare with. */
  readonly reference: number | null
  readonly ratio: number | null
  /** The figure asked for; null: told for information. */
  readonly bar: number | null
  readonly ok: boolean
}

/** Judges a figure by what is asked of it, or of its ratio to the reference. */
export function measurement(
  told: Pick<Measurement, 'measure' | 'value' | 'unit' | 'better'> & {
    readonly bar?: number
    readonly reference?: number
  },
): Measurement {
  const { measure, unit, better, bar = null, reference = null } = told
  const ratio = reference === null ? null : rounded(told.value / reference)
  const judged = ratio ?? told.value
  const ok = bar === null || (better === 'lower' ? judged <= bar : judged >= bar)
  const value = rounded(told.value)
  return {
    measure,
    value,
    unit,
    better,
    reference: reference === null ? null : rounded(reference),
    ratio,
    bar,
    ok,
  }
}

/** Four digits are more than a shared machine repeats. */
function rounded(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4))
}

/** The middle one. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
  if (middle === undefined) throw new RangeError('the median of nothing')
  return middle
}

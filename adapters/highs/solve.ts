import loadHighs, { type Highs } from 'highs'
import { columnName } from './wire.ts'

/** A program as text, and how long HiGHS may take for it. */
export type Task = {
  readonly text: string
  readonly columns: number
  readonly timeLimitSeconds: number
}

/** The status in the solver's words, and the values of the columns if it is solved. */
export type Answer = { readonly status: string; readonly values: Float64Array | null }

/** So near to the optimum programs with binaries are solved; a tenth of what is asked of us. */
const MIP_GAP = 1e-4

/** Takes some 50 ms: the library is WebAssembly. */
export function load(): Promise<Highs> {
  // Its types say CommonJS, where the function would be a member; what is loaded is a module.
  return (loadHighs as unknown as typeof loadHighs.default)()
}

/** Solves without yielding. */
export function solve(highs: Highs, { text, columns, timeLimitSeconds }: Task): Answer {
  const found = highs.solve(text, {
    output_flag: false,
    time_limit: timeLimitSeconds,
    mip_rel_gap: MIP_GAP,
  })
  if (found.Status !== 'Optimal') return { status: found.Status, values: null }
  const values = new Float64Array(columns)
  for (let column = 0; column < columns; column += 1) {
    const one = found.Columns[columnName(column)]
    values[column] = one !== undefined && 'Primal' in one ? one.Primal : 0
  }
  return { status: found.Status, values }
}

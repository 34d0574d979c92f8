import type { ModelData } from 'highs'
import type { LinearProgram } from '#domain/allocation/linear-program.ts'

const CONTINUOUS = 0
const INTEGER = 1

/**
 * A program as the arrays of HiGHS, row by row. Columns and rows keep their order.
 * @throws RangeError for a number that is none
 */
export function modelOf({ columns, rows, costUnavoidable = 0 }: LinearProgram): ModelData {
  const [numCols, numRows] = [columns.length, rows.length]
  const terms = rows.reduce((sum, row) => sum + row.terms.length, 0)
  const starts = new Int32Array(numRows + 1)
  const indices = new Int32Array(terms)
  const values = new Float64Array(terms)
  let at = 0
  rows.forEach((row, i) => {
    for (const [column, coefficient] of row.terms) {
      indices[at] = column
      values[at] = finite(coefficient)
      at += 1
    }
    starts[i + 1] = at
  })
  const hasBinaries = columns.some(({ isBinary }) => isBinary === true)
  return {
    numCols,
    numRows,
    // Its relative gap is one of the whole objective, with what stands in it whatever is chosen.
    ...(costUnavoidable === 0 ? {} : { offset: -finite(costUnavoidable) }),
    colCost: Float64Array.from(columns, ({ cost }) => finite(cost)),
    colLower: new Float64Array(numCols),
    colUpper: Float64Array.from(columns, ({ max, isBinary }) => (isBinary === true ? 1 : max)),
    rowLower: Float64Array.from(rows, ({ sense, bound }) => {
      return sense === '<=' ? Number.NEGATIVE_INFINITY : finite(bound)
    }),
    rowUpper: Float64Array.from(rows, ({ sense, bound }) => {
      return sense === '>=' ? Number.POSITIVE_INFINITY : finite(bound)
    }),
    matrix: { format: 'csr', numRows, numCols, starts, indices, values },
    ...(hasBinaries ? { integrality: kindsOf(columns) } : {}),
  }
}

function kindsOf(columns: LinearProgram['columns']): Int32Array {
  return Int32Array.from(columns, ({ isBinary }) => (isBinary === true ? INTEGER : CONTINUOUS))
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`a program holds numbers only, got ${value}`)
  return value
}

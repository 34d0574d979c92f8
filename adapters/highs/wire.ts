import type { LinearProgram, Row, Term } from '#domain/allocation/linear-program.ts'

/** Readers of CPLEX-LP text have had buffers of 560 characters per line. */
const LINE_LENGTH = 200

/** The name of a column in the text. */
export function columnName(column: number): string {
  return `x${column}`
}

/**
 * A program as CPLEX-LP text. Every column stands in the objective, so that none is unknown to the
 * sections after it. Numbers are written with all their digits. @throws RangeError for NaN
 */
export function lpText({ columns, rows }: LinearProgram): string {
  const costs = columns.map(({ cost }, column): Term => [column, cost])
  const bounds = columns.flatMap(({ max, isBinary }, column) => {
    if (isBinary === true || max === Number.POSITIVE_INFINITY) return []
    return [` 0 <= ${columnName(column)} <= ${written(max)}`]
  })
  const binaries = columns.flatMap(({ isBinary }, i) => (isBinary === true ? [columnName(i)] : []))
  return [
    'Minimize',
    ...wrapped(' cost:', sum(costs)),
    'Subject To',
    ...rows.flatMap((row, i) => wrapped(` r${i}:`, [...sum(row.terms), rightSide(row)])),
    'Bounds',
    ...bounds,
    ...(binaries.length === 0 ? [] : ['Binary', ...wrapped('', binaries)]),
    'End',
    '',
  ].join('\n')
}

function sum(terms: readonly Term[]): string[] {
  return terms.map(([column, coefficient]) => {
    const sign = coefficient < 0 ? '-' : '+'
    return `${sign} ${written(Math.abs(coefficient))} ${columnName(column)}`
  })
}

function rightSide({ sense, bound }: Row): string {
  return `${sense} ${written(bound)}`
}

function written(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`a program holds numbers only, got ${value}`)
  return String(value)
}

function wrapped(first: string, words: readonly string[]): string[] {
  const lines: string[] = []
  let line = first
  for (const word of words) {
    if (line.length + word.length >= LINE_LENGTH) {
      lines.push(line)
      line = ''
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

import { parse } from 'csv-parse/sync'
import { type FieldProblem, DomainError } from '#domain/errors.ts'
import { type Instant, parseInstant } from '#domain/time.ts'

/** A row of a file, by column, with the line it stands in. */
export type Row = { readonly line: number; readonly cells: Readonly<Record<string, string>> }

const YEAR_FIRST = 2000
const YEAR_LAST = 2099
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)$/

/**
 * Reads a CSV file with a header. Columns that are not asked for are left alone.
 * @throws DomainError naming a required column that is missing, or a line that has others
 */
export function readTable(csv: string, file: string, columns: readonly string[]): Row[] {
  const lines = parsed(csv, file)
  const [header] = lines
  if (header === undefined) throw refused(file, columns.join(','), 'an empty file')
  const missing = columns.find((column) => !header.includes(column))
  if (missing !== undefined) {
    throw refused(missing, `a column of this name in ${file}`, header.join(','))
  }
  return lines.slice(1).map((values, index) => ({
    line: index + 2,
    cells: Object.fromEntries(header.map((column, at) => [column, values[at] ?? ''])),
  }))
}

function parsed(csv: string, file: string): string[][] {
  try {
    return parse(csv, { trim: true, bom: true, skip_empty_lines: true }) as string[][]
  } catch (error) {
    throw refused(file, 'a CSV file', error instanceof Error ? error.message : String(error))
  }
}

/** @throws DomainError unless the cell holds an ISO 8601 time with an offset, in our century */
export function timeIn({ line, cells }: Row, column: string): Instant {
  const text = cells[column] ?? ''
  const wanted = `an ISO 8601 time with Z or an offset, ${YEAR_FIRST} to ${YEAR_LAST}`
  let at: Instant
  try {
    at = parseInstant(text)
  } catch {
    throw refused(column, wanted, `"${text}" in line ${line}`)
  }
  const year = new Date(at).getUTCFullYear()
  if (year < YEAR_FIRST || year > YEAR_LAST) throw refused(column, wanted, `${text}, line ${line}`)
  return at
}

/** @throws DomainError unless the cell holds a plain decimal number: NaN, 1e9 and blanks do not */
export function numberIn({ line, cells }: Row, column: string, unit: string): number {
  const text = cells[column] ?? ''
  if (!NUMBER.test(text)) throw refused(column, `a number of ${unit}`, `"${text}" in line ${line}`)
  return Number(text)
}

/** Names the field, what was expected and what came. */
export function refused(field: string, expected: string, got: string): DomainError {
  const problem: FieldProblem = { field, expected, got }
  return new DomainError('malformed', `${field}: expected ${expected}, got ${got}`, [problem])
}

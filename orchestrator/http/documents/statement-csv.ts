import type { Cell, Column, Statement } from '#domain/statement.ts'
import { plainEuros } from '#domain/statement.ts'
import { formatInstant, type Instant } from '#domain/time.ts'

/**
 * A statement as one table (RFC 4180): a column per kind of figure, and in front what each row is.
 * Money in exact euros, instants in UTC. The same statement is the same bytes.
 */
export function statementCsv({ number, tables }: Statement): string {
  const columns = new Map<string, Column>()
  for (const table of tables) for (const column of table.columns) columns.set(column.key, column)
  const rows = tables.flatMap(({ record, columns: own, rows: cells }) =>
    cells.map((row) => {
      const byKey = new Map(own.map(({ key }, i) => [key, row[i] ?? null]))
      const values = [...columns.values()].map((column) =>
        written(column, byKey.get(column.key) ?? null),
      )
      return [number, record, ...values]
    }),
  )
  return [['statement', 'record', ...columns.keys()], ...rows]
    .map((row) => `${row.map(quoted).join(',')}\r\n`)
    .join('')
}

function written({ kind }: Column, cell: Cell): string {
  if (cell === null) return ''
  if (kind === 'money' && typeof cell === 'bigint') return plainEuros(cell)
  if (kind === 'instant' && typeof cell === 'number') return formatInstant(cell as Instant)
  return kind === 'text' ? harmless(String(cell)) : String(cell)
}

/** Spreadsheets run what begins like a formula; a name from outside must not. */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'

/** `column = ANY(values)`: one parameter however many values, where IN would need one for each. */
export function anyOf(column: PgColumn, values: readonly string[]): SQL {
  return sql`${column} = ANY(${textArray(values)})`
}

export function textArray(values: readonly (string | null)[]): SQL {
  return sql`${sql.param(values)}::text[]`
}

export function bigintArray(values: readonly (number | null)[]): SQL {
  return sql`${sql.param(values)}::bigint[]`
}

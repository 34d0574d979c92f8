/** Columns are at least 0; `isBinary`: 0 or 1, nothing between. */
export type Column = { readonly cost: number; readonly max: number; readonly isBinary?: true }

export type Term = readonly [column: number, coefficient: number]

export type Row = {
  readonly terms: readonly Term[]
  readonly sense: '<=' | '=' | '>='
  readonly bound: number
}

/** What a solver minimises: the cost of its columns, within its rows. */
export type LinearProgram = {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** So much of the cost no values avoid: how near to the optimum others are is told without it. */
  readonly costUnavoidable?: number
  /** Values of the columns, within all rows, to begin from: nothing dearer will do. */
  readonly start?: ArrayLike<number>
}

/** What a solver found. */
export type Solution = {
  /** Of the columns. */
  readonly values: ArrayLike<number>
  /** No others cost noticeably less; else it ran out of work, or of time. */
  readonly isOptimal: boolean
  /** It ran out of time: on a faster machine it might have found better ones. */
  readonly isLate?: boolean
  /** Whatever the values, they cost no less than this. */
  readonly costMin: number
}

/** A program that is being written down. */
export type Draft = { readonly columns: Column[]; readonly rows: Row[] }

/** Which column it became. */
export function addColumn(draft: Draft, column: Column): number {
  return draft.columns.push(column) - 1
}

export function addRow(draft: Draft, terms: readonly Term[], sense: Row['sense'], bound: number) {
  if (terms.length > 0) draft.rows.push({ terms, sense, bound })
}

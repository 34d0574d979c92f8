import type { FieldProblem } from '../api.ts'

/** What a refusal says of a field, wherever in the body it lies. */
export function problemOf(problems: readonly FieldProblem[], field: string): string | null {
  const found = problems.find((one) => one.field === field || one.field.endsWith(`.${field}`))
  return found === undefined ? null : `Expected ${found.expected}.`
}

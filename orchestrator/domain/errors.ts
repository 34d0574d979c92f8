/** What a party can cause. The list is closed: a code without an HTTP status does not compile. */
export type DomainErrorCode =
  | 'not-found'
  | 'unauthenticated'
  | 'forbidden'
  | 'malformed'
  | 'window-in-the-past'
  | 'window-not-aligned'
  | 'notice-too-short'
  | 'power-not-positive'
  | 'price-above-cap'
  | 'unknown-congestion-point'
  | 'idempotency-key-missing'
  | 'idempotency-key-reused'
  | 'already-promised'
  | 'wrong-state'
  | 'bad-authorisation'
  | 'bad-attestation'
  | 'bad-iban'
  | 'duplicate'
  | 'device-unreachable'
  | 'device-refused'
  | 'too-many-requests'
  | 'unavailable'

export type FieldProblem = {
  readonly field: string
  readonly expected: string
  readonly got: string
}

/** Names the field, what was expected and what came; becomes an RFC 9457 problem at the edge. */
export class DomainError extends Error {
  readonly code: DomainErrorCode
  readonly problems: readonly FieldProblem[]

  constructor(code: DomainErrorCode, message: string, problems: readonly FieldProblem[] = []) {
    super(message)
    this.name = 'DomainError'
    this.code = code
    this.problems = problems
  }
}

/** A DomainError about one field. */
export function fieldError(
  code: DomainErrorCode,
  field: string,
  expected: string,
  got: unknown,
): DomainError {
  const shown = typeof got === 'string' ? got : JSON.stringify(got, bigintAsText)
  return new DomainError(code, `${field}: expected ${expected}, got ${shown}`, [
    { field, expected, got: shown ?? 'nothing' },
  ])
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

/** For what only a bug can cause. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}

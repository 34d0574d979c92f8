import { DrizzleQueryError } from 'drizzle-orm'
import postgres from 'postgres'
import { DomainError } from '#domain/errors.ts'

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'

/** True if the server undid the whole transaction and doing it again may succeed. */
export function isRetryable(error: unknown): boolean {
  const code = sqlState(error)
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED
}

/**
 * What left a transaction, as the core knows it: a database that cannot be reached, is full or is
 * too busy is a DomainError 'unavailable'; everything else stays, but without drizzle's wrapping,
 * whose message holds the parameters (an IBAN, for example).
 */
export function fromDatabase(error: unknown): unknown {
  const cause = unwrapped(error)
  const code = sqlState(cause)
  if (code === null) return cause
  const sentence = unavailability(code)
  if (sentence === null) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  return new DomainError('unavailable', `${sentence} (${code}: ${text})`)
}

function unwrapped(error: unknown): unknown {
  return error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error
}

function sqlState(error: unknown): string | null {
  const cause = unwrapped(error)
  if (cause instanceof postgres.PostgresError) return cause.code
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  return typeof code === 'string' ? code : null
}

/** Codes of PostgreSQL (five characters), postgres.js and the socket; null: not about reach. */
function unavailability(code: string): string | null {
  if (/^(ECONN|EPIPE|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT$)/.test(code)) {
    return 'the database cannot be reached'
  }
  if (/^CONNECT(ION|_TIMEOUT)/.test(code)) return 'the connection to the database was lost'
  if (code.startsWith('08')) return 'the connection to the database was lost'
  if (code.startsWith('57P0')) return 'the database is starting or stopping'
  if (code === '25P03') return 'the transaction stood idle for too long'
  if (code === '57014') return 'the database took too long'
  if (code === '55P03') return 'a lock was not free in time'
  if (code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED) {
    return 'the transaction was undone again and again by others'
  }
  if (code.startsWith('53')) return 'the database is out of disk, memory or connections'
  if (code === '25006') return 'the database is read-only'
  return null
}

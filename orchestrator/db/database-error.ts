import { DrizzleQueryError } from 'drizzle-orm'
import { DomainError } from '#domain/errors.ts'

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
/** The driver's own words. */
const NO_ANSWER = 'Query read timeout'

/** True if the server undid the whole transaction and doing it again may succeed. */
export function isRetryable(error: unknown): boolean {
  const code = codeOf(unwrapped(error))
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED
}

/** True if the server did not even end a statement that took too long. */
export function isSilence(error: unknown): boolean {
  const cause = unwrapped(error)
  return cause instanceof Error && cause.message === NO_ANSWER
}

/**
 * What left a transaction, as the core knows it: a database that cannot be reached, is full or is
 * too busy is a DomainError 'unavailable'; everything else stays, but without drizzle's wrapping,
 * whose message holds the parameters (an IBAN, for example).
 */
export function fromDatabase(error: unknown): unknown {
  const cause = unwrapped(error)
  const sentence = unavailability(cause)
  if (sentence === null) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  return new DomainError('unavailable', `${sentence} (${codeOf(cause) ?? 'no code'}: ${text})`)
}

function unwrapped(error: unknown): unknown {
  return error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error
}

/** Five characters from PostgreSQL, a word from the socket. */
function codeOf(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : null
}

function unavailability(error: unknown): string | null {
  const code = codeOf(error)
  if (code !== null) return byCode(code)
  return error instanceof Error ? byMessage(error.message) : null
}

function byCode(code: string): string | null {
  if (/^(ECONN|EPIPE|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT$)/.test(code)) {
    return 'the database cannot be reached'
  }
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

/** The driver's own errors carry no code. */
function byMessage(message: string): string | null {
  if (message === 'timeout exceeded when trying to connect') {
    return 'no database connection was free in time'
  }
  if (message.startsWith('Connection terminated') || message.includes('not queryable')) {
    return 'the connection to the database was lost'
  }
  return message === NO_ANSWER ? 'the database gave no answer' : null
}

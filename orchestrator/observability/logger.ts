import pino from 'pino'
import { maskIbans } from '#domain/iban.ts'
import type { Log } from '#ports.ts'

/** Names of fields whose values never reach a log, at any depth. */
export const REDACTED: readonly string[] = [
  'iban',
  'key',
  'apiKey',
  'password',
  'passwordSha256',
  'keySha256',
  'secret',
  'privateKey',
  'authorization',
  'authorisation',
  'cookie',
  'raw',
  'body',
]

const REMOVED = '[redacted]'
const HIDDEN = new Set(REDACTED.map((name) => name.toLowerCase()))
const API_KEY = /gc_(dso|aggregator|owner|operator|verifier|agent|arbiter)_[\w-]{10,}/g
const DEPTH_MAX = 6

/** Structured logs, one JSON object per line, without secrets and personal data. */
export function createLog(options: {
  readonly level: string
  /** Where lines go; standard error unless given. */
  readonly write?: (line: string) => void
  /** Which role of the product speaks. */
  readonly role?: string
}): Log {
  const write = options.write
  const destination = write ? { write } : pino.destination({ dest: 2, sync: true })
  const logger = pino(
    {
      level: options.level,
      base: options.role === undefined ? null : { role: options.role },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: REMOVED },
    },
    destination,
  )
  return {
    info: (message, fields) => logger.info(scrub(fields ?? {}), scrubText(message)),
    warn: (message, fields) => logger.warn(scrub(fields ?? {}), scrubText(message)),
    error: (message, fields) => logger.error(scrub(fields ?? {}), scrubText(message)),
  }
}

/** Keys and account numbers are masked wherever they stand in a text. */
export function scrubText(text: string): string {
  return maskIbans(text.replace(API_KEY, REMOVED))
}

function scrub(fields: Record<string, unknown>): Record<string, unknown> {
  return scrubRecord(fields, 0)
}

function scrubRecord(record: Record<string, unknown>, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [
      name,
      HIDDEN.has(name.toLowerCase()) ? REMOVED : scrubValue(value, depth + 1),
    ]),
  )
}

function scrubValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_MAX) return '[too deep]'
  if (value instanceof Error) {
    const stack = value.stack === undefined ? undefined : scrubText(value.stack)
    return { name: value.name, message: scrubText(value.message), stack }
  }
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, depth + 1))
  return scrubRecord(value as Record<string, unknown>, depth)
}

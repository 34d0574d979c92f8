import type { Context, ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { routePath } from 'hono/route'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { z } from 'zod'
import { DomainError, type DomainErrorCode, type FieldProblem } from '#domain/errors.ts'
import { maskIbans } from '#domain/iban.ts'
import type { Log } from '#ports.ts'

/** Every code has a status: one without does not compile. */
export const STATUS: Readonly<Record<DomainErrorCode, ContentfulStatusCode>> = {
  'not-found': 404,
  unauthenticated: 401,
  forbidden: 403,
  malformed: 400,
  'window-in-the-past': 422,
  'window-not-aligned': 422,
  'notice-too-short': 422,
  'power-not-positive': 422,
  'price-above-cap': 422,
  'unknown-congestion-point': 422,
  'idempotency-key-missing': 400,
  // 422 and not 409: sending it again will never help; 409 says "try again later" (the IETF draft
  // httpapi-idempotency-key-header, section 2.7, keeps it for a request still being worked on).
  'idempotency-key-reused': 422,
  'already-promised': 409,
  'wrong-state': 409,
  'bad-authorisation': 422,
  'bad-attestation': 422,
  'bad-iban': 422,
  duplicate: 409,
  'device-unreachable': 504,
  'device-refused': 502,
  'too-many-requests': 429,
  unavailable: 503,
}

const TITLES: Readonly<Record<DomainErrorCode, string>> = {
  'not-found': 'Nothing here for this key',
  unauthenticated: 'A valid key is needed',
  forbidden: 'Not allowed',
  malformed: 'The request cannot be read',
  'window-in-the-past': 'The window lies in the past',
  'window-not-aligned': 'The window does not hold whole settlement periods',
  'notice-too-short': 'The notice is too short',
  'power-not-positive': 'The power is not positive',
  'price-above-cap': 'The price is above the cap',
  'unknown-congestion-point': 'The congestion point is not known',
  'idempotency-key-missing': 'An Idempotency-Key is needed',
  'idempotency-key-reused': 'The Idempotency-Key belongs to another request',
  'already-promised': 'Promised already',
  'wrong-state': 'Not possible in this state',
  'bad-authorisation': 'The signature does not authorise this',
  'bad-attestation': 'The attestation does not hold',
  'bad-iban': 'The account number is not valid',
  duplicate: 'It is there already',
  'device-unreachable': 'The device cannot be reached',
  'device-refused': 'The device refused',
  'too-many-requests': 'Too many requests',
  unavailable: 'Not available at the moment',
}

/** RFC 9457, with the code and every field that was refused. */
export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly code: DomainErrorCode | 'internal'
  readonly errors: readonly FieldProblem[]
}

/** The one answer to what is unknown and what is foreign: nobody can tell them apart. */
export function notFound(): DomainError {
  return new DomainError('not-found', 'There is nothing here that this key may see.')
}

/** The one place where errors become answers. What only a bug can cause is logged, not shown. */
export function problemHandler(log: Log): ErrorHandler {
  return (error, c) => {
    const known = known404(asDomainError(error))
    if (known !== null) return problemResponse(c, known)
    log.error('a request failed', { route: routePath(c, -1), method: c.req.method, error })
    return respond(c, 500, {
      type: 'urn:gridcall:problem:internal',
      title: 'This is our fault',
      status: 500,
      detail: 'The request failed inside the service; nothing was changed.',
      instance: instanceOf(c),
      code: 'internal',
      errors: [],
    })
  }
}

export function problemResponse(c: Context, error: DomainError): Response {
  const status = STATUS[error.code]
  return respond(c, status, {
    type: `urn:gridcall:problem:${error.code}`,
    title: TITLES[error.code],
    status,
    detail: shown(error.message),
    instance: instanceOf(c),
    code: error.code,
    errors: error.problems.map(({ field, expected, got }) => ({
      field: shown(field),
      expected: shown(expected),
      got: shown(got),
    })),
  })
}

/** The path as it was sent: a URI reference, without the query. */
function instanceOf(c: Context): string {
  return maskIbans(new URL(c.req.url).pathname)
}

function respond(c: Context, status: ContentfulStatusCode, problem: Problem): Response {
  c.header('cache-control', 'no-store')
  if (status === 503) c.header('retry-after', '1')
  if (status === 401) c.header('www-authenticate', 'Bearer realm="gridcall"')
  return c.body(JSON.stringify(problem), status, { 'content-type': 'application/problem+json' })
}

function asDomainError(error: unknown): DomainError | null {
  if (error instanceof DomainError) return error
  if (error instanceof HTTPException && error.status < 500) {
    return new DomainError('malformed', `${error.status}: ${error.message}`)
  }
  return null
}

/** A 404 about the thing itself says no more than that; one about a named field names it. */
function known404(error: DomainError | null): DomainError | null {
  return error?.code === 'not-found' && error.problems.length === 0 ? notFound() : error
}

/** What came is repeated shortly, and never if it is an account number. */
function shown(text: string): string {
  const masked = maskIbans(text)
  return masked.length > 300 ? `${masked.slice(0, 297)}...` : masked
}

/** Zod's issues in the shape of every other refusal. */
export function refusedFields(error: z.ZodError, target: string, input: unknown): DomainError {
  const problems = error.issues.flatMap((issue) => fieldsOf(issue, target, input))
  const detail = problems.map((p) => `${p.field}: expected ${p.expected}, got ${p.got}`).join('; ')
  return new DomainError('malformed', detail, problems)
}

function fieldsOf(issue: z.core.$ZodIssue, target: string, input: unknown): FieldProblem[] {
  const field = fieldName(target, issue.path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: fieldName(target, [...issue.path, key]),
      expected: 'no such field',
      got: 'a field of this name',
    }))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const inner = closest(issue.errors).map((e) => ({ ...e, path: [...issue.path, ...e.path] }))
    return inner.flatMap((e) => fieldsOf(e as z.core.$ZodIssue, target, input))
  }
  return [{ field, expected: expectation(issue), got: describe(valueAt(input, issue.path), field) }]
}

/** The variant of a union that came nearest: the one with the fewest complaints. */
function closest(errors: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  return errors.reduce((best, issues) => (issues.length < best.length ? issues : best))
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  boolean: 'true or false',
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_WORDS[issue.expected] ?? issue.expected
    case 'invalid_value':
      return oneOf(issue.values)
    case 'too_small':
      return `at least ${issue.minimum}${sizeWord(issue.origin)}`
    case 'too_big':
      return `at most ${issue.maximum}${sizeWord(issue.origin)}`
    case 'invalid_union':
      return oneOf('options' in issue && Array.isArray(issue.options) ? issue.options : [])
    default:
      return issue.message
  }
}

function oneOf(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(' or ')
}

function sizeWord(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' entries' : ''
}

function fieldName(target: string, path: readonly PropertyKey[]): string {
  const name = path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : `${text}${text && '.'}${String(key)}`,
    '',
  )
  if (target === 'json') return name === '' ? 'body' : name
  return name === '' ? target : `${target}.${name}`
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input,
  )
}

function describe(value: unknown, field: string): string {
  if (value === undefined) return 'nothing'
  if (/iban/i.test(field)) return 'a value that is not repeated here'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return JSON.stringify(value).slice(0, 100)
}

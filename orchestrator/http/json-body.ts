import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type DomainError, fieldError } from '#domain/errors.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024
const DEPTH_MAX = 16

/** Refuses bodies that are too long. */
export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: BODY_BYTES_MAX,
  onError: () => {
    throw fieldError('malformed', 'body', `at most ${BODY_BYTES_MAX} bytes`, 'more')
  },
})

/** Reads a JSON body once, naming the place of what is wrong with it. */
export const readJsonBody: MiddlewareHandler = async (c, next) => {
  if (c.req.method !== 'POST' && c.req.method !== 'PUT') return next()
  const type = c.req.header('content-type') ?? 'none'
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw fieldError('malformed', 'header.content-type', 'application/json', type)
  }
  checkJson(await c.req.text())
  return next()
}

// String.raw keeps the escapes readable. Tokens of RFC 8259, one after the other.
const TOKEN = new RegExp(
  String.raw`[ \t\n\r]*(?:([{}[\],:])|("[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*")` +
    String.raw`|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))`,
  'y',
)

type Expectation = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'end'

/**
 * Checks a JSON text by reading its tokens: names line and column of the first fault, refuses what
 * is nested too deep before anything is built from it, and refuses a name that comes twice in one
 * object, because readers disagree on which of the two counts. @throws DomainError malformed
 */
export function checkJson(text: string): void {
  const open: { bracket: '{' | '['; names: Set<string> }[] = []
  let expected: Expectation = 'value'
  let at = 0
  while (expected !== 'end') {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    const start = match === null ? skipSpace(text, at) : TOKEN.lastIndex - tokenOf(match).length
    if (match === null) throw misplaced(text, start, expected)
    expected = step(
      tokenOf(match),
      expected,
      open,
      () => misplaced(text, start, expected),
      () => placeOf(text, start),
    )
    at = TOKEN.lastIndex
  }
  const rest = skipSpace(text, at)
  if (rest < text.length) throw misplaced(text, rest, 'end')
}

function step(
  token: string,
  expected: Expectation,
  open: { bracket: '{' | '['; names: Set<string> }[],
  fault: () => DomainError,
  place: () => string,
): Expectation {
  const top = open.at(-1)
  const takesValue = expected === 'value' || expected === 'value or ]'
  if (token === '}' || token === ']') {
    const wanted = token === '}' ? ['key or }', ', or }'] : ['value or ]', ', or ]']
    if (!wanted.includes(expected)) throw fault()
    open.pop()
    return afterValue(open)
  }
  if (token === ',') {
    if (expected !== ', or ]' && expected !== ', or }') throw fault()
    return expected === ', or }' ? 'key' : 'value'
  }
  if (token === ':') {
    if (expected !== ':') throw fault()
    return 'value'
  }
  if (expected === 'key' || expected === 'key or }') {
    if (!token.startsWith('"')) throw fault()
    const name = JSON.parse(token) as string
    if (top?.names.has(name)) {
      throw fieldError('malformed', 'body', `each name once, ${place()}`, `${name} twice`)
    }
    top?.names.add(name)
    return ':'
  }
  if (!takesValue) throw fault()
  if (token !== '{' && token !== '[') return afterValue(open)
  if (open.length >= DEPTH_MAX) {
    const expected = `at most ${DEPTH_MAX} levels of nesting`
    throw fieldError('malformed', 'body', expected, `more, ${place()}`)
  }
  open.push({ bracket: token, names: new Set() })
  return token === '{' ? 'key or }' : 'value or ]'
}

function afterValue(open: readonly { bracket: '{' | '[' }[]): Expectation {
  const top = open.at(-1)
  if (top === undefined) return 'end'
  return top.bracket === '{' ? ', or }' : ', or ]'
}

function tokenOf(match: RegExpExecArray): string {
  return match[1] ?? match[2] ?? match[3] ?? ''
}

function skipSpace(text: string, at: number): number {
  let next = at
  while (next < text.length && ' \t\n\r'.includes(text[next] as string)) next += 1
  return next
}

function misplaced(text: string, at: number, expected: Expectation): DomainError {
  const character = text[at]
  const got = character === undefined ? 'the end of the text' : JSON.stringify(character)
  const wanted = expected === 'end' ? 'nothing more' : expected
  return fieldError('malformed', 'body', `JSON, with ${wanted} at ${placeOf(text, at)}`, got)
}

function placeOf(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`
}

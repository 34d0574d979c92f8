import { createConnection } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DomainError } from '#domain/errors.ts'
import { checkJson } from '#http/json-body.ts'
import { STATUS } from '#http/problem.ts'
import { CALL_REFUSALS } from './call-refusals.ts'
import { ENROLMENT_REFUSALS } from './enrolment-refusals.ts'
import {
  aTown,
  callBody,
  chargerBody,
  idempotent,
  type Service,
  startService,
  type Town,
} from './service.ts'

const REFUSALS = [...CALL_REFUSALS, ...ENROLMENT_REFUSALS]

describe('refusals', () => {
  let service: Service
  let town: Town
  beforeAll(async () => {
    service = await startService()
    town = await aTown(service)
  })
  afterAll(() => service.stop())

  test.each(REFUSALS)(
    '%s is refused, naming the field',
    async (_name, by, send, where, ...words) => {
      const [method, path, body] = send
      const options = { key: town.keys[by], body, headers: idempotent() }
      const { status, body: problem, headers, text } = await service.send(method, path, options)
      const [, code, field] = where.split(' ')
      expect(headers.get('content-type')).toBe('application/problem+json')
      expect({ was: `${status} ${problem.code}`, text }).toEqual({
        was: `${where.split(' ')[0]} ${code}`,
        text,
      })
      expect(problem).toMatchObject({ status, type: `urn:gridcall:problem:${code}` })
      expect(problem.title).not.toBe('')
      expect(problem.instance).toBe(path.replace(/\?.*/, ''))
      const error = problem.errors.find((e: { field: string }) => e.field === field)
      expect(problem.errors.map((e: { field: string }) => e.field)).toContain(field)
      expect(error.expected).toMatch(words[0])
      expect(error.got).toMatch(words[1])
      expect(text).not.toMatch(/\bat .+\.[tj]s:\d+/) // no stack trace
    },
  )

  test('a POST that creates something needs an Idempotency-Key', async () => {
    for (const [by, path, body] of [
      ['dso', '/v1/flexibility-calls', callBody([3000])],
      ['agg', '/v1/owners', { payout: { kind: 'agent', iban: 'NL91ABNA0417164300' } }],
      ['agg', '/v1/resources', chargerBody('charger-2', 'anna')],
      ['operator', '/v1/organisations', { kind: 'aggregator', name: 'A' }],
    ] as const) {
      const { status, body: problem } = await service.send('POST', path, {
        key: town.keys[by],
        body,
      })
      expect(status).toBe(400)
      expect(problem).toMatchObject({
        code: 'idempotency-key-missing',
        errors: [{ field: 'header.idempotency-key', got: 'nothing' }],
      })
    }
  })

  test('a body that is not JSON by its type is refused', async () => {
    const headers = { 'content-type': 'text/plain' }
    const sent = { key: town.keys.dso, raw: '{}', headers }
    const { status, body } = await service.send('POST', '/v1/flexibility-calls', sent)
    expect(status).toBe(400)
    expect(body.errors).toEqual([
      { field: 'header.content-type', expected: 'application/json', got: 'text/plain' },
    ])
  })

  test('malformed JSON is refused, naming the place', async () => {
    const raw = '{\n  "direction": "reduce-import",\n  "window": }'
    const sent = { key: town.keys.dso, raw, headers: idempotent() }
    const { status, body } = await service.send('POST', '/v1/flexibility-calls', sent)
    expect(status).toBe(400)
    expect(body.errors).toEqual([
      { field: 'body', expected: 'JSON, with value at line 3, column 13', got: '"}"' },
    ])
  })

  test('a body above 4 MiB is refused, announced or not', async () => {
    const raw = `{"name":"${'x'.repeat(4 * 1024 * 1024)}"}`
    const sent = { key: town.keys.operator, raw, headers: idempotent() }
    const { status, body } = await service.send('POST', '/v1/organisations', sent)
    expect(status).toBe(400)
    expect(body.errors[0]).toMatchObject({ field: 'body', got: 'more' })
    const answer = await chunked(service, '/v1/organisations', town.keys.operator, raw)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('what only a bug can cause is logged and not told', async () => {
    const broken = await startService({
      startClock: async () => {
        throw new Error('the owner of DE89370400440532013000 broke it')
      },
    })
    const sent = { key: broken.operatorKey, body: {} }
    const { status, body, text } = await broken.send('POST', '/v1/operator/clock', sent)
    await broken.stop()
    expect(status).toBe(500)
    expect(body).toMatchObject({ code: 'internal', errors: [] })
    expect(text).not.toContain('broke it')
    const line = broken.logs.find((entry) => entry.includes('a request failed'))
    expect(line).toContain('broke it')
    expect(line).toContain('/v1/operator/clock')
    expect(line).not.toContain('DE8937')
  })

  test('every code of a refusal has a status of its kind', () => {
    const odd = Object.entries(STATUS).filter(([, status]) => status < 400 || status === 500)
    expect(odd).toEqual([])
  })
})

describe('JSON bodies', () => {
  const refusalOf = (text: string): DomainError => {
    try {
      checkJson(text)
    } catch (error) {
      if (error instanceof DomainError) return error
      throw error
    }
    throw new Error(`was taken: ${text}`)
  }

  test.each([
    ['', 'value at line 1, column 1', 'the end of the text'],
    ['{', 'key or } at line 1, column 2', 'the end of the text'],
    ['{"a" 1}', ': at line 1, column 6', '"1"'],
    ['{"a":1,}', 'key at line 1, column 8', '"}"'],
    ['[1 2]', ', or ] at line 1, column 4', '"2"'],
    ['[1]\n[2]', 'nothing more at line 2, column 1', '"["'],
    ["{'a':1}", 'key or } at line 1, column 2', '"\'"'],
    ['{"a":01}', ', or } at line 1, column 7', '"1"'],
    ['{"a":NaN}', 'value at line 1, column 6', '"N"'],
    ['{"a":"\u0001"}', 'value at line 1, column 6', '"\\""'],
  ])('%j is refused at its place', (text, place, got) => {
    const [problem] = refusalOf(text).problems
    expect(problem).toEqual({ field: 'body', expected: `JSON, with ${place}`, got })
  })

  test('a name that comes twice in one object is refused: readers disagree on which counts', () => {
    const [problem] = refusalOf('{"a":{"b":1},"b":2,\n"\\u0061":3}').problems
    expect(problem).toMatchObject({ expected: 'each name once, line 2, column 1', got: 'a twice' })
  })

  test('nesting is bounded before anything is built from it', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    checkJson(nested(16))
    expect(refusalOf(nested(17)).message).toContain('at most 16 levels')
    expect(refusalOf('['.repeat(1_000_000)).message).toContain('at most 16 levels')
  })

  test('long texts are read in one go', () => {
    const text = { text: 'x"\\'.repeat(500_000) }
    const list = Array.from({ length: 50_000 }, (_, i) => ({ i }))
    expect(() => checkJson(JSON.stringify(text))).not.toThrow()
    expect(() => checkJson(JSON.stringify(list))).not.toThrow()
  })

  test('everything that JSON.stringify writes is taken', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.boolean(), (value, spaced) => {
        const text = JSON.stringify(value, null, spaced ? 2 : undefined)
        expect(() => checkJson(text)).not.toThrow()
      }),
    )
  })

  test('what JSON.parse refuses is refused', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]:,"1a\\ -.etrufalsn'.split('')) }),
        (text) => {
          let isJson = true
          try {
            JSON.parse(text)
          } catch {
            isJson = false
          }
          fc.pre(!isJson)
          expect(refusalOf(text).code).toBe('malformed')
        },
      ),
      { numRuns: 2000 },
    )
  })
})

/** Sends a body without announcing its length and returns the answer's first line. */
function chunked(service: Service, path: string, key: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(service.url)
    const socket = createConnection(Number(port), hostname)
    socket.on('error', reject)
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString().split('\r\n')[0] ?? '')
    })
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n` +
        'content-type: application/json\r\nidempotency-key: big\r\ntransfer-encoding: chunked\r\n' +
        `\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    )
  })
}

import { createConnection } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DomainError } from '#domain/errors.ts'
import { checkJson } from '#http/json-body.ts'
import { STATUS } from '#http/problem.ts'
import {
  aTown,
  batteryBody,
  callBody,
  chargerBody,
  idempotent,
  offerBody,
  type Party,
  programBody,
  type Service,
  startService,
  type Town,
} from './service.ts'

type Case = {
  readonly name: string
  readonly by: Party
  readonly send: readonly [method: string, path: string, body: unknown]
  readonly answers: {
    readonly status: number
    readonly code: string
    readonly field: string
    readonly expected: RegExp
    readonly got: RegExp
  }
}

const call = (changes: object) => ['POST', '/v1/flexibility-calls', callBody([3000, 3000], changes)] as const
const charger = (changes: object) =>
  ['POST', '/v1/resources', chargerBody('charger-new', 'anna', changes)] as const
const battery = (connection: object) =>
  ['POST', '/v1/resources', batteryBody('battery-new', 'anna', { connection })] as const
const owner = (payout: object) => ['POST', '/v1/owners', { payout }] as const
const history = (...readings: object[]) =>
  ['POST', '/v1/resources/charger-anna/history', { readings }] as const
const { rating } = chargerBody('x', 'x')

/** Each names one field, what was expected there and what came. */
const CASES: Case[] = [
  refusal('a window in the past', 'dso', call(inThePast()), 422, 'window-in-the-past', 'window.start', /after 2026/, /2020/),
  refusal('a power of zero', 'dso', call(powers(3000, 0)), 422, 'power-not-positive', 'periods[1].powerW', /whole W above 0/, /^0$/),
  refusal('a negative power', 'dso', call(powers(-5, 1)), 422, 'power-not-positive', 'periods[0].powerW', /above 0/, /-5/),
  refusal('a fraction of a watt', 'dso', call(powers(1.5, 1)), 422, 'power-not-positive', 'periods[0].powerW', /whole W/, /1\.5/),
  refusal('a power in words', 'dso', call(powers('3 kW', 1)), 400, 'malformed', 'periods[0].powerW', /a number/, /3 kW/),
  refusal('an unknown congestion point', 'dso', call({ congestionPointId: 'cp-x' }), 422, 'unknown-congestion-point', 'congestionPointId', /congestion point/, /cp-x/),
  refusal('a price above the cap', 'dso', call({ priceCapMinorPerKwh: '450001' }), 422, 'price-above-cap', 'priceCapMinorPerKwh', /450000/, /450001/),
  refusal('a price that is a number', 'dso', call({ priceCapMinorPerKwh: 450000 }), 400, 'malformed', 'priceCapMinorPerKwh', /a text/, /450000/),
  refusal('a price with a point', 'dso', call({ priceCapMinorPerKwh: '0.45' }), 400, 'malformed', 'priceCapMinorPerKwh', /micro-EUR/, /0\.45/),
  refusal('a direction that is not one', 'dso', call({ direction: 'up' }), 400, 'malformed', 'direction', /"reduce-import" or "increase-import"/, /up/),
  refusal('an instant without a zone', 'dso', call({ window: { start: '2026-01-14T16:00', end: '2026-01-14T16:30:00Z' } }), 400, 'malformed', 'window.start', /instant such as/, /16:00/),
  refusal('a window off the clock', 'dso', call({ window: { start: '2026-01-14T16:01:00Z', end: '2026-01-14T16:31:00Z' } }), 422, 'window-not-aligned', 'window', /900 s/, /16:01/),
  refusal('a period too many', 'dso', ['POST', '/v1/flexibility-calls', { ...callBody([1, 1, 1]), window: callBody([1, 1]).window }], 422, 'window-not-aligned', 'periods', /16:15/, /16:30/),
  refusal('no periods', 'dso', call({ periods: [] }), 400, 'malformed', 'periods', /at least 1 entries/, /list of 0/),
  refusal('a field nobody knows', 'dso', call({ urgent: true }), 400, 'malformed', 'urgent', /no such field/, /a field/),
  refusal('a field nobody knows, further in', 'dso', call({ penalty: { kind: 'none', minorPerKwh: '1' } }), 400, 'malformed', 'penalty.minorPerKwh', /no such field/, /a field/),
  refusal('a penalty without its price', 'dso', call({ penalty: { kind: 'per-kwh' } }), 400, 'malformed', 'penalty.minorPerKwh', /text/, /nothing/),
  refusal('a list instead of an object', 'dso', ['POST', '/v1/flexibility-calls', []], 400, 'malformed', 'body', /an object/, /list/),
  refusal('a query that is not one', 'dso', ['GET', '/v1/flexibility-calls?state=open', undefined], 400, 'malformed', 'query.state', /"requested"/, /open/),
  refusal('a query nobody knows', 'dso', ['GET', '/v1/flexibility-calls?page=2', undefined], 400, 'malformed', 'query.page', /no such field/, /a field/),
  refusal('an id of odd letters', 'dso', ['GET', '/v1/flexibility-calls/%20', undefined], 400, 'malformed', 'param.id', /letters, digits/, /" "/),
  refusal('a program of another version', 'dso', ['PUT', '/v1/programs', programBody({ feeBp: 300 })], 409, 'duplicate', 'version', /above 1/, /1/),
  refusal('a falling payment curve', 'dso', ['PUT', '/v1/programs', programBody({ paymentCurve: [{ deliveredBp: 0, payBp: 9 }, { deliveredBp: 5, payBp: 8 }] })], 400, 'malformed', 'paymentCurve[1]', /never falls/, /payBp/),
  refusal('a time zone that is none', 'dso', ['PUT', '/v1/programs', programBody({ timeZone: 'Mars/Olympus' })], 400, 'malformed', 'timeZone', /IANA/, /Mars/),
  refusal('meters that do not fit the period', 'dso', ['PUT', '/v1/programs', programBody({ meteringIntervalSeconds: 7 })], 400, 'malformed', 'meteringIntervalSeconds', /divisor/, /7/),
  refusal('a DSO without an address', 'operator', ['POST', '/v1/organisations', { kind: 'dso', name: 'D' }], 400, 'malformed', 'address', /address of the dso/, /null/),
  refusal('an id that is taken', 'operator', ['POST', '/v1/organisations', { kind: 'aggregator', id: 'agg-1', name: 'A' }], 409, 'duplicate', 'id', /not taken/, /agg-1/),
  refusal('a share above all', 'operator', ['POST', '/v1/organisations', { kind: 'aggregator', name: 'A', aggregatorShareBp: 10_001 }], 400, 'malformed', 'aggregatorShareBp', /10000/, /10001/),
  refusal('a wallet that is no address', 'agg', owner({ kind: 'wallet', address: '0x12' }), 400, 'malformed', 'payout.address', /40 hex/, /0x12/),
  refusal('the zero address as a wallet', 'agg', owner({ kind: 'wallet', address: `0x${'0'.repeat(40)}` }), 400, 'malformed', 'payout.address', /zero address/, /0x0/),
  refusal('an IBAN with a wrong digit', 'agg', owner({ kind: 'agent', iban: 'NL92ABNA0417164300' }), 422, 'bad-iban', 'payout.iban', /mod 97/, /18 characters that is not repeated/),
  refusal('an IBAN that is too short', 'agg', owner({ kind: 'agent', iban: 'NL91ABNA041716430' }), 422, 'bad-iban', 'payout.iban', /18 characters for NL/, /17/),
  refusal('an IBAN that is a number', 'agg', owner({ kind: 'agent', iban: 91 }), 400, 'malformed', 'payout.iban', /text/, /not repeated/),
  refusal('a charger that exports', 'agg', charger({ rating: { ...rating, exportMaxW: 5 } }), 400, 'malformed', 'rating.exportMaxW', /0 for a charger/, /5/),
  refusal('a minimum above the maximum', 'agg', charger({ rating: { ...rating, importMinW: 8000 } }), 400, 'malformed', 'rating.importMinW', /7360/, /8000/),
  refusal('two phases', 'agg', charger({ rating: { ...rating, phases: 2 } }), 400, 'malformed', 'rating.phases', /1|3/, /2/),
  refusal('an offer for no direction', 'agg', charger({ offer: { ...offerBody('1'), directions: [] } }), 400, 'malformed', 'offer.directions', /at least one/, /\[\]/),
  refusal('an offer that ends before it begins', 'agg', charger({ offer: { ...offerBody('1'), fromMinute: 600, untilMinute: 600 } }), 400, 'malformed', 'offer.untilMinute', /601/, /600/),
  refusal('an identity with a colon', 'agg', charger({ connection: { protocol: 'ocpp', identity: 'a:b' } }), 400, 'malformed', 'connection.identity', /48 letters/, /a:b/),
  refusal('a station enrolled already', 'agg', charger({ connection: { protocol: 'ocpp', identity: 'charger-anna' } }), 409, 'duplicate', 'connection.identity', /not enrolled/, /charger-anna/),
  refusal('a protocol nobody speaks', 'agg', charger({ connection: { protocol: 'modbus' } }), 400, 'malformed', 'connection.protocol', /ocpp|Invalid/, /modbus/),
  refusal('an endpoint over http', 'agg', battery({ protocol: 'opcua', endpoint: 'http://a:1', thumbprint: null }), 400, 'malformed', 'connection.endpoint', /opc\.tcp:/, /http:/),
  refusal('a password in an endpoint', 'agg', battery({ protocol: 'opcua', endpoint: 'opc.tcp://u:p@a:1', thumbprint: null }), 400, 'malformed', 'connection.endpoint', /without a user name/, /opc/),
  refusal('a thumbprint that is too short', 'agg', ['POST', '/v1/resources/charger-anna/trust', { thumbprint: 'AB:CD' }], 400, 'malformed', 'thumbprint', /40 hexadecimal/, /AB:CD/),
  refusal('trust in a station', 'agg', ['POST', '/v1/resources/charger-anna/trust', { thumbprint: 'AB'.repeat(20) }], 409, 'wrong-state', 'connection.protocol', /opcua/, /ocpp/),
  refusal('history from the future', 'agg', history({ at: '2027-01-01T00:00:00Z', registerWh: 1 }), 400, 'malformed', 'readings[0].at', /not after/, /2027/),
  refusal('history out of order', 'agg', history({ at: '2026-01-02T00:00:00Z', registerWh: 1 }, { at: '2026-01-01T00:00:00Z', registerWh: 2 }), 400, 'malformed', 'readings[1].at', /after 2026-01-02/, /2026-01-01/),
  refusal('a register that falls', 'agg', history({ at: '2026-01-01T00:00:00Z', registerWh: 5 }, { at: '2026-01-02T00:00:00Z', registerWh: 4 }), 400, 'malformed', 'readings[1].registerWh', /at least 5 Wh/, /4/),
  refusal('an attestation of another verifier', 'verifier', ['POST', '/v1/verification/attestations', { subject: 'settlement', subjectId: 'c', version: 1, signature: '0x11', verifier: `0x${'1'.repeat(40)}` }], 422, 'bad-attestation', 'verifier', /your own address/, /0x111/),
  refusal('an attestation of nothing', 'verifier', ['POST', '/v1/verification/attestations', { subject: 'epoch', subjectId: '7', version: 1, signature: '0x11' }], 404, 'not-found', 'subjectId', /epoch that waits/, /7/),
]

describe('refusals', () => {
  let service: Service
  let town: Town
  beforeAll(async () => {
    service = await startService()
    town = await aTown(service)
  })
  afterAll(() => service.stop())

  test.each(CASES)('$name is refused, naming the field', async ({ by, send, answers }) => {
    const [method, path, body] = send
    const options = { key: town.keys[by], body, headers: idempotent() }
    const { status, body: problem, headers, text } = await service.send(method, path, options)
    expect(problem.code, text).toBe(answers.code)
    expect(status).toBe(answers.status)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(problem).toMatchObject({ status, type: `urn:gridcall:problem:${answers.code}` })
    expect(problem.title).not.toBe('')
    expect(problem.instance).toBe(path.replace(/\?.*/, ''))
    const error = problem.errors.find((e: { field: string }) => e.field === answers.field)
    expect(error, text).toBeDefined()
    expect(error.expected).toMatch(answers.expected)
    expect(error.got).toMatch(answers.got)
    expect(text).not.toMatch(/\bat .+\.[tj]s:\d+/) // no stack trace
  })

  test('a POST that creates something needs an Idempotency-Key', async () => {
    for (const [by, path, body] of [
      ['dso', '/v1/flexibility-calls', callBody([3000])],
      ['agg', '/v1/owners', { payout: { kind: 'agent', iban: 'NL91ABNA0417164300' } }],
      ['agg', '/v1/resources', chargerBody('charger-2', 'anna')],
      ['operator', '/v1/organisations', { kind: 'aggregator', name: 'A' }],
    ] as const) {
      const { status, body: problem } = await service.send('POST', path, { key: town.keys[by], body })
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
    for (const [code, status] of Object.entries(STATUS)) {
      expect(status, code).toBeGreaterThanOrEqual(400)
      expect(status, code).not.toBe(500)
    }
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
    checkJson(JSON.stringify({ text: 'x"\\'.repeat(500_000) }))
    checkJson(JSON.stringify(Array.from({ length: 50_000 }, (_, i) => ({ i }))))
  })

  test('everything that JSON.stringify writes is taken', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.boolean(), (value, spaced) => {
        checkJson(JSON.stringify(value, null, spaced ? 2 : undefined))
      }),
    )
  })

  test('what JSON.parse refuses is refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"1a\\ -.etrufalsn') }), (text) => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        fc.pre(!isJson)
        expect(refusalOf(text).code).toBe('malformed')
      }),
      { numRuns: 2000 },
    )
  })
})

function refusal(
  name: string,
  by: Party,
  send: Case['send'],
  status: number,
  code: string,
  field: string,
  expected: RegExp,
  got: RegExp,
): Case {
  return { name, by, send, answers: { status, code, field, expected, got } }
}

function inThePast() {
  const start = '2020-01-01T00:00:00Z'
  return { window: { start, end: '2020-01-01T00:30:00Z' } }
}

function powers(...watts: unknown[]) {
  const { periods } = callBody([1, 1])
  return { periods: periods.map((period, i) => ({ ...period, powerW: watts[i] })) }
}

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

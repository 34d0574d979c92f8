import type { HistoryMethod } from '#domain/baseline/method.ts'
import { aProgram, baselineMethod } from '../support/builders.ts'
import { callBody, type Party, programBody } from './service.ts'

/** What is sent, by whom, and the refusal: status, code and field, what was expected, what came. */
export type Refusal = readonly [
  name: string,
  by: Party,
  send: readonly [method: string, path: string, body: unknown],
  where: string,
  expected: RegExp,
  got: RegExp,
]

const call = (changes: object) =>
  ['POST', '/v1/flexibility-calls', callBody([3000, 3000], changes)] as const
const calls = (query: string) => ['GET', `/v1/flexibility-calls${query}`, undefined] as const
const program = (changes: object) => ['PUT', '/v1/programs', programBody(changes)] as const
const party = (body: object) => ['POST', '/v1/organisations', body] as const

const CAP = { lowBp: -2000, highBp: 2000, reference: 'window-mean' }
/** A rule of the DSO's own: a built-in with another adjustment. */
const adjusted = (changes: object) => {
  const built = baselineMethod('mean-10-of-10-add-20') as HistoryMethod
  return { ...built, name: 'ours', adjustment: { ...built.adjustment, ...changes } }
}

/** JSON.parse makes a field of its own of this name. */
const proto = [
  'POST',
  '/v1/flexibility-calls',
  JSON.parse('{"__proto__":{"direction":"increase-import"}}'),
] as const

/** Of requests for flexibility, of programs and of parties. */
export const CALL_REFUSALS: readonly Refusal[] = [
  [
    'a window in the past',
    'dso',
    call(inThePast()),
    '422 window-in-the-past window.start',
    /after 2026/,
    /2020/,
  ],
  [
    'a power of zero',
    'dso',
    call(powers(3000, 0)),
    '422 power-not-positive periods[1].powerW',
    /whole W above 0/,
    /^0$/,
  ],
  [
    'a negative power',
    'dso',
    call(powers(-5, 1)),
    '422 power-not-positive periods[0].powerW',
    /above 0/,
    /-5/,
  ],
  [
    'a fraction of a watt',
    'dso',
    call(powers(1.5, 1)),
    '422 power-not-positive periods[0].powerW',
    /whole W/,
    /1\.5/,
  ],
  [
    'a power in words',
    'dso',
    call(powers('3 kW', 1)),
    '400 malformed periods[0].powerW',
    /a number/,
    /3 kW/,
  ],
  [
    'more energy than any escrow could pay for',
    'dso',
    ['POST', '/v1/flexibility-calls', callBody(Array(24).fill(Number.MAX_SAFE_INTEGER))],
    '400 malformed periods',
    /escrow is at most 18446744073709551615 micro-EUR/,
    /Wh, \d{20} micro-EUR/,
  ],
  [
    'an unknown congestion point',
    'dso',
    call({ congestionPointId: 'cp-x' }),
    '422 unknown-congestion-point congestionPointId',
    /congestion point/,
    /cp-x/,
  ],
  [
    'a price above the cap',
    'dso',
    call({ priceCapMinorPerKwh: '450001' }),
    '422 price-above-cap priceCapMinorPerKwh',
    /450000/,
    /450001/,
  ],
  [
    'a price that is a number',
    'dso',
    call({ priceCapMinorPerKwh: 450000 }),
    '400 malformed priceCapMinorPerKwh',
    /a text/,
    /450000/,
  ],
  [
    'a price with a point',
    'dso',
    call({ priceCapMinorPerKwh: '0.45' }),
    '400 malformed priceCapMinorPerKwh',
    /micro-EUR/,
    /0\.45/,
  ],
  [
    'a direction that is not one',
    'dso',
    call({ direction: 'up' }),
    '400 malformed direction',
    /"reduce-import" or "increase-import"/,
    /up/,
  ],
  [
    'an instant without a zone',
    'dso',
    call({ window: { start: '2026-01-14T16:00', end: '2026-01-14T16:30:00Z' } }),
    '400 malformed window.start',
    /instant such as/,
    /16:00/,
  ],
  [
    'a window off the clock',
    'dso',
    call({ window: { start: '2026-01-14T16:01:00Z', end: '2026-01-14T16:31:00Z' } }),
    '422 window-not-aligned window',
    /900 s/,
    /16:01/,
  ],
  [
    'a period too many',
    'dso',
    ['POST', '/v1/flexibility-calls', { ...callBody([1, 1, 1]), window: callBody([1, 1]).window }],
    '422 window-not-aligned periods',
    /16:15/,
    /16:30/,
  ],
  [
    'no periods',
    'dso',
    call({ periods: [] }),
    '400 malformed periods',
    /at least 1 entries/,
    /list of 0/,
  ],
  [
    'a field nobody knows',
    'dso',
    call({ urgent: true }),
    '400 malformed urgent',
    /no such field/,
    /a field/,
  ],
  ['a prototype', 'dso', proto, '400 malformed __proto__', /no such field/, /a field/],
  [
    'a field nobody knows, further in',
    'dso',
    call({ penalty: { kind: 'none', minorPerKwh: '1' } }),
    '400 malformed penalty.minorPerKwh',
    /no such field/,
    /a field/,
  ],
  [
    'a penalty without its price',
    'dso',
    call({ penalty: { kind: 'per-kwh' } }),
    '400 malformed penalty.minorPerKwh',
    /text/,
    /nothing/,
  ],
  [
    'a list instead of an object',
    'dso',
    ['POST', '/v1/flexibility-calls', []],
    '400 malformed body',
    /an object/,
    /list/,
  ],
  [
    'a query that is not one',
    'dso',
    calls('?state=open'),
    '400 malformed query.state',
    /"requested"/,
    /open/,
  ],
  [
    'a query nobody knows',
    'dso',
    calls('?page=2'),
    '400 malformed query.page',
    /no such field/,
    /a field/,
  ],
  [
    'an id of odd letters',
    'dso',
    calls('/%20'),
    '400 malformed param.id',
    /letters, digits/,
    /" "/,
  ],
  [
    'a program of another version',
    'dso',
    program({ feeBp: 300 }),
    '409 duplicate version',
    /above 1/,
    /1/,
  ],
  [
    'a falling payment curve',
    'dso',
    program({
      paymentPolicy: undefined,
      paymentCurve: [
        { deliveredBp: 0, payBp: 9 },
        { deliveredBp: 5, payBp: 8 },
      ],
    }),
    '400 malformed paymentCurve[1]',
    /never falls/,
    /payBp/,
  ],
  [
    'a policy whose curve falls',
    'dso',
    program({
      paymentPolicy: {
        ...aProgram().paymentPolicy,
        curve: [
          { deliveredBp: 0, payBp: 9 },
          { deliveredBp: 5, payBp: 8 },
        ],
      },
    }),
    '400 malformed paymentPolicy.curve[1]',
    /never falls/,
    /payBp/,
  ],
  [
    'a policy that nobody knows',
    'dso',
    program({ paymentPolicy: { builtIn: 'usef' } }),
    '400 malformed paymentPolicy.builtIn',
    /uftp 1/,
    /usef/,
  ],
  [
    'a policy and a curve beside it',
    'dso',
    program({ paymentCurve: aProgram().paymentPolicy.curve }),
    '400 malformed paymentPolicy',
    /either/,
    /both/,
  ],
  [
    'a baseline method that is not built in',
    'dso',
    program({ chargerBaseline: { builtIn: 'mean-of-eleven' } }),
    '400 malformed chargerBaseline.builtIn',
    /a name out of GET/,
    /mean-of-eleven/,
  ],
  [
    'a version of a baseline method that does not exist',
    'dso',
    program({ batteryBaseline: { builtIn: 'zero', version: 7 } }),
    '400 malformed batteryBaseline.builtIn',
    /version 1 of zero/,
    /zero 7/,
  ],
  [
    'an adjustment whose window is impossible',
    'dso',
    program({ chargerBaseline: adjusted({ stretch: { fromSeconds: 0, untilSeconds: 3600 } }) }),
    '400 malformed chargerBaseline.adjustment.stretch',
    /from further away than until/,
    /0 until 3600/,
  ],
  [
    'a cap whose low bound is above 0',
    'dso',
    program({ chargerBaseline: adjusted({ cap: { ...CAP, lowBp: 4000 } }) }),
    '400 malformed chargerBaseline.adjustment.cap.lowBp',
    /from -10000 to 0/,
    /4000/,
  ],
  [
    'a method with a field that none has',
    'dso',
    program({ chargerBaseline: { ...baselineMethod('zero'), days: 10 } }),
    '400 malformed chargerBaseline.days',
    /no/,
    /a field of this name/,
  ],
  [
    'a method that can be bent where windows can be known',
    'dso',
    program({ notice: 'known', chargerBaseline: { builtIn: 'state-based-ev' } }),
    '400 malformed chargerBaseline',
    /readings up to 300 s before/,
    /state-based-ev, up to 0 s before/,
  ],
  [
    'a time zone that is none',
    'dso',
    program({ timeZone: 'Mars/Olympus' }),
    '400 malformed timeZone',
    /IANA/,
    /Mars/,
  ],
  [
    'meters that do not fit the period',
    'dso',
    program({ meteringIntervalSeconds: 7 }),
    '400 malformed meteringIntervalSeconds',
    /divisor/,
    /7/,
  ],
  [
    'a DSO without an address',
    'operator',
    party({ kind: 'dso', name: 'D' }),
    '400 malformed address',
    /address of the dso/,
    /null/,
  ],
  [
    'an id that is taken',
    'operator',
    party({ kind: 'aggregator', id: 'agg-1', name: 'A' }),
    '409 duplicate id',
    /not taken/,
    /agg-1/,
  ],
  [
    'a share above all',
    'operator',
    party({ kind: 'aggregator', name: 'A', aggregatorShareBp: 10_001 }),
    '400 malformed aggregatorShareBp',
    /10000/,
    /10001/,
  ],
]

function inThePast() {
  const start = '2020-01-01T00:00:00Z'
  return { window: { start, end: '2020-01-01T00:30:00Z' } }
}

function powers(...watts: unknown[]) {
  const { periods } = callBody([1, 1])
  return { periods: periods.map((period, i) => ({ ...period, powerW: watts[i] })) }
}

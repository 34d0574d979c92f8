import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeDomain, encodeDomain } from '#db/codec.ts'
import { call } from './samples.ts'

/** Plain data as the domain has it: JSON and bigint, keys of any kind. -0 is 0 in JSON. */
const domainValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
    fc.bigInt(),
    fc.array(tie('value')),
    fc.dictionary(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('$bigint', '$', '$$', '$$bigint', '__proto__', 'constructor', 'toJSON'),
      ),
      tie('value'),
      { noNullPrototype: true },
    ),
  ),
})).value

describe('the codec of domain values', () => {
  test.each([
    ['NaN', { power: Number.NaN }, '$.power must be finite'],
    ['Infinity', [1, Number.POSITIVE_INFINITY], '$[1] must be finite'],
    ['a date', { at: new Date(0) }, '$.at is no plain data'],
    ['a map', new Map(), '$ is no plain data'],
    ['a function', { run: () => 1 }, '$.run is no plain data'],
    ['undefined in a list', [undefined], '$[0] is no plain data'],
  ])('refuses %s, which JSON would lose without a word', (_name, value, message) => {
    expect(() => encodeDomain(value)).toThrow(message)
  })

  test('leaves out what is undefined, as the types do', () => {
    expect(encodeDomain({ a: undefined, b: 1 })).toBe('{"b":1}')
  })

  test('writes a bigint as text, and does not take the same words for one', () => {
    expect(encodeDomain({ amount: 2n ** 64n })).toBe(
      '{"amount":{"$bigint":"18446744073709551616"}}',
    )
    const words = { $bigint: '12' }
    expect(decodeDomain(encodeDomain(words))).toEqual(words)
  })

  test('gives back any domain value exactly, and the order of its keys', () => {
    fc.assert(
      fc.property(domainValue, (value) => {
        const text = encodeDomain(value)
        const back = decodeDomain(text)
        expect(back).toEqual(value)
        expect(encodeDomain(back)).toBe(text)
      }),
      { numRuns: 500 },
    )
  })

  test('gives back a call', () => {
    expect(decodeDomain(encodeDomain(call()))).toEqual(call())
  })
})

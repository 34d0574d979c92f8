import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DomainError } from '#domain/errors.ts'
import { maskIbans, parseIban } from '#domain/iban.ts'

/** Examples of the IBAN registry, several lengths and with letters. */
const VALID = [
  'NL91ABNA0417164300',
  'DE89370400440532013000',
  'GB29NWBK60161331926819',
  'FR1420041010050500013M02606',
  'BE68539007547034',
  'NO9386011117947',
  'MT84MALT011000012345MTLCAST001S',
  'CH9300762011623852957',
  'SE4550000000058398257466',
]

const refusalOf = (text: string): DomainError => {
  try {
    parseIban(text, 'payout.iban')
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
  throw new Error('it was taken')
}

describe('an account number', () => {
  test.each([
    ['', 'two letters, two digits'],
    ['NL', 'two letters, two digits'],
    ['NL91ABNA04171643-00', 'two letters, two digits'],
    ['XX91ABNA0417164300', 'a country that has IBANs'],
    ['US64SVBKUS6S3300958879', 'a country that has IBANs'],
    ['NL91ABNA041716430', '18 characters for NL'],
    ['NL91ABNA04171643000', '18 characters for NL'],
    ['NL92ABNA0417164300', 'mod 97-10'],
    ['NL91ABNA0417164301', 'mod 97-10'],
  ])('%s is refused: %s', (text, expected) => {
    const refusal = refusalOf(text)
    expect(refusal.code).toBe('bad-iban')
    expect(refusal.problems[0]).toMatchObject({ field: 'payout.iban' })
    expect(refusal.problems[0]?.expected).toContain(expected)
  })

  test('what was refused is repeated nowhere', () => {
    for (const valid of VALID) {
      const wrong = valid.slice(0, -1) + (valid.endsWith('9') ? '8' : '9')
      const { message, problems } = refusalOf(wrong)
      expect(message + JSON.stringify(problems)).not.toContain(wrong.slice(4, 12))
    }
  })

  test('check digits that are aliases are refused although the remainder fits', () => {
    // 00 and 97, 01 and 98, 02 and 99 leave the same remainder.
    const pairs = VALID.map((valid) => [valid, Number(valid.slice(2, 4))] as const)
    for (const [valid, digits] of pairs) {
      const alias = digits === 2 ? 99 : digits >= 97 ? digits - 97 : null
      if (alias === null) continue
      const text = valid.slice(0, 2) + String(alias).padStart(2, '0') + valid.slice(4)
      expect(refusalOf(text).code).toBe('bad-iban')
    }
    // One made for the purpose: its right check digits are 98.
    const right = withCheckDigits('NL', 'ABNA', 98)
    expect(parseIban(right, 'iban')).toBe(right)
    expect(refusalOf(right.replace('NL98', 'NL01')).message).toContain('mod 97-10')
  })

  test('one wrong digit, and two neighbours exchanged, are always found', () => {
    fc.assert(
      fc.property(fc.constantFrom(...VALID), fc.nat(40), fc.nat(8), (valid, place, change) => {
        const at = 4 + (place % (valid.length - 4))
        const digit = valid[at] as string
        fc.pre(/\d/.test(digit))
        const other = String((Number(digit) + 1 + change) % 10)
        fc.pre(other !== digit)
        expect(refusalOf(valid.slice(0, at) + other + valid.slice(at + 1)).code).toBe('bad-iban')
        const next = valid[at + 1]
        if (next === undefined || next === digit) return
        const swapped = valid.slice(0, at) + next + digit + valid.slice(at + 2)
        expect(refusalOf(swapped).code).toBe('bad-iban')
      }),
    )
  })

  test('a valid one is taken in its electronic form, whatever its spaces and case', () => {
    for (const valid of VALID) {
      const printed = (valid.match(/.{1,4}/g) ?? []).join(' ').toLowerCase()
      expect(parseIban(printed, 'iban')).toBe(valid)
    }
  })
})

describe('masking', () => {
  test('finds every account number in a text, and nothing else', () => {
    for (const valid of VALID) {
      const printed = (valid.match(/.{1,4}/g) ?? []).join(' ')
      expect(maskIbans(`paid to ${valid}, thanks`)).toBe('paid to [account number], thanks')
      expect(maskIbans(`{"x":"${valid.toLowerCase()}"}`)).toBe('{"x":"[account number]"}')
      expect(maskIbans(`order12${printed} and more`)).toBe('order12[account number] and more')
    }
    const harmless = 'call-580c7927cdd03b1e at 2026-01-14T16:00:00Z, gb29 of 0xbeb50b96ec039f959034'
    expect(maskIbans(harmless)).toBe(harmless)
  })
})

/** An account at a bank whose right check digits are the wanted ones. */
function withCheckDigits(country: string, bank: string, wanted: number): string {
  for (let account = 0; account < 100_000; account++) {
    const text = `${country}${wanted}${bank}${String(account).padStart(10, '0')}`
    const moved = text.slice(4) + text.slice(0, 4)
    const digits = Array.from(moved, (c) => Number.parseInt(c, 36)).join('')
    if (BigInt(digits) % 97n === 1n) return text
  }
  throw new Error('there is one among 97')
}

import { describe, expect, test } from 'vitest'
import type { Payout } from '#dashboards/api.ts'
import {
  announcedChange,
  canStay,
  ibanProblem,
  leastAtOnce,
  walletProblem,
  whenItCounts,
  whereItGoes,
} from '#dashboards/owner/payout-words.ts'
import { problemOf } from '#dashboards/shared/problem-of.ts'

const ZONE = 'Europe/Amsterdam'

function aPayout(changes: Partial<Payout> = {}): Payout {
  return {
    payout: { kind: 'agent' },
    announced: null,
    account: 'named',
    accountFrom: null,
    onAccountMinor: '0',
    putOffMinor: '0',
    minimumPayoutCents: '500',
    payments: [],
    sentence: '',
    ...changes,
  }
}
const wallet = { kind: 'wallet', address: `0x${'ab'.repeat(20)}` } as const

describe('an account number as a person types it', () => {
  test.each([
    ['', 'Type the number'],
    ['   ', 'Type the number'],
    ['my account', 'begins with two letters and two digits'],
    ['XX91ABNA0417164300', 'No country’s account numbers'],
    ['NL91ABNA041716430', 'begins with NL has 18 letters and digits'],
    ['NL91ABNA0417164301', 'a letter or digit is wrong, or two are swapped'],
    ['NL91ABNA0417163400', 'a letter or digit is wrong, or two are swapped'],
  ])('%j is refused in plain words', (text, words) => {
    expect(ibanProblem(text)).toContain(words)
    expect(ibanProblem(text)).not.toMatch(/mod 97|ISO/)
  })

  test.each(['NL91ABNA0417164300', 'nl91 abna 0417 1643 00'])('%j is taken', (text) => {
    expect(ibanProblem(text)).toBeNull()
  })
})

describe('what is told of the way of payment', () => {
  test.each([
    ['none', 'No bank account of yours is known yet'],
    ['waiting', 'No bank account of yours is known yet'],
    ['refused', 'sent a payment back'],
    ['erased', 'was erased'],
    ['named', 'goes to your bank account'],
  ] as const)('%s', (account, words) => {
    expect(whereItGoes(aPayout({ account }))).toContain(words)
  })

  test('the least that is sent at once, which a wallet does not have', () => {
    expect(leastAtOnce(aPayout())).toContain('€5.00 and more are sent')
    expect(leastAtOnce(aPayout({ payout: wallet }))).toBe('Every amount is sent.')
  })

  test('only a first account counts at once', () => {
    expect(whenItCounts(aPayout({ account: 'none' }))).toContain('at once')
    for (const later of [
      aPayout(),
      aPayout({ account: 'erased' }),
      aPayout({ account: 'none', accountFrom: '2026-01-16T16:00:00Z' }),
      aPayout({ account: 'none', payout: wallet }),
    ]) {
      expect(whenItCounts(later)).toContain('48 hours')
    }
  })

  test('what was announced, from when on, and whether it can be taken back', () => {
    expect(announcedChange(aPayout(), ZONE)).toBeNull()
    const from = '2026-01-16T16:00:00Z'
    expect(announcedChange(aPayout({ accountFrom: from }), ZONE)).toBe(
      'From Fri, 16 Jan 2026, 17:00 on your money goes to another bank account.',
    )
    const announced = { payout: wallet, from }
    expect(announcedChange(aPayout({ announced }), ZONE)).toContain('another wallet')
    expect(canStay(aPayout({ account: 'erased' }))).toBe(false)
    expect(canStay(aPayout())).toBe(true)
    expect(canStay(aPayout({ account: 'none', payout: wallet }))).toBe(true)
  })
})

test('a refusal is told at the field that it names, wherever that lies in the body', () => {
  const problems = [{ field: 'payout.name', expected: '1 to 70 letters', got: 'a name' }]
  expect(problemOf(problems, 'name')).toBe('Expected 1 to 70 letters.')
  expect(problemOf(problems, 'iban')).toBeNull()
})

test('an address of a wallet has 40 digits', () => {
  expect(walletProblem('0x12')).toContain('40 more characters')
  expect(walletProblem(` ${wallet.address} `)).toBeNull()
})

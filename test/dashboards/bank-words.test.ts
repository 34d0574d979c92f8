import { expect, test } from 'vitest'
import { accountOf, minorOf, partiesOf } from '#dashboards/operator/bank-words.ts'

test.each(['', '0', '0.00', '12,5', '1.005', '-3', '1 000', 'twelve', '1234567890'])(
  '%j is no amount on a bank’s statement',
  (text) => expect(minorOf(text)).toBeNull(),
)

test.each([
  ['1250', '1250000000'],
  ['1250.00', '1250000000'],
  [' 0,01 ', '10000'],
])('%j euros are %s minor units', (text, minor) => expect(minorOf(text)).toBe(minor))

test('a party without an address has no money here; an account is found by its address', () => {
  const address = `0x${'Ab'.repeat(20)}`
  const parties = partiesOf({
    payers: [
      { dsoId: 'north', address },
      { dsoId: 'south', address: null },
    ],
    agents: ['0x01'],
    feeReceiver: '0x02',
  } as Parameters<typeof partiesOf>[0])
  expect(parties.map(({ name }) => name)).toEqual([
    'Grid operator north',
    'Payout agent',
    'Receiver of fees',
  ])
  const none = { debitsPending: '0', debitsPosted: '0', creditsPending: '0', creditsPosted: '0' }
  const own = { account: `wallet:${address.toLowerCase()}`, ...none, available: '5' }
  const [north] = parties
  if (north === undefined) throw new Error('the grid operator is missing')
  expect(accountOf([own], north)).toBe(own)
  expect(accountOf([], north)).toBeNull()
})

import { expect, it } from 'vitest'
import type { ChainEvent } from '#domain/chain.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import type { PayoutAccount } from '#domain/payout.ts'
import { latePayments, owedLeaves, TRIES_MAX } from '#domain/put-off.ts'

const account: Address = `0x${'aa'.repeat(20)}`
const hash: Hex = `0x${'11'.repeat(32)}`
const at = (block: number) => ({ block, blockHash: hash, transactionHash: hash, logIndex: 0 })
const leafOf = (cumulative: bigint): PayoutAccount[] => [
  { index: 1, account, cumulative: microEur(cumulative) },
]
const triedInVain = (block: number, amount: bigint): ChainEvent => {
  return { kind: 'PayoutDeferred', index: 1, account, amount, ...at(block) }
}
type Paid = Extract<ChainEvent, { kind: 'Paid' }>
const paid = (block: number, amount: bigint, epoch = 1): Paid => {
  return { kind: 'Paid', index: 1, account, amount, epoch, ...at(block) }
}

it('a leaf that is owed the same amount once more is tried for again', () => {
  const inVain = Array.from({ length: TRIES_MAX }, (_, i) => triedInVain(1 + i, 5n))
  expect(owedLeaves(leafOf(5n), inVain)).toMatchObject([{ owed: 5n, tries: TRIES_MAX }])
  const claimed = paid(20, 5n)
  // Those that were paid come first, whatever their block.
  expect(owedLeaves(leafOf(10n), [claimed, ...inVain])).toMatchObject([{ owed: 5n, tries: 0 }])
  const again = [claimed, ...inVain, triedInVain(21, 5n)]
  expect(owedLeaves(leafOf(10n), again)).toMatchObject([{ owed: 5n, tries: 1 }])
})

it('late payments count each in its own epoch, and never for more than was put off', () => {
  const parts = (payments: Paid[], booked: bigint, putOff: bigint) =>
    latePayments(payments, booked, putOff).map(({ payment: { epoch }, late, total }) => {
      return { epoch, late, total }
    })
  expect(parts([], 10n, 10n)).toEqual([])
  expect(parts([paid(1, 10n)], 10n, 0n)).toEqual([]) // all of it is booked
  // What the next epoch brought on top is that epoch's, whether it was paid apart or with it.
  expect(parts([paid(1, 10n, 1), paid(2, 5n, 2)], 10n, 10n)).toEqual([
    { epoch: 1, late: 10n, total: 10n },
  ])
  expect(parts([paid(2, 15n, 2)], 10n, 10n)).toEqual([{ epoch: 2, late: 10n, total: 15n }])
  // Two epochs were put off; of the first, 4 were paid and booked before.
  const both = [paid(1, 4n, 1), paid(2, 6n, 1), paid(3, 7n, 2)]
  expect(parts(both, 17n, 13n)).toEqual([
    { epoch: 1, late: 6n, total: 10n },
    { epoch: 2, late: 7n, total: 17n },
  ])
  expect(parts(both.slice(0, 2), 17n, 13n)).toEqual([{ epoch: 1, late: 6n, total: 10n }])
})

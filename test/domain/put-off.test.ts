import { expect, it } from 'vitest'
import type { ChainEvent } from '#domain/chain.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import type { PayoutAccount } from '#domain/payout.ts'
import { owedLeaves, TRIES_MAX } from '#domain/put-off.ts'

const account: Address = `0x${'aa'.repeat(20)}`
const hash: Hex = `0x${'11'.repeat(32)}`
const at = (block: number) => ({ block, blockHash: hash, transactionHash: hash, logIndex: 0 })
const leafOf = (cumulative: bigint): PayoutAccount[] => [
  { index: 1, account, cumulative: microEur(cumulative) },
]
const triedInVain = (block: number, amount: bigint): ChainEvent => {
  return { kind: 'PayoutDeferred', index: 1, account, amount, ...at(block) }
}
const paid = (block: number, amount: bigint): ChainEvent => {
  return { kind: 'Paid', index: 1, account, amount, epoch: 1, ...at(block) }
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

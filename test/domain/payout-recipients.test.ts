import { describe, expect, it } from 'vitest'
import type { ChainEvent } from '#domain/chain.ts'
import type { Address } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { addShares, type PayoutAccount, type PayoutShare } from '#domain/payout.ts'
import { moveAccounts, movesOf, recipientsAt } from '#domain/payout-recipients.ts'
import { instant } from '#domain/time.ts'

const START = 1_800_000_000
const DELAY = 48 * 3600
const at = (seconds: number) => instant((START + seconds) * 1000)
const [AGENT, A, B, C] = ['11', 'aa', 'bb', 'cc'].map((two): Address => `0x${two.repeat(20)}`) as [
  Address,
  Address,
  Address,
  Address,
]

const place = { transactionHash: '0x01', logIndex: 0, block: 1, blockHash: '0x02' } as const
const announced = (account: Address, to: Address, seconds: number): ChainEvent => ({
  ...place,
  kind: 'RecipientAnnounced',
  account,
  to,
  from: START + seconds + DELAY,
})
const cancelled = (account: Address, to: Address): ChainEvent => ({
  ...place,
  kind: 'RecipientCancelled',
  account,
  to,
})

const account = (index: number, who: Address, amount: bigint): PayoutAccount => ({
  index,
  account: who,
  cumulative: microEur(amount),
})

const share = (wallet: Address | null, amount: bigint): PayoutShare => ({
  payee: { kind: 'owner', ownerId: 'owner-1' as never },
  callId: 'call-1' as never,
  amount: microEur(amount),
  wallet,
})

const recipientOf = (events: readonly ChainEvent[], now: number, who = A) =>
  recipientsAt(events, at(now)).get(who.toLowerCase()) ?? null

describe('a payout account that names another address', () => {
  it('is paid as before while the delay runs, and a while longer in case the chain lags', () => {
    const events = [announced(A, B, 0)]
    expect(recipientOf(events, DELAY - 1)).toBeNull()
    expect(recipientOf(events, DELAY + 899)).toBeNull()
    expect(recipientOf(events, DELAY + 900)).toBe(B)
  })

  it('is paid as before if it takes that back', () => {
    expect(recipientOf([announced(A, B, 0), cancelled(A, B)], 10 * DELAY)).toBeNull()
  })

  it('replaces what still waits, and keeps what has taken effect until the next one does', () => {
    const early = [announced(A, B, 0), announced(A, C, 3600)]
    expect(recipientOf(early, DELAY + 1000)).toBeNull()
    expect(recipientOf(early, DELAY + 3600 + 900)).toBe(C)
    const late = [announced(A, B, 0), announced(A, C, DELAY)]
    expect(recipientOf(late, DELAY + 1000)).toBe(B)
    expect(recipientOf([...late, cancelled(A, C)], 10 * DELAY)).toBe(B)
    expect(recipientOf(late, 2 * DELAY + 900)).toBe(C)
  })
})

describe('the accounts of the payout tree', () => {
  const before = [account(0, AGENT, 10n), account(1, A, 70n), account(2, B, 5n)]

  it('stay as they are where nobody named another address', () => {
    expect(movesOf(before, new Map())).toEqual([])
    expect(movesOf(before, new Map([[A.toLowerCase(), A]]))).toEqual([])
  })

  it('give the index to the new address with all that it has ever earned', () => {
    const moves = movesOf(before, new Map([[A.toLowerCase(), C]]))
    expect(moves).toEqual([{ index: 1, account: A, to: C }])
    expect(moveAccounts(before, moves)).toEqual([before[0], account(1, C, 70n), before[2]])
  })

  it('take a move of another account than the one at the index for none', () => {
    expect(moveAccounts(before, [{ index: 1, account: B, to: C }])).toEqual(before)
  })

  it('lose nothing where the new address has an index already', () => {
    const moves = movesOf(before, new Map([[A.toLowerCase(), B]]))
    const after = addShares(moveAccounts(before, moves), [share(B, 1n), share(null, 2n)], AGENT)
    expect(after).toEqual([account(0, AGENT, 12n), account(1, B, 71n), account(2, B, 5n)])
  })

  it('go to a chain of addresses one step at a time', () => {
    const named = new Map([
      [A.toLowerCase(), B],
      [B.toLowerCase(), C],
    ])
    const once = moveAccounts([account(1, A, 7n)], movesOf([account(1, A, 7n)], named))
    expect(once).toEqual([account(1, B, 7n)])
    expect(moveAccounts(once, movesOf(once, named))).toEqual([account(1, C, 7n)])
  })
})

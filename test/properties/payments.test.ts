import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AccountHolder, aggregatorAccount, ownerAccount } from '#domain/bank-account.ts'
import { callId, organisationId, ownerId } from '#domain/ids.ts'
import { microEur, sumMoney } from '#domain/money.ts'
import {
  accountsOf,
  AGENT_DUTY,
  MINOR_PER_CENT,
  moveAccounts,
  movementEntries,
  type Payment,
  returnEntries,
} from '#domain/payment-order.ts'
import { type PayoutShare, receiptsOf } from '#domain/payout.ts'
import { instant } from '#domain/time.ts'

const NOW = instant(0)
const OWNERS = ['a', 'b', 'c'].map(ownerId)
const AGGREGATOR = organisationId('agg')
const WALLET = `0x${'ab'.repeat(20)}` as const

const anAmount = fc.oneof(fc.bigInt(1n, 9_999n), fc.bigInt(1n, 20_000_000n))
const aShare: fc.Arbitrary<PayoutShare> = fc
  .record({
    owner: fc.option(fc.constantFrom(...OWNERS)),
    amount: anAmount.map(microEur),
    isWallet: fc.boolean(),
    call: fc.constantFrom('call-1', 'call-2'),
  })
  .map(({ owner, amount, isWallet, call }) => ({
    payee:
      owner === null
        ? { kind: 'aggregator', aggregatorId: AGGREGATOR }
        : { kind: 'owner', ownerId: owner },
    callId: callId(call),
    amount,
    wallet: isWallet && owner !== null ? WALLET : null,
  }))
/** Which payees can be paid, from how many cents on, and whose payments come back. */
const anEpoch = fc.record({
  shares: fc.array(aShare, { maxLength: 8 }),
  least: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'agg'), fc.bigInt(1n, 800n)),
  returned: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }),
})

function holderOf(name: string): AccountHolder {
  return name === 'agg' ? aggregatorAccount(AGGREGATOR) : ownerAccount(ownerId(name))
}

test('file and accounts are the leaf to the millionth, whatever is carried or comes back', () => {
  fc.assert(
    fc.property(fc.array(anEpoch, { minLength: 1, maxLength: 6 }), (epochs) => {
      const ledger = new Map<string, bigint>()
      const post = (entries: readonly { account: string; amount: bigint }[]) => {
        expect(sumMoney(entries.map(({ amount }) => amount))).toBe(0n)
        for (const { account, amount } of entries) {
          ledger.set(account, (ledger.get(account) ?? 0n) + amount)
        }
      }
      const before = () =>
        accountsOf([...ledger].map(([account, balance]) => ({ account, balance })))
      let leaf = 0n
      let inFiles = 0n
      for (const [index, { shares, least, returned }] of epochs.entries()) {
        const can = new Map(Object.entries(least).map(([name, cents]) => [holderOf(name), cents]))
        const held = before()
        const moved = moveAccounts(shares, held, (payee) => can.get(payee) ?? null)
        for (const { payee, cents, after } of moved) {
          const minimum = can.get(payee)
          if (cents > 0n) expect(cents).toBeGreaterThanOrEqual(minimum ?? 2n ** 60n)
          // Paid: less than a cent is left. Not paid: it was below the minimum, or nowhere to go.
          if (cents > 0n) expect(after).toBeLessThan(MINOR_PER_CENT)
          else if (minimum !== undefined) expect(after / MINOR_PER_CENT).toBeLessThan(minimum)
        }
        post(movementEntries(index + 1, moved, NOW))
        leaf += sumMoney(shares.filter((s) => s.wallet === null).map((s) => s.amount))
        inFiles += sumMoney(moved.map(({ cents }) => cents * MINOR_PER_CENT))
        const receipts = receiptsOf(index + 1, shares, moved)
        const toOwners = moved.filter(({ payee }) => payee.startsWith('owner:'))
        expect(sumMoney(receipts.map((r) => r.paidCents))).toBe(
          sumMoney(toOwners.map(({ cents }) => cents)),
        )
        for (const [i, { payee, cents }] of moved.entries()) {
          if (cents === 0n || !returned.includes(i)) continue
          const payment: Payment = {
            epoch: index + 1,
            payee,
            accountVersion: 1,
            cents,
            state: 'ordered',
            reason: null,
          }
          post(returnEntries(payment, NOW))
          inFiles -= cents * MINOR_PER_CENT
        }
        const onAccount = sumMoney(before().values())
        expect(inFiles + onAccount).toBe(leaf)
        expect(ledger.get(AGENT_DUTY) ?? 0n).toBe(-leaf)
      }
    }),
  )
})

test('nobody is paid twice for the same euro: a second look at an epoch without shares pays nothing', () => {
  const shares: PayoutShare[] = [
    {
      payee: { kind: 'owner', ownerId: ownerId('a') },
      callId: callId('call-1'),
      amount: microEur(612_345n),
      wallet: null,
    },
  ]
  const [first] = moveAccounts(shares, new Map(), () => 1n)
  expect(first).toEqual({
    payee: 'owner:a',
    before: 0n,
    credited: 612_345n,
    cents: 61n,
    after: 2345n,
  })
  expect(moveAccounts([], new Map([[holderOf('a'), 2345n]]), () => 1n)).toEqual([])
})

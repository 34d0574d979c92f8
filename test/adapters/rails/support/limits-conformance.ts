import { expect, it } from 'vitest'
import { signCancellation } from '#adapters/evm/dso-signing.ts'
import { POOL_MONEY_MAX } from '#domain/escrow.ts'
import type { Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { settlementOf } from '../../evm/support/world.ts'
import type { RailWorld } from './rail-world.ts'
import {
  ask,
  chunkIntent,
  epochIntent,
  leaf,
  opened,
  openIntent,
  proposal,
  refusal,
  termsNow,
} from './steps.ts'

/** What the payer needs for these: three times what a pool can count. */
export const LIMIT_DEPOSIT = 3n * POOL_MONEY_MAX

/** In a world of their own: afterwards little more can be paid. */
export function limitTests(open: () => RailWorld): void {
  const most = { amount: microEur(POOL_MONEY_MAX) }
  const openWith = async (amount: bigint) =>
    ask(open(), await openIntent(open(), termsNow(open(), { amount: microEur(amount) })))

  it('one request cannot have more, nor all together', async () => {
    expect((await openWith(POOL_MONEY_MAX + 1n)).reason).toBe(
      'AmountOutOfRange: amount 18446744073709551616',
    )
    const requestId = await opened(open(), most)
    expect((await openWith(1n)).reason).toBe('AmountOutOfRange: amount 1')
    const signature = await signCancellation(open().dso.key, requestId, open().identity)
    await ask(open(), { kind: 'cancel', requestId, signature })
    expect(refusal(await openWith(1n))).toBe('AmountOutOfRange') // it is owed to the payer still
    await ask(open(), { kind: 'withdrawCredit', account: open().dso.address })
    expect((await openWith(1n)).state).toBe('mined')
    expect(await open().rail.poolState()).toMatchObject({ locked: 1n, credits: 0n })
  })

  it('nor can all that was ever paid: what is beyond stays where it is', async () => {
    const paidOut = async (requestId: Hex, payoutTotal: bigint) => {
      open().clock.forward(120)
      const statement = settlementOf(requestId, { payoutTotal, feeTotal: 0n })
      expect((await ask(open(), await proposal(open(), statement))).state).toBe('mined')
      open().clock.forward(600)
      expect((await ask(open(), { kind: 'finalize', requestId })).state).toBe('mined')
    }
    const most = POOL_MONEY_MAX - 1n
    const first = await opened(open(), { amount: microEur(most) })
    await paidOut(first, most)
    const all = leaf(0, 'a', most)
    expect((await ask(open(), await epochIntent(open(), [all], [first]))).state).toBe('mined')
    open().clock.forward(300)
    await ask(open(), { kind: 'activateEpoch', epoch: 1 })
    expect((await ask(open(), chunkIntent([all], 1))).state).toBe('mined')

    const second = await opened(open(), { amount: microEur(2n) })
    await paidOut(second, 2n)
    const more = await epochIntent(open(), [all, leaf(1, 'b', 2n)], [second])
    expect((await ask(open(), more)).reason).toBe('AmountOutOfRange: amount 18446744073709551616')
    expect(await open().rail.poolState()).toMatchObject({
      totalClaimed: most,
      allocatable: 2n,
      currentEpoch: 1,
    })
  })
}

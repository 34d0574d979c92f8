import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signCancellation } from '#adapters/evm/dso-signing.ts'
import { POOL_MONEY_MAX } from '#domain/escrow.ts'
import type { Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { settlementOf } from '../evm/support/world.ts'
import { type RailWorld, evmWorld, ledgerWorld } from './support/rail-world.ts'
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
} from './support/steps.ts'

const deposit = 3n * POOL_MONEY_MAX
const rails: Record<string, () => Promise<RailWorld>> = {
  'a chain': () => evmWorld({ deposit }),
  'a ledger in PostgreSQL': () => ledgerWorld('postgres', { deposit }),
  'a ledger in memory': () => ledgerWorld('memory', { deposit }),
}

describe.each(Object.keys(rails))('64 bits count all money, on %s', (name) => {
  let world: RailWorld
  beforeAll(async () => {
    world = await rails[name]!()
  }, 60_000)
  afterAll(() => world.close())

  const most = { amount: microEur(POOL_MONEY_MAX) }
  const openWith = async (amount: bigint) =>
    ask(world, await openIntent(world, termsNow(world, { amount: microEur(amount) })))

  it('one request cannot have more, nor all together', async () => {
    expect((await openWith(POOL_MONEY_MAX + 1n)).reason).toBe(
      'AmountOutOfRange: amount 18446744073709551616',
    )
    const requestId = await opened(world, most)
    expect((await openWith(1n)).reason).toBe('AmountOutOfRange: amount 1')
    const signature = await signCancellation(world.dso.key, requestId, world.identity)
    await ask(world, { kind: 'cancel', requestId, signature })
    expect(refusal(await openWith(1n))).toBe('AmountOutOfRange') // it is owed to the payer still
    await ask(world, { kind: 'withdrawCredit', account: world.dso.address })
    expect((await openWith(1n)).state).toBe('mined')
    expect(await world.rail.poolState()).toMatchObject({ locked: 1n, credits: 0n })
  })

  it('nor can all that was ever paid: what is beyond stays where it is', async () => {
    const paidOut = async (requestId: Hex, payoutTotal: bigint) => {
      world.clock.forward(120)
      const statement = settlementOf(requestId, { payoutTotal, feeTotal: 0n })
      expect((await ask(world, await proposal(world, statement))).state).toBe('mined')
      world.clock.forward(600)
      expect((await ask(world, { kind: 'finalize', requestId })).state).toBe('mined')
    }
    const most = POOL_MONEY_MAX - 1n
    const first = await opened(world, { amount: microEur(most) })
    await paidOut(first, most)
    const all = leaf(0, 'a', most)
    expect((await ask(world, await epochIntent(world, [all], [first]))).state).toBe('mined')
    world.clock.forward(300)
    await ask(world, { kind: 'activateEpoch', epoch: 1 })
    expect((await ask(world, chunkIntent([all], 1))).state).toBe('mined')

    const second = await opened(world, { amount: microEur(2n) })
    await paidOut(second, 2n)
    const more = await epochIntent(world, [all, leaf(1, 'b', 2n)], [second])
    expect((await ask(world, more)).reason).toBe('AmountOutOfRange: amount 18446744073709551616')
    expect(await world.rail.poolState()).toMatchObject({
      totalClaimed: most,
      allocatable: 2n,
      currentEpoch: 1,
    })
  })
})

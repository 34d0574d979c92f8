import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import type { Hex } from '#domain/ids.ts'
import type { PayoutRail } from '#ports.ts'
import {
  EUR,
  type World,
  ZERO_HASH,
  epochIntent,
  journalOf,
  makeWorld,
  minedCount,
  openIntent,
  proposeIntent,
  settleDown,
  settlementOf,
  termsOf,
} from './support/world.ts'

let world: World
let rail: PayoutRail

beforeAll(async () => {
  world = await makeWorld()
  rail = await world.open()
}, 30_000)

afterAll(() => world.chain.stop())

describe('the money of one call, from the DSO to the owners', () => {
  const journal = () => journalOf(world.store)
  const account = (digit: string): Hex => `0x${digit.repeat(40)}`

  it('goes through every step and is accounted for to the last micro-EUR', async () => {
    const terms = termsOf(world)
    const requestId = rail.requestId(terms)
    await journal().intend('open', await openIntent(world, terms))
    await settleDown(rail, 1)
    expect(await journal().intent('open')).toMatchObject({ state: 'mined' })
    expect(await rail.poolState()).toMatchObject({ locked: 100n * EUR, credits: 0n })

    world.clock.to(terms.deliverEnd / 1000)
    await journal().intend('propose', await proposeIntent(world, settlementOf(requestId)))
    await settleDown(rail, 1)
    const [proposed] = await journal().events('SettlementProposed')
    expect(proposed?.windowEnd).toBe(world.clock.seconds() + 600)

    await journal().intend('finalize', { kind: 'finalize', requestId })
    await settleDown(rail)
    expect((await journal().intent('finalize')).state).toBe('pending') // the window is open
    world.clock.forward(600)
    await settleDown(rail, 1)
    expect(await journal().events('RequestFinalized')).toMatchObject([
      { requestId, payout: 80n * EUR, fee: 4n * EUR, refund: 16n * EUR },
    ])

    const tree = buildPayoutTree([
      { index: 0, account: account('1'), cumulative: 50n * EUR },
      { index: 1, account: account('2'), cumulative: 29_999_999n },
      { index: 2, account: account('3'), cumulative: 1n },
    ])
    const { topHash, root } = tree
    const fields = { epoch: 1, prevRoot: ZERO_HASH, topHash, newTotal: 80n * EUR }
    await journal().intend('post', await epochIntent(world, fields, [requestId]))
    await journal().intend('activate', { kind: 'activateEpoch', epoch: 1 })
    await journal().intend('pay', { kind: 'payChunk', epoch: 1, ...tree.chunk(0, 4) })
    await settleDown(rail)
    world.clock.forward(300)
    await settleDown(rail)
    expect(await rail.poolState()).toMatchObject({ liveRoot: root, currentEpoch: 1 })
    const [posted] = await journal().events('EpochPosted')
    const [first] = await journal().events('Paid')
    if (!posted || !first) throw new Error('nothing was posted and paid')
    expect(await rail.postedEpoch?.(posted)).toMatchObject({
      statement: fields,
      requestIds: [requestId],
    })
    // Another root, a transaction that posted nothing, one that nobody knows: nobody can tell.
    for (const other of [{ root: ZERO_HASH }, { transactionHash: first.transactionHash }]) {
      expect(await rail.postedEpoch?.({ ...posted, ...other })).toBeNull()
    }
    expect(await rail.postedEpoch?.({ ...posted, transactionHash: ZERO_HASH })).toBeNull()
    expect((await journal().events('Paid')).map(({ index, amount }) => [index, amount])).toEqual([
      [0, 50n * EUR],
      [1, 29_999_999n],
      [2, 1n],
    ])

    const { dso, fees } = world.parties
    await journal().intend('refund', { kind: 'withdrawCredit', account: dso.address })
    await journal().intend('fee', { kind: 'withdrawCredit', account: fees.address })
    await settleDown(rail, 1)
    expect(await rail.poolState()).toEqual({
      tokenBalance: 0n,
      locked: 0n,
      allocatable: 0n,
      totalAllocated: 80n * EUR,
      totalClaimed: 80n * EUR,
      credits: 0n,
      bonds: 0n,
      liveRoot: root,
      currentEpoch: 1,
    })
    const transfers = await journal().events('Transfer')
    const moved = (address: Hex) =>
      transfers.reduce(
        (sum, { from, to, amount }) =>
          sum + (to === address ? amount : 0n) - (from === address ? amount : 0n),
        0n,
      )
    expect(moved(dso.address)).toBe(-84n * EUR)
    expect(moved(fees.address)).toBe(4n * EUR)
    expect(['1', '2', '3'].map((digit) => moved(account(digit)))).toEqual([
      50n * EUR,
      29_999_999n,
      1n,
    ])
    expect(moved(world.identity.pool)).toBe(0n)
    // open, propose, finalize, post, activate, pay and two withdrawals: one transaction each.
    expect(await minedCount(world, world.parties.relayer.address)).toBe(8)
  }, 60_000)
})

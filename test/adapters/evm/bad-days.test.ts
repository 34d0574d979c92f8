import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseTransaction } from 'viem'
import { type ChainBooks, eventsOf } from '#domain/chain-books.ts'
import { compareBooks } from '#domain/compare-books.ts'
import type { Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { buildPayoutTree } from '#domain/payout-tree.ts'
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
import { freezeAccount } from './support/frozen-account.ts'

let world: World
let rail: PayoutRail
const journal = () => journalOf(world.store)
const account = (digit: string): Hex => `0x${digit.repeat(40)}`
const relayed = () => minedCount(world, world.parties.relayer.address)

beforeEach(async () => {
  world = await makeWorld()
  rail = await world.open()
}, 30_000)

afterEach(() => world.chain.stop())

const LEAVES = [
  { index: 0, account: account('1'), cumulative: 50n * EUR },
  { index: 1, account: account('2'), cumulative: 30n * EUR },
]

/** A request that is opened, proposed and final: 80 EUR for the payees. */
async function finalRequest(): Promise<Hex> {
  const terms = termsOf(world)
  const requestId = rail.requestId(terms)
  await journal().intend('open', await openIntent(world, terms))
  await settleDown(rail, 1)
  world.clock.to(terms.deliverEnd / 1000)
  await journal().intend('propose', await proposeIntent(world, settlementOf(requestId)))
  await settleDown(rail, 1)
  world.clock.forward(601)
  await journal().intend('finalize', { kind: 'finalize', requestId })
  await settleDown(rail, 1)
  return requestId
}

/** An epoch over it that is live, and the intent to pay its leaves. */
async function intendPayment(requestId: Hex): Promise<void> {
  const tree = buildPayoutTree(LEAVES)
  const fields = { epoch: 1, prevRoot: ZERO_HASH, topHash: tree.topHash, newTotal: 80n * EUR }
  await journal().intend('post', await epochIntent(world, fields, [requestId]))
  await settleDown(rail, 1)
  world.clock.forward(301)
  await journal().intend('activate', { kind: 'activateEpoch', epoch: 1 })
  await settleDown(rail, 1)
  await journal().intend('pay', { kind: 'payChunk', epoch: 1, ...tree.chunk(0, 4) })
}

const paid = async () =>
  (await journal().events('Paid')).map(({ index, amount }) => [index, amount])
const paidOnce = [
  [0, 50n * EUR],
  [1, 30n * EUR],
]

async function balanceOf(address: Hex): Promise<bigint> {
  const data = `0x70a08231${address.slice(2).padStart(64, '0')}`
  return BigInt(
    String(await world.chain.ask('eth_call', { to: world.identity.token, data }, 'latest')),
  )
}

describe('a bad day of the chain', () => {
  it('more than six blocks are taken back, with proposal and payout inside: all happens again, once', async () => {
    const requestId = await finalRequest()
    await intendPayment(requestId)
    await settleDown(rail, 1)
    expect(await paid()).toEqual(paidOnce)
    const head = Number(await world.chain.ask('eth_blockNumber'))
    const [proposed] = await journal().events('SettlementProposed')
    const depth = head - (proposed?.block ?? 0) + 1
    expect(depth).toBeGreaterThanOrEqual(6)
    await world.chain.ask('anvil_reorg', depth, [])
    world.clock.forward(10)
    await settleDown(rail, 6)
    expect(await paid()).toEqual([]) // the windows run anew, from where the chain is now
    world.clock.forward(601)
    await settleDown(rail, 6)
    world.clock.forward(301)
    await settleDown(rail, 6)
    expect(await paid()).toEqual(paidOnce)
    expect((await journal().events('SettlementProposed')).length).toBe(1)
    expect((await journal().events('EpochActivated')).length).toBe(1)
    for (const key of ['open', 'propose', 'finalize', 'post', 'activate', 'pay']) {
      expect([key, (await journal().intent(key)).state]).toEqual([key, 'mined'])
    }
    expect(await balanceOf(account('1'))).toBe(50n * EUR)
    expect(await balanceOf(account('2'))).toBe(30n * EUR)
    expect(world.lines.some(({ message }) => message === 'chain: reorganised, read again')).toBe(
      true,
    )
  }, 60_000)

  it('a transaction is too cheap for an hour: raised again and again, mined once', async () => {
    const ours = await world.open({ local: false, confirmations: 0, raiseAfterBlocks: 12 })
    await journal().intend('cheap', await openIntent(world, termsOf(world)))
    await ours.advance()
    const first = await journal().intent('cheap')
    const start = parseTransaction(first.raw ?? '0x')
    // An hour of blocks that are dearer than what was offered, and dearer again.
    const dear = 40n * (start.maxFeePerGas ?? 0n)
    for (let block = 0; block < 300; block += 1) {
      await world.chain.ask('anvil_setNextBlockBaseFeePerGas', `0x${dear.toString(16)}`)
      await world.chain.ask('evm_increaseTime', 12)
      await world.chain.ask('evm_mine')
      if (block % 4 === 0) await ours.advance()
    }
    await settleDown(ours)
    const last = await journal().intent('cheap')
    expect(last).toMatchObject({ state: 'mined', nonce: first.nonce })
    expect(last.hash).not.toBe(first.hash)
    expect(parseTransaction(last.raw ?? '0x').maxFeePerGas).toBeGreaterThan(dear)
    expect((await journal().events('RequestOpened')).length).toBe(1)
    expect(await relayed()).toBe(1)
  }, 60_000)

  it('a nonce is lost and another one is used up by hand: what waits behind still goes', async () => {
    const ours = await world.open({ local: false, confirmations: 0, raiseAfterBlocks: 1000 })
    for (const key of ['a', 'b', 'c']) {
      await journal().intend(key, await openIntent(world, termsOf(world)))
    }
    await ours.advance()
    await world.chain.ask('anvil_dropTransaction', (await journal().intent('a')).hash)
    await world.chain.ask('evm_mine')
    await settleDown(ours)
    await world.chain.ask('evm_mine')
    await settleDown(ours)
    for (const key of ['a', 'b', 'c']) expect((await journal().intent(key)).state).toBe('mined')
    expect((await journal().events('RequestOpened')).length).toBe(3)
    expect(await relayed()).toBe(3)
  })
})

/** Code of a contract that refuses every call. */
const REFUSES_ALL = '0x60006000fd'

describe('a bad day of the token', () => {
  it('it pauses: nobody is paid, nothing is lost, and after it everybody is, once', async () => {
    const requestId = await finalRequest()
    await intendPayment(requestId)
    const { token } = world.identity
    const code = await world.chain.ask('eth_getCode', token, 'latest')
    await world.chain.ask('anvil_setCode', token, REFUSES_ALL)
    await settleDown(rail, 4)
    expect(await paid()).toEqual([])
    await world.chain.ask('anvil_setCode', token, code)
    const tree = buildPayoutTree(LEAVES)
    // What was put off is anybody's to claim: by the same rows, sent again.
    await journal().intend('again', { kind: 'payChunk', epoch: 1, ...tree.chunk(0, 4) })
    world.clock.forward(10)
    await settleDown(rail, 4)
    expect(await paid()).toEqual(paidOnce)
    expect(await balanceOf(account('1'))).toBe(50n * EUR)
    expect(await rail.poolState()).toMatchObject({ totalClaimed: 80n * EUR, allocatable: 0n })
  })

  it('one recipient is frozen: the other is paid, and he has his share once he is not', async () => {
    const requestId = await finalRequest()
    await intendPayment(requestId)
    const { token } = world.identity
    const thaw = await freezeAccount(world.chain, token, account('1'))
    await settleDown(rail, 4)
    expect(await paid()).toEqual([[1, 30n * EUR]])
    const [deferred] = await journal().events('PayoutDeferred')
    expect(deferred).toMatchObject({ index: 0, amount: 50n * EUR })
    expect(await journal().intent('pay')).toMatchObject({ state: 'mined' })
    // Put off by his own account: no difference once that is booked, and nobody else waits.
    expect(compareBooks(await booksNow(0n))).toEqual([
      `leaf 0 was paid 0 of ${50n * EUR}, and epoch 1 counts as paid`,
    ])
    expect(compareBooks(await booksNow(50n * EUR))).toEqual([])

    await thaw()
    const tree = buildPayoutTree(LEAVES)
    await journal().intend('again', { kind: 'payChunk', epoch: 1, ...tree.chunk(0, 4) })
    world.clock.forward(10)
    await settleDown(rail, 4)
    expect((await paid()).toSorted(([a], [b]) => Number(a) - Number(b))).toEqual(paidOnce)
    expect(await balanceOf(account('1'))).toBe(50n * EUR)
    expect(await balanceOf(account('2'))).toBe(30n * EUR)
    expect(compareBooks(await booksNow(50n * EUR))).toEqual([
      `leaf 0 was paid ${50n * EUR} of ${50n * EUR}, and epoch 1 counts as paid, ` +
        `and the ledger has ${50n * EUR} of it as put off`,
    ])
    expect(compareBooks(await booksNow(0n))).toEqual([])
  })
})

/** All books, with a ledger that has booked the epoch, and so much of its first leaf as put off. */
async function booksNow(putOff: bigint): Promise<ChainBooks> {
  const { store, identity, parties } = world
  const { events, cursor } = await store.transaction(async (tx) => ({
    events: await tx.chain.events(),
    cursor: (await tx.chain.cursor()) ?? { block: 0, hash: ZERO_HASH },
  }))
  const { root } = buildPayoutTree(LEAVES)
  const accounts = LEAVES.map((leaf) => ({ ...leaf, cumulative: microEur(leaf.cumulative) }))
  const balances = [
    { account: 'agent', balance: 80n * EUR - putOff },
    { account: 'put-off:0', balance: putOff },
    { account: 'dso:dso', balance: -80n * EUR },
  ]
  const pool = await rail.poolState()
  const requestIds = eventsOf(events, 'RequestOpened').map(({ requestId }) => requestId)
  const newTotal = microEur(80n * EUR)
  const epochs = [{ epoch: 1, root, newTotal, accounts, state: 'paid' as const }]
  const payers = [parties.dso.address]
  return { identity, cursor, events, pool, balances, requestIds, payers, epochs }
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { privateKeyToAccount } from 'viem/accounts'
import type { PayoutRail } from '#ports.ts'
import {
  EUR,
  type World,
  journalOf,
  makeWorld,
  minedCount,
  openIntent,
  settleDown,
  termsOf,
} from './support/world.ts'

let world: World
let rail: PayoutRail
const journal = () => journalOf(world.store)

beforeEach(async () => {
  world = await makeWorld()
  rail = await world.open()
}, 30_000)

afterEach(() => world.chain.stop())

async function openAfter(seconds: number, key: string) {
  world.clock.forward(seconds)
  const terms = termsOf(world)
  await journal().intend(key, await openIntent(world, terms))
  await settleDown(rail, 1)
  expect((await journal().intent(key)).state).toBe('mined')
  return rail.requestId(terms)
}

describe('a chain that takes blocks back', () => {
  it('has its events read anew and its transactions sent again, each once', async () => {
    const kept = await openAfter(10, 'kept')
    const lost = await openAfter(10, 'lost')
    const before = await journal().intent('lost')
    await world.chain.ask('anvil_reorg', 1, [])
    expect((await rail.poolState()).locked).toBe(100n * EUR)

    world.clock.forward(10)
    await settleDown(rail)
    const opened = await journal().events('RequestOpened')
    expect(opened.map(({ requestId }) => requestId)).toEqual([kept, lost])
    const after = await journal().intent('lost')
    expect(after).toMatchObject({ state: 'mined', hash: before.hash, raw: before.raw })
    const [, event] = opened
    const number = `0x${event?.block.toString(16)}`
    const block = await world.chain.ask('eth_getBlockByNumber', number, false)
    expect(block).toMatchObject({ hash: event?.blockHash })
    expect((await journal().events('Transfer')).length).toBe(2)
    expect((await rail.poolState()).locked).toBe(200n * EUR)
    expect(await minedCount(world, world.parties.relayer.address)).toBe(2)
  })

  it('is followed when it comes back shorter than it was', async () => {
    const kept = await openAfter(10, 'kept')
    const snapshot = await world.chain.ask('evm_snapshot')
    const lost = await openAfter(10, 'lost')
    await openAfter(10, 'lost too')
    await world.chain.ask('evm_revert', snapshot)

    await settleDown(rail)
    const opened = await journal().events('RequestOpened')
    expect(opened.map(({ requestId }) => requestId).slice(0, 2)).toEqual([kept, lost])
    expect(opened.length).toBe(3)
    expect(await minedCount(world, world.parties.relayer.address)).toBe(3)
  })

  it('has a nonce filled that no transaction holds any more', async () => {
    await openAfter(10, 'kept')
    const snapshot = await world.chain.ask('evm_snapshot')
    // A transaction that left no event: the journal does not open it again.
    const relayer = world.parties.relayer
    const raw = await privateKeyToAccount(relayer.key).signTransaction({
      type: 'eip1559',
      chainId: 31337,
      nonce: 1,
      gas: 21_000n,
      to: relayer.address,
      maxFeePerGas: 10_000_000_000n,
      maxPriorityFeePerGas: 1n,
    })
    await world.chain.ask('eth_sendRawTransaction', raw)
    await openAfter(10, 'lost')
    expect((await journal().intent('lost')).nonce).toBe(2)
    await world.chain.ask('evm_revert', snapshot)

    await settleDown(rail, 4)
    expect((await journal().intent('lost')).state).toBe('mined')
    expect(world.lines.some(({ message }) => message.includes('filled a gap'))).toBe(true)
    expect((await rail.poolState()).locked).toBe(200n * EUR)
  })

  it('is read only to its depth where it is not ours', async () => {
    world.clock.forward(10)
    const ours = await world.open({ local: false, confirmations: 2, raiseAfterBlocks: 1000 })
    const terms = termsOf(world)
    await journal().intend('deep', await openIntent(world, terms))
    await ours.advance()
    await world.chain.ask('evm_mine')
    await ours.advance()
    await world.chain.ask('anvil_reorg', 1, [])
    await ours.advance() // sent again, with the same bytes
    for (let block = 0; block < 3; block += 1) {
      expect((await journal().intent('deep')).state).toBe('sent')
      expect(await journal().events('RequestOpened')).toEqual([])
      await world.chain.ask('evm_mine')
      if (block < 2) await ours.advance()
    }
    await ours.advance()
    expect((await journal().intent('deep')).state).toBe('mined')
    expect((await journal().events('RequestOpened')).length).toBe(1)
    expect(await minedCount(world, world.parties.relayer.address)).toBe(1)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { callData } from '#adapters/evm/wire.ts'
import type { ChainIntent } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import type { PayoutRail } from '#ports.ts'
import {
  type World,
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
const journal = () => journalOf(world.store)
const relayed = () => minedCount(world, world.parties.relayer.address)

beforeEach(async () => {
  world = await makeWorld()
  await world.open() // as a local chain once, which gives the relayer its gas
}, 30_000)

afterEach(() => world.chain.stop())

/** A rail that neither mines nor owns the chain; the test is the network. */
const foreign = (changes = {}) =>
  world.open({ local: false, confirmations: 0, raiseAfterBlocks: 3, ...changes })

async function mineBlocks(count: number) {
  for (let block = 0; block < count; block += 1) await world.chain.ask('evm_mine')
}

async function intendOpen(key: string) {
  const terms = termsOf(world)
  await journal().intend(key, await openIntent(world, terms))
  return terms
}

/** Somebody else's transaction; the deployer stands in for any stranger with gas. */
async function sendAs(key: Hex, intent: { to: Hex; data: Hex; nonce?: number; tip?: bigint }) {
  const account = privateKeyToAccount(key)
  const asked = await world.chain.ask('eth_getTransactionCount', account.address, 'latest')
  const { tip = 10n ** 9n, ...rest } = { nonce: Number(asked), ...intent }
  const raw = await account.signTransaction({
    type: 'eip1559',
    chainId: 31337,
    gas: 1_000_000n,
    maxFeePerGas: 10n ** 11n,
    maxPriorityFeePerGas: tip,
    ...rest,
  })
  return (await world.chain.ask('eth_sendRawTransaction', raw)) as Hex
}

describe('a chain that is not ours', () => {
  it('is never mined by us, and its time is left alone', async () => {
    const rail = await foreign()
    const before = await world.chain.ask('eth_blockNumber')
    world.clock.forward(3600)
    await intendOpen('open')
    await settleDown(rail)
    expect(await world.chain.ask('eth_blockNumber')).toBe(before)
    expect((await journal().intent('open')).state).toBe('sent')
  })

  it('gets a waiting transaction again with fees an eighth higher, at the same nonce', async () => {
    const rail = await foreign()
    await intendOpen('slow')
    await rail.advance()
    const first = await journal().intent('slow')
    const before = parseTransaction(first.raw ?? '0x')
    for (let block = 0; block <= 3; block += 1) {
      expect((await journal().intent('slow')).hash).toBe(first.hash)
      await world.chain.ask('anvil_dropTransaction', first.hash) // the network forgets it
      await mineBlocks(1)
      await rail.advance()
    }
    const raised = await journal().intent('slow')
    const after = parseTransaction(raised.raw ?? '0x')
    expect(raised.nonce).toBe(first.nonce)
    expect(after.data).toBe(before.data)
    const eighth = (fee = 0n) => fee + fee / 8n + 1n
    expect(after.maxFeePerGas).toBeGreaterThanOrEqual(eighth(before.maxFeePerGas))
    expect(after.maxPriorityFeePerGas).toBeGreaterThanOrEqual(eighth(before.maxPriorityFeePerGas))
    await mineBlocks(1)
    await settleDown(rail)
    expect((await journal().intent('slow')).state).toBe('mined')
    expect(await relayed()).toBe(1)
  })

  it('may mine the cheaper variant after all, even when a restart forgot its hash', async () => {
    const rail = await foreign({ raiseAfterBlocks: 0 })
    await intendOpen('cheap')
    await rail.advance()
    const cheap = await journal().intent('cheap')
    await rail.advance() // raised at once
    const dear = await journal().intent('cheap')
    expect(dear.hash).not.toBe(cheap.hash)
    await world.chain.ask('anvil_dropTransaction', dear.hash)
    await sendRaw(cheap.raw)
    await mineBlocks(1)
    const restarted = await foreign()
    await settleDown(restarted)
    expect(await journal().intent('cheap')).toMatchObject({ state: 'mined', hash: cheap.hash })
    expect(await relayed()).toBe(1)
  })

  it('may see another transaction take our nonce: the intent gets a new one', async () => {
    const rail = await foreign()
    await intendOpen('robbed')
    await rail.advance()
    const { hash, nonce } = await journal().intent('robbed')
    await world.chain.ask('anvil_dropTransaction', hash)
    const { key, address } = world.parties.relayer
    await sendAs(key, { to: address, data: '0x', nonce: nonce ?? 0 })
    await mineBlocks(1)
    await rail.advance()
    await mineBlocks(1)
    await settleDown(rail)
    expect(await journal().intent('robbed')).toMatchObject({ state: 'mined', nonce: 1 })
    expect((await journal().events('RequestOpened')).length).toBe(1)
  })

  it('lets anybody do our work: the intent is done by their transaction', async () => {
    const local = await world.open()
    const terms = await intendOpen('open')
    await settleDown(local, 1)
    const requestId = local.requestId(terms)
    world.clock.to(terms.deliverEnd / 1000)
    await journal().intend('propose', await proposeIntent(world, settlementOf(requestId)))
    await settleDown(local, 1)
    world.clock.forward(600)
    await settleDown(local, 1)

    const finalize: ChainIntent = { kind: 'finalize', requestId }
    const data = callData(finalize)
    const hash = await sendAs(world.parties.deployer.key, { to: world.identity.pool, data })
    await mineBlocks(1)
    await journal().intend('finalize', finalize)
    const before = await relayed()
    await settleDown(await foreign())
    expect(await journal().intent('finalize')).toMatchObject({ state: 'mined', hash, raw: null })
    expect(await relayed()).toBe(before)
  })

  it('lets anybody be faster in the same block: a reverted transaction is no failure', async () => {
    const rail = await foreign()
    const terms = termsOf(world)
    const intent = await openIntent(world, terms)
    await journal().intend('open', intent)
    await rail.advance()
    const faster = { to: world.identity.pool, data: callData(intent), tip: 10n ** 10n }
    const hash = await sendAs(world.parties.deployer.key, faster)
    await mineBlocks(1)
    await settleDown(rail)
    const receipt = await world.chain.ask('eth_getTransactionReceipt', hash)
    expect(receipt).toMatchObject({ status: '0x1' })
    expect(await journal().intent('open')).toMatchObject({ state: 'mined', hash })
  })

  it('has a transaction that was overtaken recorded as reverted with the reason', async () => {
    const local = await world.open()
    const terms = await intendOpen('open')
    await settleDown(local, 1)
    const requestId = local.requestId(terms)
    world.clock.to(terms.deliverEnd / 1000)
    await settleDown(local, 1)
    const rail = await foreign()
    await journal().intend('ours', await proposeIntent(world, settlementOf(requestId)))
    await rail.advance()
    const theirs = settlementOf(requestId, { payoutTotal: 1n })
    const data = callData(await proposeIntent(world, theirs))
    await sendAs(world.parties.deployer.key, { to: world.identity.pool, data, tip: 10n ** 10n })
    await mineBlocks(1)
    await settleDown(rail)
    const row = await journal().intent('ours')
    expect(row.state).toBe('reverted')
    expect(row.reason).toBe('WrongRound: given 1, last 1')
  })

  it('counts only what is finalized, unless told otherwise', async () => {
    const rail = await world.open({ local: false })
    await intendOpen('final')
    await rail.advance()
    await mineBlocks(1)
    await rail.advance()
    expect((await journal().intent('final')).state).toBe('sent')
    await mineBlocks(70) // anvil calls a block final two epochs of 32 slots later
    await settleDown(rail, 1)
    expect((await journal().intent('final')).state).toBe('mined')
    expect((await journal().events('RequestOpened')).length).toBe(1)
  })

  it('that is behind what it showed before is waited for, and nothing is guessed', async () => {
    const rail: PayoutRail = await foreign({ confirmations: 1 })
    const snapshot = await world.chain.ask('evm_snapshot')
    await mineBlocks(5)
    await rail.advance()
    const cursor = await journal().cursor()
    await world.chain.ask('evm_revert', snapshot)
    await expect(rail.advance()).rejects.toMatchObject({ code: 'unavailable' })
    expect(await journal().cursor()).toEqual(cursor)
  })
})

async function sendRaw(raw: Hex | null) {
  await world.chain.ask('eth_sendRawTransaction', raw)
}

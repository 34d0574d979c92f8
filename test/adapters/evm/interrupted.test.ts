import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DomainError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import { type BrokenLine, startBrokenLine } from './support/broken-line.ts'
import {
  type World,
  journalOf,
  makeWorld,
  minedCount,
  openIntent,
  settleDown,
  termsOf,
} from './support/world.ts'

let world: World
let line: BrokenLine
const journal = () => journalOf(world.store)
const sent = () => minedCount(world, world.parties.relayer.address)

beforeAll(async () => {
  world = await makeWorld()
  line = await startBrokenLine(world.chain.url)
}, 30_000)

beforeEach(() => line.mend())

afterAll(async () => {
  await line.stop()
  await world.chain.stop()
})

async function intendOpen(key: string): Promise<Hex> {
  const terms = termsOf(world)
  await journal().intend(key, await openIntent(world, terms))
  return terms.salt
}

describe('a sender that is interrupted', () => {
  it('sends once when it dies between the journal and the network', async () => {
    const before = await sent()
    await intendOpen('before-broadcast')
    const dying = await world.open({ rpcUrl: line.url })
    line.cut('eth_sendRawTransaction', 'before')
    await expect(dying.advance()).rejects.toBeInstanceOf(DomainError)
    const stored = await journal().intent('before-broadcast')
    expect(stored.state).toBe('sent')
    expect(await sent()).toBe(before)

    await settleDown(await world.open())
    const done = await journal().intent('before-broadcast')
    expect(done).toMatchObject({ state: 'mined', hash: stored.hash, raw: stored.raw })
    expect(await sent()).toBe(before + 1)
  })

  it('sends once when it dies before the answer to its broadcast', async () => {
    const before = await sent()
    await intendOpen('after-broadcast')
    const dying = await world.open({ rpcUrl: line.url })
    line.cut('eth_sendRawTransaction', 'after')
    await expect(dying.advance()).rejects.toMatchObject({ code: 'unavailable' })

    await settleDown(await world.open())
    expect(await journal().intent('after-broadcast')).toMatchObject({ state: 'mined' })
    expect(await sent()).toBe(before + 1)
  })

  it('sends once when it dies after its transaction was mined', async () => {
    const before = await sent()
    await intendOpen('after-mining')
    const dying = await world.open({ rpcUrl: line.url })
    line.cut('eth_getTransactionReceipt', 'before')
    await expect(dying.advance()).rejects.toMatchObject({ code: 'unavailable' })
    expect((await journal().intent('after-mining')).state).toBe('sent')

    await settleDown(await world.open())
    expect(await journal().intent('after-mining')).toMatchObject({ state: 'mined' })
    expect(await sent()).toBe(before + 1)
  })

  it('asks for nothing twice however often and wherever the line breaks', async () => {
    const before = await sent()
    await intendOpen('everywhere')
    const breaking = await world.open({ rpcUrl: line.url })
    for (const method of [
      'eth_call',
      'eth_estimateGas',
      'eth_feeHistory',
      'eth_getTransactionCount',
      'eth_getLogs',
      'evm_mine',
    ]) {
      line.cut(method, 'before')
      // Some of these are not asked in every round, which is then a good one.
      const outcome = await breaking.advance().catch((error: unknown) => error)
      expect(outcome instanceof DomainError || !(outcome instanceof Error)).toBe(true)
      line.mend()
    }
    await settleDown(breaking)
    expect(await journal().intent('everywhere')).toMatchObject({ state: 'mined' })
    expect(await sent()).toBe(before + 1)
  }, 60_000)

  it('gives up on a silent chain within its deadline and says what it waited for', async () => {
    line.cut('eth_chainId', 'before')
    const opening = world.open({ rpcUrl: line.url })
    await expect(opening).rejects.toThrow(/waited for the chain to answer eth_chainId/)
    await expect(opening).rejects.not.toThrow(new RegExp(line.url))
  })

  it('lets a second call join the round that runs', async () => {
    const before = await sent()
    await intendOpen('joined')
    const rail = await world.open({ rpcUrl: line.url })
    const from = line.asked.length
    await Promise.all([rail.advance(), rail.advance(), rail.advance()])
    const broadcasts = line.asked.slice(from).filter((each) => each === 'eth_sendRawTransaction')
    expect(broadcasts.length).toBe(1)
    expect(await sent()).toBe(before + 1)
  })

  it('never gives away the nonce of a transaction that only the journal knows', async () => {
    const before = await sent()
    await intendOpen('stored')
    const dying = await world.open({ rpcUrl: line.url })
    line.cut('eth_sendRawTransaction', 'before')
    await expect(dying.advance()).rejects.toMatchObject({ code: 'unavailable' })
    await intendOpen('next')
    await settleDown(await world.open())
    expect(await journal().intent('stored')).toMatchObject({ state: 'mined', nonce: before })
    expect(await journal().intent('next')).toMatchObject({ state: 'mined', nonce: before + 1 })
    expect(await sent()).toBe(before + 2)
    expect(world.lines.filter(({ fields }) => fields['intent'] === 'next')).toMatchObject([
      { message: 'chain: sent' },
      { message: 'chain: done' },
    ])
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import type { ChainIdentity } from '#ports.ts'
import { type Anvil, startAnvil } from './support/anvil.ts'
import {
  START,
  type World,
  journalOf,
  makeWorld,
  openIntent,
  settleDown,
  termsOf,
  word,
} from './support/world.ts'

const running: Anvil[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((chain) => chain.stop()))
})

async function freshWorld(...extra: string[]): Promise<World> {
  const anvil = await startAnvil(START, ...extra)
  running.push(anvil)
  return makeWorld({ anvil })
}

describe('a chain that is not the one the database remembers', () => {
  it('is refused at start when it has lost the pool', async () => {
    const world = await freshWorld()
    await settleDown(await world.open())
    const empty = await startAnvil(START)
    running.push(empty)
    await expect(world.open({ rpcUrl: empty.url })).rejects.toThrow(
      /^the chain forgot what the database remembers \(it has no contract at the pool's address/,
    )
  })

  it('is refused at start when it has lost blocks that were read', async () => {
    const world = await freshWorld()
    const snapshot = await world.chain.ask('evm_snapshot')
    const rail = await world.open()
    await journalOf(world.store).intend('open', await openIntent(world, termsOf(world)))
    world.clock.forward(10)
    await settleDown(rail)
    await world.chain.ask('evm_revert', snapshot)
    await expect(world.open()).rejects.toThrow(/what the database remembers \(it has no block/)
  })

  it('is refused at start when a block that was read is another one now', async () => {
    const world = await freshWorld()
    await journalOf(world.store).intend('open', await openIntent(world, termsOf(world)))
    world.clock.forward(10)
    await settleDown(await world.open())
    await world.chain.ask('anvil_reorg', 1, [])
    await expect(world.open()).rejects.toThrow(/\(it has another block \d+\)/)
  })

  it('is refused when it begins with another block or has another id', async () => {
    const world = await freshWorld()
    const late = await startAnvil(START + 1)
    const other = await startAnvil(START, '--chain-id', '4242')
    running.push(late, other)
    await expect(world.open({ rpcUrl: late.url })).rejects.toThrow(/it begins with another block/)
    await expect(world.open({ rpcUrl: other.url })).rejects.toThrow(
      /^expected the chain with id 31337, but id 4242 answers$/,
    )
  })

  it('is refused when the database belongs to another pool, or the pool is another', async () => {
    const world = await freshWorld()
    await world.open()
    const wrong: ChainIdentity = { ...world.identity, pool: world.identity.token }
    await expect(world.open({ identity: wrong })).rejects.toThrow(
      /^this database belongs to pool 0x\w+, but 0x\w+ was given$/,
    )
    const fresh = await freshWorld()
    const token = { ...fresh.identity, token: fresh.identity.registry }
    await expect(fresh.open({ identity: token })).rejects.toThrow(/^expected a pool whose token is/)
    await expect(
      fresh.open({ identity: { ...fresh.identity, genesisHash: word('0') } }),
    ).rejects.toThrow(/begins with another block/)
  })

  it('is taken up again when all it lost were empty blocks', async () => {
    const world = await freshWorld()
    await journalOf(world.store).intend('open', await openIntent(world, termsOf(world)))
    await settleDown(await world.open())
    const events = await journalOf(world.store).events('RequestOpened')
    const snapshot = await world.chain.ask('evm_snapshot')
    world.clock.forward(100)
    await settleDown(await world.open())
    await world.chain.ask('evm_revert', snapshot)
    const rail = await world.open()
    await settleDown(rail)
    expect(await journalOf(world.store).events('RequestOpened')).toEqual(events)
    expect((await journalOf(world.store).intent('open')).state).toBe('mined')
    expect(world.lines.some(({ message }) => message.includes('lost its last blocks'))).toBe(true)
  })

  it('is refused in the middle of a run when the pool is gone', async () => {
    const world = await freshWorld()
    const rail = await world.open()
    world.clock.forward(100)
    await settleDown(rail)
    const before = await journalOf(world.store).cursor()
    await world.chain.ask('anvil_reset')
    await expect(rail.advance()).rejects.toThrow(/forgot what the database remembers/)
    expect(await journalOf(world.store).cursor()).toEqual(before)
  })
})

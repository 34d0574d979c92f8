import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callData } from '#adapters/evm/wire.ts'
import type { PayoutRail } from '#ports.ts'
import { type Anvil, startAnvil } from './support/anvil.ts'
import { type BrokenLine, startBrokenLine } from './support/broken-line.ts'
import {
  EUR,
  START,
  type World,
  journalOf,
  makeWorld,
  minedCount,
  openIntent,
  settleDown,
  termsOf,
  word,
} from './support/world.ts'

type Log = Record<string, unknown> & { logIndex: string; transactionHash: string }
type Receipt = Record<string, unknown>

let world: World
let line: BrokenLine
let other: Anvil
let rail: PayoutRail
const journal = () => journalOf(world.store)
const sent = () => minedCount(world, world.parties.relayer.address)

beforeAll(async () => {
  world = await makeWorld()
  line = await startBrokenLine(world.chain.url)
  other = await startAnvil(START, '--chain-id', '4242')
}, 30_000)

beforeEach(async () => {
  line.mend()
  world.clock.forward(10)
  rail = await world.open({ rpcUrl: line.url })
  await settleDown(rail)
})

afterAll(async () => {
  await line.stop()
  await other.stop()
  await world.chain.stop()
})

async function intendOpen(key: string) {
  const terms = termsOf(world)
  await journal().intend(key, await openIntent(world, terms))
  return rail.requestId(terms)
}

/** After the lie is over, all is as if it had never been: one transaction, every event. */
async function expectOnce(key: string, before: { sent: number; opened: number }) {
  line.mend()
  world.clock.forward(10)
  await settleDown(rail, 4)
  expect(await journal().intent(key)).toMatchObject({ state: 'mined' })
  expect(await sent()).toBe(before.sent + 1)
  expect((await journal().events('RequestOpened')).length).toBe(before.opened + 1)
  expect((await rail.poolState()).locked).toBe(100n * EUR * BigInt(before.opened + 1))
}

async function countNow() {
  return { sent: await sent(), opened: (await journal().events('RequestOpened')).length }
}

const contradiction = { code: 'unavailable', message: /the node contradicts itself/ }
const contradicts = {
  code: contradiction.code,
  message: expect.stringMatching(contradiction.message) as string,
}

describe('a node that lies: nothing is recorded, nothing is sent twice', () => {
  it('about logs: some of a transaction are left out', async () => {
    const before = await countNow()
    await intendOpen('fewer logs')
    line.lie('eth_getLogs', (logs, [filter]) => {
      const { address } = filter as { address: string | string[] }
      const pool = world.identity.pool.toLowerCase()
      const isPool = [address].flat().some((each) => each.toLowerCase() === pool)
      return { result: isPool ? [] : logs }
    })
    await expect(rail.advance()).rejects.toMatchObject(contradicts)
    expect((await countNow()).opened).toBe(before.opened)
    await expectOnce('fewer logs', before)
  })

  it('about logs: a payment that never was', async () => {
    const before = await countNow()
    await intendOpen('more logs')
    line.lie('eth_getLogs', (logs) => {
      const made = (logs as Log[]).map((log) => ({ ...log, logIndex: '0x63' }))
      return { result: [...(logs as Log[]), ...made] }
    })
    await expect(rail.advance()).rejects.toMatchObject(contradicts)
    line.lie('eth_getLogs', (logs) => {
      const made = (logs as Log[]).map((log) => ({ ...log, transactionHash: word('7') }))
      return { result: made }
    })
    await expect(rail.advance()).rejects.toMatchObject(contradicts)
    expect((await countNow()).opened).toBe(before.opened)
    await expectOnce('more logs', before)
  })

  it('about logs: another amount', async () => {
    const before = await countNow()
    await intendOpen('another amount')
    line.lie('eth_getLogs', (logs) => ({
      result: (logs as Log[]).map((log) => ({
        ...log,
        data: String(log['data']).replace(/05f5e100/, '05f5e1ff'),
      })),
    }))
    await expect(rail.advance()).rejects.toMatchObject(contradicts)
    await expectOnce('another amount', before)
  })

  it('about logs: all of a transaction are left out, and its own receipt brings them', async () => {
    const before = await countNow()
    await intendOpen('no logs')
    line.lie('eth_getLogs', () => ({ result: [] }))
    await settleDown(rail)
    expect(await journal().intent('no logs')).toMatchObject({ state: 'mined' })
    expect(world.lines.some(({ message }) => message.includes('logs that were left out'))).toBe(
      true,
    )
    await expectOnce('no logs', before)
  })

  it('about the logs of others: reading again finds what was left out', async () => {
    const before = await countNow()
    const from = world.parties.deployer.address
    const data = callData(await openIntent(world, termsOf(world)))
    await world.chain.ask('anvil_impersonateAccount', from)
    const to = world.identity.pool
    await world.chain.ask('eth_sendTransaction', { from, to, data, gas: '0xf4240' })
    line.lie('eth_getLogs', () => ({ result: [] }))
    await settleDown(rail)
    line.mend()
    await settleDown(rail)
    expect(await countNow()).toEqual(before)
    expect(await rail.readAgain?.()).toBe(2) // the request and the token's transfer
    expect(await rail.readAgain?.()).toBe(0)
    expect(await countNow()).toEqual({ ...before, opened: before.opened + 1 })
  })

  it('about a receipt: a block that the chain has not', async () => {
    const before = await countNow()
    await intendOpen('made-up block')
    line.lie('eth_getLogs', () => ({ result: [] }))
    line.lie('eth_getTransactionReceipt', (receipt) => ({
      result: receipt && { ...(receipt as Receipt), blockHash: word('8') },
    }))
    await settleDown(rail)
    expect((await journal().intent('made-up block')).state).toBe('sent')
    await expectOnce('made-up block', before)
  })

  it('about a receipt: reverted, though it was not', async () => {
    const before = await countNow()
    await intendOpen('not reverted')
    line.lie('eth_getTransactionReceipt', (receipt) => ({
      result: receipt && { ...(receipt as Receipt), status: '0x0' },
    }))
    await settleDown(rail)
    await expectOnce('not reverted', before)
  })

  it('about nonces: an old count, and the transaction gets another number in the end', async () => {
    const before = await countNow()
    await intendOpen('old count')
    line.lie('eth_getTransactionCount', () => ({ result: '0x0' }))
    await settleDown(rail)
    expect(await journal().intent('old count')).toMatchObject({ state: 'sent', nonce: 0 })
    await expectOnce('old count', before)
    expect(await journal().intent('old count')).toMatchObject({ nonce: before.sent })
  })
})

describe('a node that is not itself', () => {
  it('answers for another chain in the middle of a run, and is told from ours by its id', async () => {
    const before = await countNow()
    const cursor = await journal().cursor()
    await intendOpen('elsewhere')
    line.lead(other.url)
    await expect(rail.advance()).rejects.toThrow(
      /^expected the chain with id 31337, but id 4242 answers$/,
    )
    expect(await journal().cursor()).toEqual(cursor)
    expect((await journal().intent('elsewhere')).state).toBe('pending')
    await expectOnce('elsewhere', before)
  })

  it('answers garbage: the round ends, the next goes on', async () => {
    const before = await countNow()
    await intendOpen('garbage')
    for (const text of ['<html>welcome</html>', '', '{}', '[]', 'null', '{"result":"banana"}']) {
      line.babble(text)
      await expect(rail.advance()).rejects.toBeInstanceOf(Error)
    }
    expect((await journal().intent('garbage')).state).toBe('pending')
    await expectOnce('garbage', before)
  })

  it('says that it knows the transaction already, or a nonce too low: the receipt tells', async () => {
    for (const message of ['already known', 'nonce too low', 'OldNonce']) {
      const before = await countNow()
      await intendOpen(message)
      line.lie('eth_sendRawTransaction', () => ({ error: { code: -32000, message } }))
      await settleDown(rail, 1)
      expect(world.lines.filter(({ fields }) => fields['why'] === message)).toEqual([])
      await expectOnce(message, before)
    }
  })

  it('has thrown away what is old: it is waited for, with its own words', async () => {
    const before = await countNow()
    await intendOpen('pruned')
    const message = 'History has been pruned for this block'
    line.lie('eth_getLogs', () => ({ error: { code: 4444, message } }))
    await expect(rail.advance()).rejects.toThrow(/pruned/)
    await expectOnce('pruned', before)
  })

  it('takes a question and never answers: the round ends within its deadline', async () => {
    const before = await countNow()
    await intendOpen('stalled')
    const quick = await world.open({ rpcUrl: line.url, attemptMs: 200, requestMs: 500 })
    line.stall('eth_sendRawTransaction')
    const began = performance.now()
    await expect(quick.advance()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the chain to answer eth_sendRawTransaction') as string,
    })
    expect(performance.now() - began).toBeLessThan(3000)
    expect((await journal().intent('stalled')).state).toBe('sent')
    await expectOnce('stalled', before)
  })
})

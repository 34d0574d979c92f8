import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { startAnvil } from './support/anvil.ts'
import { startBrokenLine } from './support/broken-line.ts'
import {
  EUR,
  START,
  journalOf,
  makeWorld,
  minedCount,
  openIntent,
  settleDown,
  termsOf,
  wallTimer,
  word,
} from './support/world.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridcall-chain-'))
})

afterAll(() => rm(folder, { recursive: true }))

it('a chain that kept its state goes on, and the transaction that waited with it', async () => {
  const state = ['--state', join(folder, 'state.json')]
  const first = await startAnvil(START, ...state)
  const world = await makeWorld({ anvil: first })
  const journal = journalOf(world.store)
  const terms = termsOf(world)
  await journal.intend('mined', await openIntent(world, terms))
  await settleDown(await world.open())
  const line = await startBrokenLine(first.url)
  await journal.intend('waiting', await openIntent(world, termsOf(world)))
  const dying = await world.open({ rpcUrl: line.url })
  line.cut('eth_sendRawTransaction', 'before')
  await expect(dying.advance()).rejects.toMatchObject({ code: 'unavailable' })
  await line.stop()
  await first.stop('SIGTERM')

  const second = await startAnvil(START, ...state)
  try {
    const rail = await world.open({ rpcUrl: second.url })
    expect(await rail.poolState()).toMatchObject({ locked: 100n * EUR })
    await settleDown(rail)
    expect((await journal.intent('waiting')).state).toBe('mined')
    expect((await journal.events('RequestOpened')).length).toBe(2)
    expect(await rail.poolState()).toMatchObject({ locked: 200n * EUR })
    const { relayer } = world.parties
    expect(await minedCount({ ...world, chain: second }, relayer.address)).toBe(2)

    const { identity } = world
    const reader = createEscrowReader({ rpcUrl: second.url, timer: wallTimer, identity })
    expect(await reader.escrow(word('9'))).toBeNull()
    const escrow = await reader.escrow(reader.requestId(terms))
    expect(escrow).toEqual({ amount: 100n * EUR, payout: 0n, round: 0 })
    expect(await reader.poolState()).toEqual(await rail.poolState())
  } finally {
    await second.stop()
  }
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChainEvent } from '#domain/chain.ts'
import { compareJournal } from '#domain/journal.ts'
import type { Hex } from '#domain/ids.ts'
import { type RailWorld, ledgerWorld } from './support/rail-world.ts'
import { finalised, opened } from './support/steps.ts'

type Books = Parameters<typeof compareJournal>[0]

/** What the store of a ledger has of its journal, after two requests. */
describe('the journal of a ledger without a chain', () => {
  let world: RailWorld
  let books: Books
  beforeAll(async () => {
    world = await ledgerWorld('postgres')
    await opened(world)
    await finalised(world)
    books = await world.store.transaction(async ({ chain }) => {
      const cursor = await chain.cursor()
      if (cursor === null) throw new Error('nothing was written')
      return { identity: world.identity, cursor, events: await chain.events() }
    })
  }, 60_000)
  afterAll(() => world.close())

  const changed = (position: number, change: Partial<Record<string, unknown>>): Books => ({
    ...books,
    events: books.events.map((event, i) =>
      i === position ? ({ ...event, ...change } as ChainEvent) : event,
    ),
  })

  test('follows from its beginning to its last entry', () => {
    expect(books.events.length).toBeGreaterThan(4)
    expect(compareJournal(books)).toEqual([])
  })

  test('shows any event that says something else, by its entry', () => {
    const zero: Hex = `0x${'0'.repeat(64)}`
    books.events.forEach((event, position) => {
      const entry = new RegExp(`^entry ${event.block} of the journal: its hash is 0x`)
      for (const change of [{ kind: 'Paid' }, { logIndex: 9 }, { transactionHash: zero }]) {
        expect(compareJournal(changed(position, change))[0]).toMatch(entry)
      }
    })
  })

  test('shows an entry that is gone, the last one too, and another beginning', () => {
    const without = (block: number) => ({
      ...books,
      events: books.events.filter((event) => event.block !== block),
    })
    expect(compareJournal(without(2))).toEqual(['entry 2 of the journal: it is not there'])
    const last = books.cursor.block
    expect(compareJournal(without(last))).toEqual([
      expect.stringMatching(new RegExp(`^the journal ends with entry ${last - 1} `)),
    ])
    const genesisHash: Hex = `0x${'1'.repeat(64)}`
    const elsewhere = { ...books, identity: { ...books.identity, genesisHash } }
    expect(compareJournal(elsewhere)[0]).toMatch(/^entry 1 of the journal: its hash is/)
  })
})

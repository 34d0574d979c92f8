import { hashOf } from './canonical.ts'
import { type ChainBooks, inChainOrder } from './chain-books.ts'
import type { ChainEvent } from './chain.ts'
import type { Hex } from './ids.ts'

/** What an event says, without where it stands. */
type Said<E> = E extends unknown ? Omit<E, keyof Place> : never
type Place = Pick<ChainEvent, 'transactionHash' | 'logIndex' | 'block' | 'blockHash'>

type JournalEntry = {
  /** The hash of the entry before, or of the ledger's beginning: the last one vouches for all. */
  readonly before: Hex
  readonly block: number
  /** Of what was asked, and when. */
  readonly transactionHash: Hex
  readonly events: readonly Said<ChainEvent>[]
}

/** The hash of an entry in the journal of a pool that stands on no chain. */
export function entryHash({ before, block, transactionHash, events }: JournalEntry): Hex {
  return hashOf({ before, block, transactionHash, events })
}

/** Whether the entries follow one from the other, from the beginning to the last one. */
export function compareJournal(
  books: Pick<ChainBooks, 'identity' | 'cursor' | 'events'>,
): string[] {
  const differences: string[] = []
  let before = books.identity.genesisHash
  let block = 0
  for (const entry of entriesOf(books.events)) {
    block += 1
    const [first] = entry
    if (first === undefined || first.block !== block) {
      return [...differences, `entry ${block} of the journal: it is not there`]
    }
    const { transactionHash, blockHash } = first
    const hash = entryHash({ before, block, transactionHash, events: entry.map(saidBy) })
    const isWhole = entry.every(
      (event, i) =>
        event.logIndex === i &&
        event.blockHash === blockHash &&
        event.transactionHash === transactionHash,
    )
    if (hash !== blockHash || !isWhole) {
      differences.push(`entry ${block} of the journal: its hash is ${hash}, and was ${blockHash}`)
    }
    before = blockHash
  }
  if (books.cursor.block !== block || books.cursor.hash !== before) {
    const last = `${books.cursor.block} (${books.cursor.hash})`
    differences.push(`the journal ends with entry ${block} (${before}), and ended with ${last}`)
  }
  return differences
}

function entriesOf(events: readonly ChainEvent[]): ChainEvent[][] {
  const byBlock = Map.groupBy(inChainOrder(events), ({ block }) => block)
  return [...byBlock.values()]
}

function saidBy(event: ChainEvent): Said<ChainEvent> {
  const { transactionHash: _hash, logIndex: _index, block: _block, blockHash: _in, ...said } = event
  return said
}

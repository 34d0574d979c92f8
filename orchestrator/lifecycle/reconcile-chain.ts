import type { BookedEpoch, ChainBooks } from '#domain/chain-books.ts'
import { chainFile, chainFileText, type Posting } from '#domain/chain-file.ts'
import { compareBooks } from '#domain/compare-books.ts'
import { compareTransfers } from '#domain/compare-transfers.ts'
import { DomainError } from '#domain/errors.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

export type Reconciliation = {
  readonly reconciled: boolean
  /** One sentence per difference; empty when contract, events, ledger and token balance agree. */
  readonly differences: readonly string[]
}

/** Blocks come while we read: so often the reading begins again. */
const TRIES = 10

/** Compares what the pool says, its events, the token's transfers, our ledger and our epochs. */
export async function reconcileChain(ports: Ports): Promise<Reconciliation> {
  const books = await gatherBooks(ports)
  const { transfers, accounts, events } = books
  const differences = compareBooks(books)
  if (transfers !== undefined && accounts !== undefined) {
    differences.push(...compareTransfers({ transfers, accounts }, events))
  }
  return { reconciled: differences.length === 0, differences }
}

/**
 * All books as of one block.
 * @throws DomainError 'unavailable' if the chain goes on faster than it can be read
 */
export async function gatherBooks(ports: Ports): Promise<ChainBooks> {
  const { rail, store } = ports
  for (let i = 0; i < TRIES; i += 1) {
    const before = await store.transaction((tx) => tx.chain.cursor())
    const pool = await rail.poolState()
    const books = await store.transaction(async (tx) => {
      // Nothing moves on a ledger of ours while all of its books are read.
      if ((await tx.pool.setup()) !== null) await tx.pool.lock()
      const cursor = await tx.chain.cursor()
      if (cursor?.block !== before?.block || cursor?.hash !== before?.hash) return null
      return ourBooks(tx, ports, cursor)
    })
    if (books !== null) return { ...books, pool }
  }
  throw new DomainError('unavailable', 'the chain went on while its books were read')
}

async function ourBooks(
  tx: StoreTransaction,
  { rail }: Ports,
  cursor: ChainBooks['cursor'] | null,
): Promise<Omit<ChainBooks, 'pool'>> {
  const { chainId, genesisHash, pool, token, registry, feeReceiver } = rail.parties
  const calls = await tx.calls.list()
  const rests = await tx.rests.list({})
  const organisations = await tx.organisations.list('dso')
  return {
    identity: { chainId, genesisHash, pool, token, registry, feeReceiver },
    cursor: cursor ?? { block: 0, hash: genesisHash },
    events: await tx.chain.events(),
    balances: await tx.ledger.balances(),
    requestIds: [
      ...calls.flatMap(({ escrow }) => (escrow === null ? [] : [escrow.requestId as Hex])),
      ...rests.map(({ id }) => id),
    ],
    payers: organisations.flatMap(({ address }) => (address === null ? [] : [address as Address])),
    epochs: (await tx.payouts.list()).map(bookedEpoch),
    ...(await doubleEntry(tx)),
  }
}

async function doubleEntry({ pool }: StoreTransaction) {
  if ((await pool.setup()) === null) return {}
  return { transfers: await pool.transfers(), accounts: await pool.accounts() }
}

function bookedEpoch({ epoch, root, newTotal, accounts, state }: BookedEpoch): BookedEpoch {
  const leaves = accounts.map(({ index, account, cumulative }) => ({ index, account, cumulative }))
  return { epoch, root, newTotal, accounts: leaves, state }
}

/** All books and every posting as a file that anybody can check without us. */
export async function saveBooks(ports: Ports): Promise<string> {
  const books = await gatherBooks(ports)
  const postings = await ports.store.transaction(async (tx) => {
    const lines: Posting[] = []
    for (const { account } of books.balances) {
      for (const { key, amount, at } of await tx.ledger.entries(account)) {
        lines.push({ key, account, amount, at })
      }
    }
    return lines
  })
  return chainFileText(chainFile(books, postings))
}

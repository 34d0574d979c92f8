import { getAddress } from 'viem'
import { hashOf } from '#domain/canonical.ts'
import type { Address } from '#domain/ids.ts'
import { LEDGER_CHAIN_ID, type PoolSetup } from '#domain/pool-books.ts'
import type { Random } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { allSets, newestSet } from './verifiers.ts'

/** Who takes part and how long the windows are: what a contract would be deployed with. */
export type LedgerTerms = Pick<
  PoolSetup,
  | 'verifiers'
  | 'quorum'
  | 'feeReceiver'
  | 'arbiter'
  | 'disputeWindowSeconds'
  | 'epochWindowSeconds'
  | 'heldWindowSeconds'
  | 'refundGraceSeconds'
  | 'challengeBond'
>

const DAY = 86_400

/**
 * The ledger of this database, made the first time. Its addresses come from random bytes of its
 * own: what is signed for it is worth nothing on a chain, and nothing on another ledger.
 * @throws Error with a sentence if the database belongs to a pool on a chain, or terms make no sense
 */
export async function establishLedger(options: {
  readonly store: Store
  readonly random: Random
  readonly terms: () => Promise<LedgerTerms>
}): Promise<PoolSetup> {
  const { store, random, terms } = options
  const known = await readLedger(store)
  if (known !== null) return known
  const setup = newSetup(await terms(), Buffer.from(random.bytes(32)).toString('hex'))
  return store.transaction(async (tx) => {
    await tx.pool.lock()
    await tx.pool.establish(setup)
    const { identity, stays } = await settled(tx)
    await tx.chain.identify(identity)
    return withNewestSet(tx, stays)
  })
}

/**
 * The ledger of this database; null if there is none yet.
 * @throws Error with a sentence if the database belongs to a pool on a chain
 */
export async function readLedger(store: Store): Promise<PoolSetup | null> {
  return store.transaction(async (tx) => {
    const identity = await tx.chain.identity()
    if (identity !== null && identity.chainId !== LEDGER_CHAIN_ID) {
      throw new Error(
        `this database belongs to the pool ${identity.pool} on chain ${identity.chainId} and ` +
          'not to a ledger without one: set CHAIN_RPC_URL to that chain, or begin anew with an ' +
          'empty database',
      )
    }
    const setup = await tx.pool.setup()
    return setup && withNewestSet(tx, setup)
  })
}

type Transaction = Parameters<Parameters<Store['transaction']>[0]>[0]

async function settled(tx: Transaction) {
  const stays = await tx.pool.setup()
  if (stays === null) throw new Error('the ledger that was just established is not there')
  const { chainId, genesisHash, pool, token, registry, feeReceiver } = stays
  return { stays, identity: { chainId, genesisHash, pool, token, registry, feeReceiver } }
}

/** Who is asked from now on; what is open keeps the verifiers that it was opened with. */
async function withNewestSet(tx: Transaction, setup: PoolSetup): Promise<PoolSetup> {
  const { setId: verifierSetId, verifiers, quorum } = await newestSet(tx.pool)
  const before = (await allSets(tx.pool)).slice(0, -1)
  const olderSets = before.map(({ setId, ...set }) => ({ verifierSetId: setId, ...set }))
  return { ...setup, verifierSetId, verifiers, quorum, olderSets }
}

function newSetup(terms: LedgerTerms, seed: string): PoolSetup {
  const { verifiers, quorum } = terms
  const within = (name: string, seconds: number, least: number, most: number) => {
    if (Number.isSafeInteger(seconds) && seconds >= least && seconds <= most) return
    throw new RangeError(`${name}: expected ${least} to ${most} seconds, got ${seconds}`)
  }
  within('the dispute window', terms.disputeWindowSeconds, 1, 90 * DAY)
  within('the epoch window', terms.epochWindowSeconds, 1, 90 * DAY)
  within('the window of what is held', terms.heldWindowSeconds, 1, 365 * DAY)
  within('the grace before a refund', terms.refundGraceSeconds, 0, 90 * DAY)
  const ascending = verifiers.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  if (new Set(ascending.map((each) => each.toLowerCase())).size !== verifiers.length) {
    throw new RangeError('verifiers: expected different addresses, got one twice')
  }
  if (!Number.isSafeInteger(quorum) || quorum < 1 || quorum > verifiers.length) {
    throw new RangeError(`quorum: expected 1 to ${verifiers.length} of them, got ${quorum}`)
  }
  const address = (part: string): Address =>
    getAddress(`0x${hashOf({ ledger: seed, part }).slice(26)}`)
  return {
    chainId: LEDGER_CHAIN_ID,
    genesisHash: hashOf({ ledger: seed, ...terms, verifiers: ascending }),
    pool: address('pool'),
    token: address('money'),
    registry: address('verifiers'),
    verifierSetId: 1,
    ...terms,
    verifiers: ascending,
  }
}

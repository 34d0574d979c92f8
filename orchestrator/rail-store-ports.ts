/** What a rail keeps in the store: the journal of what it was asked and told, and a pool's own books. */
import type { ChainEvent, ChainIdentity, ChainIntent, IntentRow } from './domain/chain.ts'
import type { Hex } from './domain/ids.ts'
import type {
  PoolAccount,
  PoolEpochs,
  PoolGuard,
  PoolRequest,
  PoolSetup,
  PoolTransfer,
  VerifierSet,
} from './domain/pool-books.ts'

/** The database's side of the chain: an outbox of intents, and what was read back. */
export interface ChainJournal {
  /** Idempotent by business key: the first stays. */
  intend(businessKey: string, intent: ChainIntent): Promise<void>
  intent(businessKey: string): Promise<IntentRow | null>
  /** States 'pending' and 'sent', oldest first. */
  open(): Promise<IntentRow[]>
  /**
   * Stored before broadcast. `before`: the raw bytes that this transaction replaces.
   * @throws Error if it is not these that are stored: another process has signed meanwhile
   */
  signed(
    businessKey: string,
    tx: { hash: Hex; nonce: number; raw: Hex },
    before?: Hex | null,
  ): Promise<void>
  /** The hash of every transaction that was ever signed for an intent at a nonce. */
  variants(businessKey: string, nonce: number): Promise<Hex[]>
  mined(
    businessKey: string,
    hash: Hex,
    outcome: 'mined' | 'reverted',
    reason?: string,
  ): Promise<void>
  /** Idempotent by (transaction, log index); returns how many are new. */
  record(events: readonly ChainEvent[], cursor: { block: number; hash: Hex }): Promise<number>
  /**
   * After a reorganisation of the chain: forgets the events above a block and sets the cursor to it.
   * An intent mined by a transaction that wrote one of them is open again: 'sent' if its raw bytes
   * are known, else 'pending'.
   */
  rewind(to: { block: number; hash: Hex }): Promise<void>
  cursor(): Promise<{ block: number; hash: Hex } | null>
  events(filter?: { kind?: ChainEvent['kind']; requestId?: Hex }): Promise<ChainEvent[]>
  /** Which pool on which chain this database belongs to. */
  identity(): Promise<ChainIdentity | null>
  identify(identity: ChainIdentity): Promise<void>
}

/**
 * The books of a pool that stands on no chain. Whoever reads them to write them locks them first.
 * Nothing here decides: what may be booked is the ledger rail's to know.
 */
export interface PoolBooks {
  /** Serialises what moves the pool's money until the transaction ends. */
  lock(): Promise<void>
  /** null: no such pool was ever established. */
  setup(): Promise<PoolSetup | null>
  /** The first stays. */
  establish(setup: PoolSetup): Promise<void>
  /** Those that came after the one of the setup, oldest first. */
  verifierSets(): Promise<VerifierSet[]>
  /** @throws Error if there is a set of that number */
  addVerifierSet(set: VerifierSet): Promise<void>
  guard(): Promise<PoolGuard>
  saveGuard(guard: PoolGuard): Promise<void>
  request(id: Hex): Promise<PoolRequest | null>
  saveRequest(id: Hex, request: PoolRequest): Promise<void>
  /** Ordered by id. */
  requestsIn(state: PoolRequest['state']): Promise<{ id: Hex; request: PoolRequest }[]>
  epochs(): Promise<PoolEpochs>
  saveEpochs(epochs: PoolEpochs): Promise<void>
  /** What each index of a range has been paid; one that is missing has had nothing. */
  claimed(first: number, count: number): Promise<Map<number, bigint>>
  saveClaimed(claims: readonly { index: number; amount: bigint }[]): Promise<void>
  /**
   * All of them or none. @throws Error if one is booked already, ends what is ended, or leaves an
   * account overdrawn
   */
  book(transfers: readonly PoolTransfer[]): Promise<void>
  transfer(id: string): Promise<PoolTransfer | null>
  /** Oldest first. */
  transfers(): Promise<PoolTransfer[]>
  /** Empty where nothing was ever booked. */
  account(name: string): Promise<PoolAccount>
  /** Ordered by name. */
  accounts(): Promise<PoolAccount[]>
}

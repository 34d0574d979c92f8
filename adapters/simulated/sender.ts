import { hashOf } from '#domain/canonical.ts'
import type { ChainEvent, ChainIntent } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import type { ChainIdentity, Clock } from '#ports.ts'
import type { Store, StoreTransaction } from '#store-ports.ts'
import type { PoolEvent, SimulatedPool } from './pool.ts'

/** Carries out on the pool what the chain journal intends, and records what came of it. */
export type Sender = {
  /** Returns how many events were new. */
  sendAll(): Promise<number>
  /** Records what somebody else did at the pool. */
  recordForeign(what: string, events: readonly PoolEvent[]): Promise<void>
}

export function createSender(options: {
  readonly store: Store
  readonly clock: Clock
  readonly pool: SimulatedPool
  readonly identity: ChainIdentity
  readonly idOf: (intent: ChainIntent) => Hex
}): Sender {
  const { store, clock, pool, identity, idOf } = options

  /** null: the pool says that it is too early, so it waits for its time. */
  async function eventsOf(businessKey: string, intent: ChainIntent): Promise<PoolEvent[] | null> {
    const known = journal.get(pool)?.get(businessKey)
    if (known !== undefined) return known
    try {
      const events = pool.run(intent, idOf, Math.floor(clock.now() / 1000))
      remember(pool, businessKey, events)
      return events
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason === 'TooEarly') return null
      const hash = hashOf({ businessKey })
      await store.transaction((tx) => tx.chain.mined(businessKey, hash, 'reverted', reason))
      return null
    }
  }

  /** What the pool did once it does not do again; its events are recorded once each. */
  async function carryOut(businessKey: string, intent: ChainIntent): Promise<number> {
    const events = await eventsOf(businessKey, intent)
    if (events === null) return 0
    const hash = hashOf({ businessKey })
    await record(hash, events, (tx) => tx.chain.mined(businessKey, hash, 'mined'))
    return events.length
  }

  async function record(
    transactionHash: Hex,
    events: readonly PoolEvent[],
    also: (tx: StoreTransaction) => Promise<void>,
  ): Promise<void> {
    const block = Math.floor(clock.now() / 1000)
    const at = { transactionHash, block, blockHash: hashOf({ block }) }
    const recorded = events.map((event, logIndex) => ({ ...event, ...at, logIndex }) as ChainEvent)
    await store.transaction(async (tx) => {
      await also(tx)
      await tx.chain.record(recorded, { block, hash: at.blockHash })
    })
  }

  return {
    async sendAll() {
      const open = await store.transaction(async (tx) => {
        if ((await tx.chain.identity()) === null) await tx.chain.identify(identity)
        return tx.chain.open()
      })
      let newEvents = 0
      for (const row of open) newEvents += await carryOut(row.businessKey, row.intent)
      return newEvents
    },
    recordForeign: (what, events) => record(hashOf({ foreign: what }), events, async () => {}),
  }
}

/** What each pool has done, by business key: the chain's memory, which outlives the service. */
const journal = new WeakMap<SimulatedPool, Map<string, PoolEvent[]>>()

function remember(pool: SimulatedPool, businessKey: string, events: PoolEvent[]): void {
  const done = journal.get(pool) ?? new Map<string, PoolEvent[]>()
  journal.set(pool, done.set(businessKey, events))
}

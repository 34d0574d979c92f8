import type { Store, StoreTransaction } from '#store-ports.ts'
import { memoryChainJournal } from './memory-chain-journal.ts'
import { memoryArmings, memoryCalls, memoryPromises, memorySetpoints } from './memory-calls.ts'
import { memoryControl } from './memory-control.ts'
import { memoryGateways } from './memory-gateways.ts'
import { memoryMoney } from './memory-money.ts'
import { memoryPool } from './memory-pool.ts'
import { memoryParties } from './memory-parties.ts'
import { memoryTelemetry } from './memory-telemetry.ts'
import { MemoryTable } from './memory-table.ts'

/** Makes a table that takes part in the store's transactions. */
export type MakeTable = <V>() => MemoryTable<V>

/**
 * The Store port in memory: one transaction at a time, all or nothing. For the simulated world
 * and for tests; the same conformance suite runs on it and on PostgreSQL.
 */
export function createMemoryStore(): Store {
  const tables: MemoryTable<unknown>[] = []
  const makeTable: MakeTable = <V>() => {
    const table = new MemoryTable<V>()
    tables.push(table as MemoryTable<unknown>)
    return table
  }
  const tx: StoreTransaction = {
    ...memoryParties(makeTable),
    calls: memoryCalls(makeTable),
    promises: memoryPromises(makeTable),
    control: memoryControl(makeTable),
    setpoints: memorySetpoints(makeTable),
    armings: memoryArmings(makeTable),
    ...memoryTelemetry(makeTable),
    ...memoryMoney(makeTable),
    chain: memoryChainJournal(makeTable),
    pool: memoryPool(makeTable),
    gateways: memoryGateways(makeTable),
  }
  let tail: Promise<unknown> = Promise.resolve()
  return {
    transaction(work) {
      const run = async () => {
        for (const table of tables) table.begin()
        try {
          const result = await work(tx)
          for (const table of tables) table.commit()
          return result
        } catch (error) {
          for (const table of tables) table.rollback()
          throw error
        }
      }
      const mine = tail.then(run, run)
      tail = mine.catch(() => undefined)
      return mine
    },
    async close() {
      await tail
    },
  }
}

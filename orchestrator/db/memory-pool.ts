import type { Hex } from '#domain/ids.ts'
import {
  NO_EPOCHS,
  NO_GUARD,
  type PoolAccount,
  type PoolEpochs,
  type PoolGuard,
  type PoolRequest,
  type PoolSetup,
  type PoolTransfer,
  type VerifierSet,
  addAccount,
  emptyAccount,
  isSound,
  totalChanges,
} from '#domain/pool-books.ts'
import type { PoolBooks } from '#rail-store-ports.ts'
import type { MakeTable } from './memory-store.ts'

/** The books of a pool that stands on no chain, in memory. */
export function memoryPool(makeTable: MakeTable): PoolBooks {
  const single = makeTable<PoolSetup | PoolEpochs | PoolGuard>()
  const sets = makeTable<VerifierSet>()
  const requests = makeTable<PoolRequest>()
  const claims = makeTable<bigint>()
  const transfers = makeTable<PoolTransfer>()
  const accounts = makeTable<PoolAccount>()
  return {
    lock: async () => undefined, // one transaction at a time anyway
    setup: async () => (single.get('setup') as PoolSetup | undefined) ?? null,
    async establish(setup) {
      single.add('setup', setup)
    },
    verifierSets: async () => sets.values(),
    async addVerifierSet(set) {
      const { setId } = set
      if (sets.get(String(setId))) throw new Error(`verifier set ${setId} is there already`)
      sets.set(String(setId), set)
    },
    guard: async () => (single.get('guard') as PoolGuard | undefined) ?? NO_GUARD,
    saveGuard: async (guard) => single.set('guard', guard),
    request: async (id) => requests.get(id) ?? null,
    saveRequest: async (id, request) => requests.set(id, request),
    requestsIn: async (state) =>
      requests
        .entries()
        .filter(([, request]) => request.state === state)
        .map(([id, request]) => ({ id: id as Hex, request }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    epochs: async () => (single.get('epochs') as PoolEpochs | undefined) ?? NO_EPOCHS,
    saveEpochs: async (epochs) => single.set('epochs', epochs),
    async claimed(first, count) {
      const found = new Map<number, bigint>()
      for (let index = first; index < first + count; index += 1) {
        const amount = claims.get(String(index))
        if (amount !== undefined) found.set(index, amount)
      }
      return found
    },
    async saveClaimed(rows) {
      for (const { index, amount } of rows) claims.set(String(index), amount)
    },
    async book(rows) {
      for (const row of rows) {
        const isEnded = transfers
          .values()
          .some((each) => row.pendingId !== null && isSameEnd(each, row))
        if (transfers.get(row.id) !== undefined || isEnded) {
          throw new Error(`transfer ${row.id} is booked already`)
        }
        if (row.amount <= 0n) throw new Error(`transfer ${row.id} must move something`)
        transfers.set(row.id, row)
      }
      for (const change of totalChanges(rows)) {
        const { account } = change
        const after = addAccount(accounts.get(account) ?? emptyAccount(account), change)
        if (!isSound(after)) throw new Error(`account ${account} would be overdrawn`)
        accounts.set(account, after)
      }
    },
    transfer: async (id) => transfers.get(id) ?? null,
    transfers: async () => transfers.values(),
    account: async (name) => accounts.get(name) ?? emptyAccount(name),
    accounts: async () => accounts.values().sort((a, b) => (a.account < b.account ? -1 : 1)),
  }
}

function isSameEnd(a: PoolTransfer, b: PoolTransfer): boolean {
  return a.pendingId === b.pendingId && a.kind === b.kind
}

import type { LedgerEntry } from '#domain/ledger.ts'
import type { PayoutEpoch, PayoutReceipt } from '#domain/payout.ts'
import type { StoreTransaction } from '#store-ports.ts'
import type { MakeTable } from './memory-store.ts'

type Money = Pick<StoreTransaction, 'payouts' | 'ledger'>

/** Payout epochs, receipts and the double-entry ledger in memory. */
export function memoryMoney(makeTable: MakeTable): Money {
  return { payouts: memoryPayouts(makeTable), ledger: memoryLedger(makeTable) }
}

function memoryPayouts(makeTable: MakeTable): Money['payouts'] {
  const epochs = makeTable<PayoutEpoch>()
  const receipts = makeTable<PayoutReceipt>()
  return {
    save: async (epoch) => epochs.set(String(epoch.epoch), epoch),
    find: async (epoch) => epochs.get(String(epoch)) ?? null,
    list: async () => epochs.values().sort((a, b) => b.epoch - a.epoch),
    lock: async () => undefined, // one transaction at a time anyway
    async saveReceipts(rows) {
      for (const receipt of rows) receipts.add(`${receipt.epoch} ${receipt.ownerId}`, receipt)
    },
    receipts: async ({ epoch, ownerId }) =>
      receipts
        .values()
        .filter(
          (r) =>
            (epoch === undefined || r.epoch === epoch) &&
            (ownerId === undefined || r.ownerId === ownerId),
        )
        .sort((a, b) => a.epoch - b.epoch || (a.ownerId < b.ownerId ? -1 : 1)),
  }
}

function memoryLedger(makeTable: MakeTable): Money['ledger'] {
  const postings = makeTable<readonly LedgerEntry[]>()
  const all = () =>
    postings.entries().flatMap(([key, entries]) => entries.map((entry) => ({ ...entry, key })))
  return {
    async post(key, entries) {
      const sum = entries.reduce((total, entry) => total + entry.amount, 0n)
      if (sum !== 0n) throw new Error(`posting ${key} must sum to 0, got ${sum}`)
      postings.add(key, entries)
    },
    balance: async (account) =>
      all().reduce((total, e) => (e.account === account ? total + e.amount : total), 0n),
    entries: async (account) => all().filter((e) => e.account === account),
    async balances() {
      const sums = new Map<string, bigint>()
      for (const e of all()) sums.set(e.account, (sums.get(e.account) ?? 0n) + e.amount)
      return [...sums]
        .map(([account, balance]) => ({ account, balance }))
        .sort((a, b) => (a.account < b.account ? -1 : 1))
    },
  }
}

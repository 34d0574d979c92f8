import { asc, eq, getTableColumns, sql } from 'drizzle-orm'
import type { LedgerBook } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { ledgerEntries, ledgerPostings } from './schema-records.ts'

const { ordinal: _ordinal, ...columns } = getTableColumns(ledgerEntries)
const sum = sql<string>`coalesce(sum(${ledgerEntries.amount}), 0)`

export function ledgerRepository(tx: Transaction): LedgerBook {
  return {
    async post(key, entries) {
      const total = entries.reduce((before, entry) => before + entry.amount, 0n)
      if (total !== 0n) throw new Error(`posting ${key} must sum to 0, got ${total}`)
      const made = await tx
        .insert(ledgerPostings)
        .values({ key })
        .onConflictDoNothing()
        .returning({ key: ledgerPostings.key })
      if (made.length === 0 || entries.length === 0) return
      await tx.insert(ledgerEntries).values(entries.map((entry) => ({ key, ...entry })))
    },
    async balance(account) {
      const [row] = await tx
        .select({ balance: sum })
        .from(ledgerEntries)
        .where(eq(ledgerEntries.account, account))
      return BigInt(row?.balance ?? 0)
    },
    entries: async (account) =>
      tx
        .select(columns)
        .from(ledgerEntries)
        .where(eq(ledgerEntries.account, account))
        .orderBy(asc(ledgerEntries.ordinal)),
    async balances() {
      const rows = await tx
        .select({ account: ledgerEntries.account, balance: sum })
        .from(ledgerEntries)
        .groupBy(ledgerEntries.account)
        .orderBy(sql`${ledgerEntries.account} COLLATE "C"`)
      return rows.map((row) => ({ account: row.account, balance: BigInt(row.balance) }))
    },
  }
}

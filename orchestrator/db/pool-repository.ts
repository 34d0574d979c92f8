import { asc, between, eq, getTableColumns, sql } from 'drizzle-orm'
import {
  NO_EPOCHS,
  NO_GUARD,
  type PoolAccount,
  type PoolTransfer,
  emptyAccount,
  totalChanges,
} from '#domain/pool-books.ts'
import type { PoolBooks } from '#rail-store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import type { Transaction } from './connection.ts'
import {
  poolAccounts,
  poolClaims,
  poolEpochs,
  poolGuard,
  poolRequests,
  poolSetup,
  poolTransfers,
  poolVerifierSets,
} from './schema-pool.ts'

const { ordinal: _ordinal, ...transferColumns } = getTableColumns(poolTransfers)
/** Transfers per INSERT: 7 parameters each, of 65 534 that the protocol allows. */
const TRANSFERS_AT_ONCE = 5000

/** The books of a pool that stands on no chain. */
export function poolRepository(tx: Transaction): PoolBooks {
  return { ...records(tx), ...guarding(tx), ...money(tx) }
}

type Money = Pick<PoolBooks, 'book' | 'transfer' | 'transfers' | 'account' | 'accounts'>
type Guarding = Pick<PoolBooks, 'verifierSets' | 'addVerifierSet' | 'guard' | 'saveGuard'>
type Records = Omit<PoolBooks, keyof Money | keyof Guarding>

function records(tx: Transaction): Records {
  return {
    lock: async () => lockByName(tx, ['the pool without a chain']),
    async setup() {
      const [row] = await tx.select().from(poolSetup)
      return row?.body ?? null
    },
    async establish(setup) {
      await tx.insert(poolSetup).values({ id: 1, body: setup }).onConflictDoNothing()
    },
    async request(id) {
      const [row] = await tx.select().from(poolRequests).where(eq(poolRequests.id, id))
      return row?.body ?? null
    },
    async saveRequest(id, request) {
      const row = { state: request.state, body: request }
      await tx
        .insert(poolRequests)
        .values({ id, ...row })
        .onConflictDoUpdate({ target: poolRequests.id, set: row })
    },
    async requestsIn(state) {
      const rows = await tx
        .select()
        .from(poolRequests)
        .where(eq(poolRequests.state, state))
        .orderBy(asc(poolRequests.id))
      return rows.map(({ id, body }) => ({ id, request: body }))
    },
    async epochs() {
      const [row] = await tx.select().from(poolEpochs)
      return row?.body ?? NO_EPOCHS
    },
    async saveEpochs(epochs) {
      await tx
        .insert(poolEpochs)
        .values({ id: 1, body: epochs })
        .onConflictDoUpdate({ target: poolEpochs.id, set: { body: epochs } })
    },
    async claimed(first, count) {
      const rows = await tx
        .select()
        .from(poolClaims)
        .where(between(poolClaims.payoutIndex, first, first + count - 1))
      return new Map(rows.map(({ payoutIndex, amount }) => [payoutIndex, amount]))
    },
    async saveClaimed(claims) {
      if (claims.length === 0) return
      await tx
        .insert(poolClaims)
        .values(claims.map(({ index, amount }) => ({ payoutIndex: index, amount })))
        .onConflictDoUpdate({
          target: poolClaims.payoutIndex,
          set: { amount: sql`excluded.amount` },
        })
    },
  }
}

function guarding(tx: Transaction): Guarding {
  return {
    async verifierSets() {
      const rows = await tx.select().from(poolVerifierSets).orderBy(asc(poolVerifierSets.setId))
      return rows.map(({ body }) => body)
    },
    async addVerifierSet(set) {
      await tx.insert(poolVerifierSets).values({ setId: set.setId, body: set })
    },
    async guard() {
      const [row] = await tx.select().from(poolGuard)
      return row?.body ?? NO_GUARD
    },
    async saveGuard(guard) {
      await tx
        .insert(poolGuard)
        .values({ id: 1, body: guard })
        .onConflictDoUpdate({ target: poolGuard.id, set: { body: guard } })
    },
  }
}

function money(tx: Transaction): Money {
  return {
    async book(transfers) {
      if (transfers.length === 0) return
      for (let first = 0; first < transfers.length; first += TRANSFERS_AT_ONCE) {
        await tx.insert(poolTransfers).values(transfers.slice(first, first + TRANSFERS_AT_ONCE))
      }
      await change(tx, totalChanges(transfers))
    },
    async transfer(id) {
      const [row] = await tx
        .select(transferColumns)
        .from(poolTransfers)
        .where(eq(poolTransfers.id, id))
      return (row as PoolTransfer | undefined) ?? null
    },
    transfers: async () =>
      tx.select(transferColumns).from(poolTransfers).orderBy(asc(poolTransfers.ordinal)),
    async account(name) {
      const [row] = await tx.select().from(poolAccounts).where(eq(poolAccounts.account, name))
      return row ?? emptyAccount(name)
    },
    accounts: async () =>
      tx.select().from(poolAccounts).orderBy(sql`${poolAccounts.account} COLLATE "C"`),
  }
}

/** A row is there before it is changed: a check looks at a row that is inserted, not at the sum. */
async function change(tx: Transaction, changes: readonly PoolAccount[]): Promise<void> {
  const none = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n }
  await tx
    .insert(poolAccounts)
    .values(changes.map(({ account }) => ({ account, ...none })))
    .onConflictDoNothing()
  const texts = (of: (change: PoolAccount) => bigint) =>
    sql.param(changes.map((each) => of(each).toString()))
  const names = sql.param(changes.map(({ account }) => account))
  await tx.execute(sql`
    UPDATE ${poolAccounts} AS a SET
      debits_pending = a.debits_pending + c.dp, debits_posted = a.debits_posted + c.dd,
      credits_pending = a.credits_pending + c.cp, credits_posted = a.credits_posted + c.cc
    FROM unnest(
      ${names}::text[],
      ${texts((each) => each.debitsPending)}::numeric[],
      ${texts((each) => each.debitsPosted)}::numeric[],
      ${texts((each) => each.creditsPending)}::numeric[],
      ${texts((each) => each.creditsPosted)}::numeric[]
    ) AS c(account, dp, dd, cp, cc)
    WHERE a.account = c.account`)
}

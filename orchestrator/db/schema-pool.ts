/** Tables of a pool that stands on no chain: what a contract would keep. Written by the ledger rail only. */
import { sql } from 'drizzle-orm'
import { bigserial, check, index, integer, text, uniqueIndex } from 'drizzle-orm/pg-core'
import type {
  PoolEpochs,
  PoolGuard,
  PoolRequest,
  PoolSetup,
  PoolTransfer,
  VerifierSet,
} from '#domain/pool-books.ts'
import { domainColumn, hexColumn, moneyColumn, wholeColumn } from './columns.ts'
import { gridcall } from './schema.ts'

/** Append-only by trigger: who settles and how long the windows are stays for good. */
export const poolSetup = gridcall.table(
  'pool_setup',
  { id: integer().primaryKey(), body: domainColumn<PoolSetup>().notNull() },
  (t) => [check('one_row', sql`${t.id} = 1`)],
)

/** Sums over pool_transfers; the checks hold whatever the program does. */
export const poolAccounts = gridcall.table(
  'pool_accounts',
  {
    account: text().primaryKey(),
    debitsPending: moneyColumn().notNull(),
    debitsPosted: moneyColumn().notNull(),
    creditsPending: moneyColumn().notNull(),
    creditsPosted: moneyColumn().notNull(),
  },
  (t) => [
    check('nothing_below_zero', sql`${t.debitsPending} >= 0 AND ${t.creditsPending} >= 0`),
    check(
      'nothing_overdrawn',
      sql`CASE WHEN ${t.account} = 'bank' THEN ${t.creditsPosted} <= ${t.debitsPosted} ELSE ${t.debitsPending} + ${t.debitsPosted} <= ${t.creditsPosted} END`,
    ),
  ],
)

/** Append-only by trigger; a mistake is corrected by another transfer. */
export const poolTransfers = gridcall.table(
  'pool_transfers',
  {
    id: text().primaryKey(),
    ordinal: bigserial({ mode: 'number' }).notNull(),
    kind: text().$type<PoolTransfer['kind']>().notNull(),
    pendingId: text(),
    debit: text().notNull(),
    credit: text().notNull(),
    amount: moneyColumn().notNull(),
    at: wholeColumn().notNull(),
  },
  (t) => [
    uniqueIndex().on(t.ordinal),
    uniqueIndex().on(t.pendingId, t.kind),
    index().on(t.debit),
    index().on(t.credit),
    check('something_moves', sql`${t.amount} > 0 AND ${t.debit} <> ${t.credit}`),
    check('kind_known', sql`${t.kind} IN ('posted', 'pending', 'post', 'void')`),
    check('ends_one', sql`(${t.kind} IN ('post', 'void')) = (${t.pendingId} IS NOT NULL)`),
  ],
)

export const poolRequests = gridcall.table('pool_requests', {
  id: hexColumn().primaryKey(),
  state: text().$type<PoolRequest['state']>().notNull(),
  body: domainColumn<PoolRequest>().notNull(),
})

export const poolEpochs = gridcall.table(
  'pool_epochs',
  { id: integer().primaryKey(), body: domainColumn<PoolEpochs>().notNull() },
  (t) => [check('one_row', sql`${t.id} = 1`)],
)

/** What each payout index has been paid; it never falls. */
export const poolClaims = gridcall.table(
  'pool_claims',
  { payoutIndex: integer().primaryKey(), amount: moneyColumn().notNull() },
  (t) => [check('something_paid', sql`${t.amount} > 0`)],
)

/** Sets that came after the setup's; append-only by trigger. */
export const poolVerifierSets = gridcall.table('pool_verifier_sets', {
  setId: integer().primaryKey(),
  body: domainColumn<VerifierSet>().notNull(),
})

export const poolGuard = gridcall.table(
  'pool_guard',
  { id: integer().primaryKey(), body: domainColumn<PoolGuard>().notNull() },
  (t) => [check('one_row', sql`${t.id} = 1`)],
)

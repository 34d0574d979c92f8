/** Tables of what is proven, paid and read back from the chain. Parties and calls: schema.ts. */
import { sql } from 'drizzle-orm'
import {
  bigserial,
  boolean,
  check,
  index,
  integer,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { AccountHolder } from '#domain/bank-account.ts'
import type { BusinessEventKind } from '#domain/business-event.ts'
import type { ChainEvent, ChainIntent, IntentRow } from '#domain/chain.ts'
import type { Attestation } from '#domain/evidence.ts'
import type { Dispute } from '#domain/dispute.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import type { CallId, OrganisationId, OwnerId, ResourceId } from '#domain/ids.ts'
import type { Payment } from '#domain/payment-order.ts'
import type { PayoutEpoch, PayoutReceipt } from '#domain/payout.ts'
import type { ApiKey } from '#ports.ts'
import {
  addressColumn,
  domainColumn,
  hexColumn,
  idColumn,
  instantColumn,
  moneyColumn,
  wholeColumn,
  wordsColumn,
} from './columns.ts'
import { gridcall } from './schema.ts'

/** The canonical bytes of each bundle. A trigger refuses every change. */
export const evidence = gridcall.table(
  'evidence',
  {
    callId: idColumn<CallId>().notNull(),
    version: integer().notNull(),
    bundle: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.callId, t.version] })],
)

const signedWord = () => ({
  subject: text().$type<Attestation['subject']>().notNull(),
  subjectId: idColumn<string>().notNull(),
  version: integer().notNull(),
  /** The verifier's address in lower case: one word each, however it is written. */
  verifierKey: text().notNull(),
  verifier: addressColumn().notNull(),
  ordinal: bigserial({ mode: 'number' }).notNull(),
})

export const attestations = gridcall.table(
  'attestations',
  { ...signedWord(), signature: hexColumn().notNull() },
  (t) => [primaryKey({ columns: [t.subject, t.subjectId, t.version, t.verifierKey] })],
)

export const refusals = gridcall.table(
  'refusals',
  {
    ...signedWord(),
    line: wordsColumn().notNull(),
    expected: wordsColumn().notNull(),
    got: wordsColumn().notNull(),
  },
  (t) => [primaryKey({ columns: [t.subject, t.subjectId, t.version, t.verifierKey] })],
)

/** One dispute per line of a call. */
export const disputes = gridcall.table(
  'disputes',
  {
    callId: idColumn<CallId>().notNull(),
    resourceId: idColumn<ResourceId>().notNull(),
    state: text().$type<Dispute['state']>().notNull(),
    text: wordsColumn().notNull(),
    body: domainColumn<Omit<Dispute, 'text'>>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.callId, t.resourceId] })],
)

/** Money that a settlement held, under the pool's id of it. */
export const heldRests = gridcall.table(
  'held_rests',
  {
    id: hexColumn().primaryKey(),
    callId: idColumn<CallId>().notNull(),
    state: text().$type<HeldRest['state']>().notNull(),
    amount: moneyColumn().notNull(),
    body: domainColumn<HeldRest>().notNull(),
  },
  (t) => [index().on(t.callId), index().on(t.state)],
)

export const payoutEpochs = gridcall.table('payout_epochs', {
  epoch: integer().primaryKey(),
  state: text().$type<PayoutEpoch['state']>().notNull(),
  newTotal: moneyColumn().notNull(),
  createdAt: instantColumn().notNull(),
  body: domainColumn<PayoutEpoch>().notNull(),
})

export const payoutReceipts = gridcall.table(
  'payout_receipts',
  {
    epoch: integer().notNull(),
    ownerId: idColumn<OwnerId>().notNull(),
    route: text().$type<PayoutReceipt['route']>().notNull(),
    amount: moneyColumn().notNull(),
    paidCents: moneyColumn().notNull(),
    carried: moneyColumn().notNull(),
    lines: domainColumn<PayoutReceipt['lines']>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.epoch, t.ownerId] }), index().on(t.ownerId)],
)

/** Bank accounts, sealed under a key that is not here; without the wrapped key they are erased. */
export const bankAccounts = gridcall.table(
  'bank_accounts',
  {
    holder: idColumn<AccountHolder>().notNull(),
    version: integer().notNull(),
    keyId: text().notNull(),
    wrappedKey: text(),
    sealed: text().notNull(),
    from: instantColumn().notNull(),
    refused: text(),
  },
  (t) => [primaryKey({ columns: [t.holder, t.version] })],
)

/** Credit transfers that payout epochs order. */
export const payments = gridcall.table(
  'payments',
  {
    epoch: integer().notNull(),
    payee: idColumn<AccountHolder>().notNull(),
    accountVersion: integer().notNull(),
    cents: moneyColumn().notNull(),
    state: text().$type<Payment['state']>().notNull(),
    reason: text(),
  },
  (t) => [primaryKey({ columns: [t.epoch, t.payee] }), index().on(t.payee)],
)

/** From when on an epoch's file is in the payout agent's hands and never changes again. */
export const paymentFiles = gridcall.table('payment_files', {
  epoch: integer().primaryKey(),
  agentId: idColumn<OrganisationId>().notNull(),
  debtorVersion: integer().notNull(),
  createdAt: instantColumn().notNull(),
})

export const ledgerPostings = gridcall.table('ledger_postings', {
  key: text().primaryKey(),
})

/** Append-only by trigger; a mistake is corrected by another posting. */
export const ledgerEntries = gridcall.table(
  'ledger_entries',
  {
    ordinal: bigserial({ mode: 'number' }).primaryKey(),
    key: text().notNull(),
    account: text().notNull(),
    amount: moneyColumn().notNull(),
    at: instantColumn().notNull(),
  },
  (t) => [index().on(t.account), index().on(t.key)],
)

/** The outbox: what we ask of the pool, once per business key. */
export const chainIntents = gridcall.table(
  'chain_intents',
  {
    businessKey: text().primaryKey(),
    ordinal: bigserial({ mode: 'number' }).notNull(),
    kind: text().$type<ChainIntent['kind']>().notNull(),
    intent: domainColumn<ChainIntent>().notNull(),
    state: text().$type<IntentRow['state']>().notNull(),
    hash: hexColumn(),
    nonce: wholeColumn(),
    raw: hexColumn(),
    reason: wordsColumn(),
  },
  (t) => [index().on(t.state, t.ordinal)],
)

/** Every signed variant, stored before it was broadcast. */
export const chainTransactions = gridcall.table(
  'chain_transactions',
  {
    hash: hexColumn().primaryKey(),
    businessKey: text().notNull(),
    nonce: wholeColumn().notNull(),
    raw: hexColumn().notNull(),
  },
  (t) => [index().on(t.businessKey)],
)

export const chainEvents = gridcall.table(
  'chain_events',
  {
    transactionHash: hexColumn().notNull(),
    logIndex: integer().notNull(),
    ordinal: bigserial({ mode: 'number' }).notNull(),
    kind: text().$type<ChainEvent['kind']>().notNull(),
    requestId: hexColumn(),
    block: wholeColumn().notNull(),
    body: domainColumn<ChainEvent>().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.transactionHash, t.logIndex] }),
    uniqueIndex().on(t.ordinal),
    index().on(t.kind),
    index().on(t.requestId),
  ],
)

export const chainCursor = gridcall.table(
  'chain_cursor',
  { id: integer().primaryKey(), block: wholeColumn().notNull(), hash: hexColumn().notNull() },
  (t) => [check('one_row', sql`${t.id} = 1`)],
)

export const chainIdentity = gridcall.table(
  'chain_identity',
  {
    id: integer().primaryKey(),
    chainId: wholeColumn().notNull(),
    genesisHash: hexColumn().notNull(),
    pool: addressColumn().notNull(),
    token: addressColumn().notNull(),
    registry: addressColumn().notNull(),
    feeReceiver: addressColumn().notNull(),
  },
  (t) => [check('one_row', sql`${t.id} = 1`)],
)

/** Append-only by trigger; numbered in the order of commit, without a gap (events-repository). */
export const events = gridcall.table(
  'events',
  {
    sequence: wholeColumn().primaryKey(),
    kind: text().$type<BusinessEventKind>().notNull(),
    at: instantColumn().notNull(),
    callId: idColumn<CallId>(),
    resourceId: idColumn<ResourceId>(),
    organisationIds: domainColumn<readonly OrganisationId[]>().notNull(),
    ownerId: idColumn<OwnerId>(),
    notice: boolean().notNull(),
    message: wordsColumn().notNull(),
    data: domainColumn<Readonly<Record<string, string | number | boolean | null>>>().notNull(),
  },
  (t) => [
    index().on(t.callId),
    // Whether the books agree is asked often, and is said seldom.
    index('events_books_index')
      .on(t.sequence)
      .where(sql`${t.kind} IN ('books-differ', 'books-agree')`),
  ],
)

export const requests = gridcall.table(
  'requests',
  {
    organisationId: idColumn<OrganisationId>().notNull(),
    key: text().notNull(),
    requestHash: hexColumn().notNull(),
    status: integer().notNull(),
    body: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.organisationId, t.key] })],
)

export const apiKeys = gridcall.table('api_keys', {
  keySha256: text().primaryKey(),
  role: text().$type<ApiKey['role']>().notNull(),
  organisationId: idColumn<OrganisationId>().notNull(),
  ownerId: idColumn<OwnerId>(),
})

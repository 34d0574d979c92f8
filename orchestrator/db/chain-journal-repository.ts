import { and, asc, eq, getTableColumns, gt, inArray, sql } from 'drizzle-orm'
import { type IntentRow, requireUnsigned } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import type { ChainJournal } from '#rail-store-ports.ts'
import { anyOf } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import {
  chainCursor,
  chainEvents,
  chainIdentity,
  chainIntents,
  chainTransactions,
} from './schema-records.ts'

const { ordinal: _o, kind: _k, ...intentColumns } = getTableColumns(chainIntents)
/** Events per INSERT: 6 parameters each, of 65 534 that the protocol allows. */
const EVENTS_AT_ONCE = 5000

export function chainJournalRepository(tx: Transaction): ChainJournal {
  return { ...outbox(tx), ...readBack(tx) }
}

type Outbox = Pick<ChainJournal, 'intend' | 'intent' | 'open' | 'signed' | 'variants' | 'mined'>

function outbox(tx: Transaction): Outbox {
  const change = async (businessKey: string, fields: Partial<Omit<IntentRow, 'businessKey'>>) => {
    const changed = await tx
      .update(chainIntents)
      .set(fields)
      .where(eq(chainIntents.businessKey, businessKey))
      .returning({ businessKey: chainIntents.businessKey })
    if (changed.length === 0) throw new Error(`no chain intent ${businessKey}`)
  }
  return {
    async intend(businessKey, intent) {
      await tx
        .insert(chainIntents)
        .values({ businessKey, kind: intent.kind, intent, state: 'pending' })
        .onConflictDoNothing()
    },
    async intent(businessKey) {
      const [row] = await tx
        .select(intentColumns)
        .from(chainIntents)
        .where(eq(chainIntents.businessKey, businessKey))
      return row ?? null
    },
    open: async () =>
      tx
        .select(intentColumns)
        .from(chainIntents)
        .where(inArray(chainIntents.state, ['pending', 'sent']))
        .orderBy(asc(chainIntents.ordinal)),
    async signed(businessKey, { hash, nonce, raw }, before) {
      if (before !== undefined) {
        const [row] = await tx
          .select({ raw: chainIntents.raw })
          .from(chainIntents)
          .where(eq(chainIntents.businessKey, businessKey))
          .for('update')
        requireUnsigned(businessKey, row?.raw ?? null, before)
      }
      await change(businessKey, { state: 'sent', hash, nonce, raw })
      await tx
        .insert(chainTransactions)
        .values({ hash, businessKey, nonce, raw })
        .onConflictDoNothing()
    },
    async variants(businessKey, nonce) {
      const rows = await tx
        .select({ hash: chainTransactions.hash })
        .from(chainTransactions)
        .where(
          and(eq(chainTransactions.businessKey, businessKey), eq(chainTransactions.nonce, nonce)),
        )
      return rows.map(({ hash }) => hash)
    },
    mined: async (businessKey, hash, outcome, reason) =>
      change(businessKey, { hash, state: outcome, reason: reason ?? null }),
  }
}

function readBack(tx: Transaction): Omit<ChainJournal, keyof Outbox> {
  return {
    async record(found, { block, hash }) {
      let added = 0
      for (let first = 0; first < found.length; first += EVENTS_AT_ONCE) {
        const rows = found.slice(first, first + EVENTS_AT_ONCE).map((event) => ({
          transactionHash: event.transactionHash,
          logIndex: event.logIndex,
          kind: event.kind,
          requestId: 'requestId' in event ? event.requestId : null,
          block: event.block,
          body: event,
        }))
        const written = await tx
          .insert(chainEvents)
          .values(rows)
          .onConflictDoNothing()
          .returning({ logIndex: chainEvents.logIndex })
        added += written.length
      }
      await saveCursor(tx, { block, hash })
      return added
    },
    async rewind({ block, hash }) {
      const orphans = await tx
        .delete(chainEvents)
        .where(gt(chainEvents.block, block))
        .returning({ hash: chainEvents.transactionHash })
      await tx
        .update(chainIntents)
        .set({ state: sql`CASE WHEN ${chainIntents.raw} IS NULL THEN 'pending' ELSE 'sent' END` })
        .where(
          and(
            eq(chainIntents.state, 'mined'),
            anyOf(chainIntents.hash, [...new Set(orphans.map((orphan) => orphan.hash))]),
          ),
        )
      await saveCursor(tx, { block, hash })
    },
    async cursor() {
      const [row] = await tx.select().from(chainCursor)
      return row === undefined ? null : { block: row.block, hash: row.hash }
    },
    async events({ kind, requestId } = {}) {
      const rows = await tx
        .select({ body: chainEvents.body })
        .from(chainEvents)
        .where(
          and(
            kind === undefined ? undefined : eq(chainEvents.kind, kind),
            requestId === undefined ? undefined : eq(chainEvents.requestId, requestId),
          ),
        )
        .orderBy(asc(chainEvents.ordinal))
      return rows.map((row) => row.body)
    },
    async identity() {
      const { id: _id, ...columns } = getTableColumns(chainIdentity)
      const [row] = await tx.select(columns).from(chainIdentity)
      return row ?? null
    },
    async identify(identity) {
      await tx
        .insert(chainIdentity)
        .values({ id: 1, ...identity })
        .onConflictDoUpdate({ target: chainIdentity.id, set: { ...identity } })
    },
  }
}

async function saveCursor(tx: Transaction, cursor: { block: number; hash: Hex }): Promise<void> {
  await tx
    .insert(chainCursor)
    .values({ id: 1, ...cursor })
    .onConflictDoUpdate({ target: chainCursor.id, set: cursor })
}

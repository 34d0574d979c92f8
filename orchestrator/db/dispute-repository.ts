import { and, asc, eq, inArray } from 'drizzle-orm'
import type { DisputeRepository, HeldRestRepository } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { disputes, heldRests } from './schema-records.ts'

export function disputeRepository(tx: Transaction): DisputeRepository {
  return {
    async save({ text, ...body }) {
      const { callId, resourceId, state } = body
      await tx
        .insert(disputes)
        .values({ callId, resourceId, state, text, body })
        .onConflictDoUpdate({
          target: [disputes.callId, disputes.resourceId],
          set: { state, text, body },
        })
    },
    async ofCall(callId) {
      const rows = await tx
        .select()
        .from(disputes)
        .where(eq(disputes.callId, callId))
        .orderBy(asc(disputes.resourceId))
      return rows.map(({ text, body }) => ({ ...body, text }))
    },
  }
}

export function heldRestRepository(tx: Transaction): HeldRestRepository {
  return {
    async save(rest) {
      const { id, callId, state, amount } = rest
      await tx
        .insert(heldRests)
        .values({ id, callId, state, amount, body: rest })
        .onConflictDoUpdate({ target: heldRests.id, set: { state, body: rest } })
    },
    async find(id) {
      const [row] = await tx.select().from(heldRests).where(eq(heldRests.id, id))
      return row?.body ?? null
    },
    async list({ callId, states }) {
      const rows = await tx
        .select({ body: heldRests.body })
        .from(heldRests)
        .where(
          and(
            callId === undefined ? undefined : eq(heldRests.callId, callId),
            states === undefined ? undefined : inArray(heldRests.state, [...states]),
          ),
        )
        .orderBy(asc(heldRests.callId))
      return rows
        .map(({ body }) => body)
        .sort((a, b) => (a.callId === b.callId ? a.round - b.round : 0))
    },
  }
}

import { and, asc, desc, eq, gt, gte, inArray } from 'drizzle-orm'
import { DomainError } from '#domain/errors.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { CallRepository } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { calls } from './schema.ts'

export function callRepository(tx: Transaction): CallRepository {
  return {
    async create(call) {
      const made = await tx
        .insert(calls)
        .values({ id: call.id, ...columnsOf(call) })
        .onConflictDoNothing()
        .returning({ id: calls.id })
      if (made.length === 0) {
        throw new DomainError('duplicate', `there is already a call ${call.id}`)
      }
    },
    async lock(id) {
      const [row] = await tx.select().from(calls).where(eq(calls.id, id)).for('update')
      if (row === undefined) throw unknownCall(id)
      return row.body
    },
    async find(id) {
      const [row] = await tx.select().from(calls).where(eq(calls.id, id))
      return row?.body ?? null
    },
    async save(call) {
      const saved = await tx
        .update(calls)
        .set(columnsOf(call))
        .where(eq(calls.id, call.id))
        .returning({ id: calls.id })
      if (saved.length === 0) throw unknownCall(call.id)
    },
    async list({ states, dsoId, congestionPointId, windowsFrom, endsAfter, last } = {}) {
      const found = tx
        .select({ body: calls.body })
        .from(calls)
        .where(
          and(
            states === undefined ? undefined : inArray(calls.state, [...states]),
            dsoId === undefined ? undefined : eq(calls.dsoId, dsoId),
            congestionPointId === undefined
              ? undefined
              : eq(calls.congestionPointId, congestionPointId),
            windowsFrom === undefined ? undefined : gte(calls.windowStart, windowsFrom),
            endsAfter === undefined ? undefined : gt(calls.windowEnd, endsAfter),
          ),
        )
      const order = last === undefined ? asc : desc
      const ordered = found.orderBy(order(calls.requestedAt), order(calls.id))
      const rows = await (last === undefined ? ordered : ordered.limit(last))
      const bodies = rows.map((row) => row.body)
      return last === undefined ? bodies : bodies.toReversed()
    },
  }
}

function columnsOf(call: FlexibilityCall): Omit<typeof calls.$inferInsert, 'id'> {
  const { congestionPointId, window } = call.request
  return {
    state: call.state,
    dsoId: call.dsoId,
    congestionPointId,
    requestedAt: call.requestedAt,
    windowStart: window.start,
    windowEnd: window.end,
    body: call,
  }
}

function unknownCall(id: CallId): DomainError {
  return new DomainError('not-found', `there is no call ${id}`)
}

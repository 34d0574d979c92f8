import { and, asc, gt, isNull, lte, or, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { SessionRepository } from '#store-ports.ts'
import { anyOf } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { sessions } from './schema.ts'

export function sessionRepository(tx: Transaction): SessionRepository {
  return {
    async save(session) {
      await tx
        .insert(sessions)
        .values(session)
        .onConflictDoUpdate({
          target: [sessions.resourceId, sessions.startedAt],
          set: {
            endedAt: newOrKnown(sessions.endedAt),
            energyNeededWh: newOrKnown(sessions.energyNeededWh),
            departureAt: newOrKnown(sessions.departureAt),
            // A later one was guessed from the first value that was heard.
            startRegisterWh: sql`least(excluded.start_register_wh, ${sessions.startRegisterWh})`,
          },
        })
    },
    at: async (resourceIds, at) =>
      tx
        .select()
        .from(sessions)
        .where(
          and(
            anyOf(sessions.resourceId, resourceIds),
            lte(sessions.startedAt, at),
            or(isNull(sessions.endedAt), gt(sessions.endedAt, at)),
          ),
        )
        .orderBy(asc(sessions.resourceId), asc(sessions.startedAt)),
  }
}

function newOrKnown(column: PgColumn) {
  const name = sql.identifier(column.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
  return sql`coalesce(excluded.${name}, ${column})`
}

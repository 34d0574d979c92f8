import { and, asc, eq } from 'drizzle-orm'
import { type Arming, progressed } from '#domain/arming.ts'
import type { ArmingRepository } from '#store-ports.ts'
import { anyOf } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { armings } from './schema.ts'

export function armingRepository(tx: Transaction): ArmingRepository {
  return {
    async want(wanted) {
      if (wanted.length === 0) return
      const rows = wanted.map((body) => {
        const { callId, resourceId } = body
        return { callId, resourceId, isOpen: isOpen(body), body }
      })
      await tx.insert(armings).values(rows).onConflictDoNothing()
    },
    async progress(callId, resourceId, progress) {
      const mine = and(eq(armings.callId, callId), eq(armings.resourceId, resourceId))
      const [row] = await tx.select().from(armings).where(mine).for('update')
      if (!row) throw new Error(`${callId} wanted nothing armed on ${resourceId}`)
      const body = progressed(row.body, progress)
      await tx
        .update(armings)
        .set({ isOpen: isOpen(body), body })
        .where(mine)
    },
    async open(resourceIds) {
      const rows = await tx
        .select()
        .from(armings)
        .where(and(eq(armings.isOpen, true), anyOf(armings.resourceId, resourceIds)))
        .orderBy(asc(armings.resourceId), asc(armings.callId))
      return rows.map(({ body }) => body)
    },
    async ofCall(callId) {
      const rows = await tx
        .select()
        .from(armings)
        .where(eq(armings.callId, callId))
        .orderBy(asc(armings.resourceId))
      return rows.map(({ body }) => body)
    },
  }
}

function isOpen({ recording, refusal }: Arming): boolean {
  return recording === null && refusal === null
}

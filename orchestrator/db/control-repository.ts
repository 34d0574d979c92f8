import { asc, eq } from 'drizzle-orm'
import type { ControlRepository } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import { anyOf } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { emergencyStops, ownerLimits, pointLevels } from './schema-control.ts'

export function controlRepository(tx: Transaction): ControlRepository {
  return {
    lock: async (ids) =>
      lockByName(
        tx,
        ids.map((id) => `control at ${id}`),
      ),
    async saveLimits(limits) {
      const { resourceId } = limits
      await tx
        .insert(ownerLimits)
        .values({ resourceId, body: limits })
        .onConflictDoUpdate({ target: ownerLimits.resourceId, set: { body: limits } })
    },
    async limits(ids) {
      const rows = await tx
        .select({ body: ownerLimits.body })
        .from(ownerLimits)
        .where(anyOf(ownerLimits.resourceId, ids))
        .orderBy(asc(ownerLimits.resourceId))
      return rows.map(({ body }) => body)
    },
    async saveStop(stop) {
      await tx
        .insert(emergencyStops)
        .values({ id: stop.id, body: stop })
        .onConflictDoUpdate({ target: emergencyStops.id, set: { body: stop } })
    },
    async saveLevel(level) {
      const { congestionPointId } = level
      await tx
        .insert(pointLevels)
        .values({ congestionPointId, body: level })
        .onConflictDoUpdate({ target: pointLevels.congestionPointId, set: { body: level } })
    },
    async level(id) {
      const [row] = await tx.select().from(pointLevels).where(eq(pointLevels.congestionPointId, id))
      return row?.body ?? null
    },
    async stops() {
      const rows = await tx.select({ body: emergencyStops.body }).from(emergencyStops)
      return rows.map(({ body }) => body).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
    },
  }
}

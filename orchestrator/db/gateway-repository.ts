import { and, asc, eq, getTableColumns, lte, sql } from 'drizzle-orm'
import { foreignKey } from '#domain/gateway.ts'
import type { GatewayRepository } from '#store-ports.ts'
import { anyOf } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { deviceOwners, gateways } from './schema.ts'

const { dialledAt: _dialledAt, ...ownerColumns } = getTableColumns(deviceOwners)

export function gatewayRepository(tx: Transaction): GatewayRepository {
  return { ...leases(tx), ...ownership(tx) }
}

type Leases = Pick<GatewayRepository, 'introduce' | 'begin' | 'beat' | 'leave' | 'list'>

function leases(tx: Transaction): Leases {
  const letGo = (id: string) =>
    tx.update(deviceOwners).set({ isHeld: false }).where(sql`${deviceOwners.gatewayId} = ${id}`)
  return {
    async introduce(id, publicKey, at) {
      await tx
        .insert(gateways)
        .values({ id, publicKey, instance: null, beat: 0, seenAt: at, ocppUrl: null })
        .onConflictDoNothing()
      const [known] = await tx.select().from(gateways).where(eq(gateways.id, id))
      if (known?.publicKey === publicKey) return
      throw foreignKey(id)
    },
    async begin({ id, instance, ocppUrl }) {
      await letGo(id)
      await tx
        .update(gateways)
        .set({ instance, ocppUrl, beat: sql`${gateways.beat} + 1` })
        .where(eq(gateways.id, id))
    },
    async beat(id, instance, at) {
      const updated = await tx
        .update(gateways)
        .set({ beat: sql`${gateways.beat} + 1`, seenAt: at })
        .where(and(eq(gateways.id, id), eq(gateways.instance, instance)))
        .returning({ id: gateways.id })
      return updated.length > 0
    },
    async leave(id, instance) {
      const left = await tx
        .update(gateways)
        .set({ instance: null })
        .where(and(eq(gateways.id, id), eq(gateways.instance, instance)))
        .returning({ id: gateways.id })
      if (left.length > 0) await letGo(id)
    },
    list: async () => tx.select().from(gateways).orderBy(asc(gateways.id)),
  }
}

function ownership(tx: Transaction): Omit<GatewayRepository, keyof Leases> {
  return {
    owners: async ({ resourceIds, gatewayId } = {}) =>
      tx
        .select(ownerColumns)
        .from(deviceOwners)
        .where(
          and(
            resourceIds === undefined ? undefined : anyOf(deviceOwners.resourceId, resourceIds),
            gatewayId === undefined ? undefined : eq(deviceOwners.gatewayId, gatewayId),
          ),
        )
        .orderBy(asc(deviceOwners.resourceId)),
    async claim(resourceId, gatewayId, at) {
      const claimed = await tx
        .insert(deviceOwners)
        .values({ resourceId, gatewayId, since: at, dialledAt: at, isHeld: true })
        .onConflictDoUpdate({
          target: deviceOwners.resourceId,
          set: {
            gatewayId,
            dialledAt: at,
            isHeld: true,
            since: sql`CASE WHEN ${deviceOwners.gatewayId} = ${gatewayId}
              THEN ${deviceOwners.since} ELSE ${at} END`,
          },
          setWhere: lte(deviceOwners.dialledAt, at),
        })
        .returning({ id: deviceOwners.resourceId })
      return claimed.length > 0
    },
    async take(resourceId, gatewayId, from, at) {
      const row = { resourceId, gatewayId, since: at, dialledAt: at, isHeld: true }
      if (from === null) {
        const inserted = await tx
          .insert(deviceOwners)
          .values(row)
          .onConflictDoNothing()
          .returning({ id: deviceOwners.resourceId })
        return inserted.length > 0
      }
      const since = from.gatewayId === gatewayId ? from.since : at
      const taken = await tx
        .update(deviceOwners)
        .set({ ...row, since })
        .where(
          and(
            eq(deviceOwners.resourceId, resourceId),
            eq(deviceOwners.gatewayId, from.gatewayId),
            eq(deviceOwners.since, from.since),
          ),
        )
        .returning({ id: deviceOwners.resourceId })
      return taken.length > 0
    },
    async release(resourceId, gatewayId) {
      const released = await tx
        .update(deviceOwners)
        .set({ isHeld: false })
        .where(and(eq(deviceOwners.resourceId, resourceId), eq(deviceOwners.gatewayId, gatewayId)))
        .returning({ id: deviceOwners.resourceId })
      return released.length > 0
    },
  }
}

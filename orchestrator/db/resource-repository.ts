import { and, asc, eq } from 'drizzle-orm'
import type { Owner } from '#domain/resource.ts'
import type { ResourceRepository } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import { anyOf } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import {
  owners,
  resourceCapabilities,
  resourceConditions,
  resourceHealth,
  resources,
  sites,
} from './schema.ts'

export function resourceRepository(tx: Transaction): ResourceRepository {
  return { ...ownersAndSites(tx), ...resourcesAndHealth(tx) }
}

type OwnersAndSites = Pick<
  ResourceRepository,
  'saveOwner' | 'owner' | 'owners' | 'saveSite' | 'site'
>

function ownersAndSites(tx: Transaction): OwnersAndSites {
  return {
    async saveOwner({ id, aggregatorId, payout, announced = null }) {
      const rest = { aggregatorId, payout, announced }
      await tx
        .insert(owners)
        .values({ id, ...rest })
        .onConflictDoUpdate({ target: owners.id, set: rest })
    },
    async owner(id) {
      const [row] = await tx.select().from(owners).where(eq(owners.id, id))
      return row === undefined ? null : ownerOf(row)
    },
    async owners(aggregatorId) {
      const rows = await tx
        .select()
        .from(owners)
        .where(aggregatorId === undefined ? undefined : eq(owners.aggregatorId, aggregatorId))
        .orderBy(asc(owners.id))
      return rows.map(ownerOf)
    },
    async saveSite({ id, ...rest }) {
      await tx
        .insert(sites)
        .values({ id, ...rest })
        .onConflictDoUpdate({ target: sites.id, set: rest })
    },
    async site(id) {
      const [row] = await tx.select().from(sites).where(eq(sites.id, id))
      return row ?? null
    },
  }
}

function ownerOf({ announced, ...owner }: typeof owners.$inferSelect): Owner {
  return announced === null ? owner : { ...owner, announced }
}

function resourcesAndHealth(tx: Transaction): Omit<ResourceRepository, keyof OwnersAndSites> {
  return {
    async save({ id, ...rest }) {
      await tx
        .insert(resources)
        .values({ id, ...rest })
        .onConflictDoUpdate({ target: resources.id, set: rest })
    },
    async find(id) {
      const [row] = await tx.select().from(resources).where(eq(resources.id, id))
      return row ?? null
    },
    list: async ({ congestionPointId, aggregatorId, ownerId } = {}) =>
      tx
        .select()
        .from(resources)
        .where(
          and(
            congestionPointId === undefined
              ? undefined
              : eq(resources.congestionPointId, congestionPointId),
            aggregatorId === undefined ? undefined : eq(resources.aggregatorId, aggregatorId),
            ownerId === undefined ? undefined : eq(resources.ownerId, ownerId),
          ),
        )
        .orderBy(asc(resources.id)),
    async saveHealth({ resourceId, ...rest }) {
      await tx
        .insert(resourceHealth)
        .values({ resourceId, ...rest })
        .onConflictDoUpdate({ target: resourceHealth.resourceId, set: rest })
    },
    async health(ids) {
      const rows = await tx
        .select()
        .from(resourceHealth)
        .where(anyOf(resourceHealth.resourceId, ids))
      const known = new Map(rows.map((row) => [row.resourceId, row]))
      return ids.flatMap((id) => known.get(id) ?? [])
    },
    async saveCapability({ resourceId, ...rest }) {
      await tx
        .insert(resourceCapabilities)
        .values({ resourceId, ...rest })
        .onConflictDoUpdate({ target: resourceCapabilities.resourceId, set: rest })
    },
    capabilities: async (ids) =>
      tx
        .select()
        .from(resourceCapabilities)
        .where(anyOf(resourceCapabilities.resourceId, ids))
        .orderBy(asc(resourceCapabilities.resourceId)),
    async saveCondition({ resourceId, ...rest }) {
      await tx
        .insert(resourceConditions)
        .values({ resourceId, ...rest })
        .onConflictDoUpdate({ target: resourceConditions.resourceId, set: rest })
    },
    lock: async (id) => lockByName(tx, [`conditions of ${id}`]),
    conditions: async (ids) =>
      tx
        .select()
        .from(resourceConditions)
        .where(anyOf(resourceConditions.resourceId, ids))
        .orderBy(asc(resourceConditions.resourceId)),
  }
}

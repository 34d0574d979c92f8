import type { DeviceCondition, KnownCapability } from '#domain/capability.ts'
import type {
  CongestionPoint,
  Organisation,
  Owner,
  Resource,
  ResourceHealth,
  Site,
} from '#domain/resource.ts'
import { DomainError } from '#domain/errors.ts'
import type { StoredFeeder } from '#domain/network/stored-feeder.ts'
import type { Program } from '#domain/program.ts'
import type { ApiKey } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import type { MakeTable } from './memory-store.ts'

type Parties = Pick<StoreTransaction, 'organisations' | 'resources' | 'keys' | 'requests'>

/** Organisations, owners, sites, resources, keys and idempotent answers in memory. */
export function memoryParties(makeTable: MakeTable): Parties {
  return {
    organisations: memoryOrganisations(makeTable),
    resources: memoryResources(makeTable),
    keys: memoryKeys(makeTable),
    requests: memoryRequests(makeTable),
  }
}

function memoryOrganisations(makeTable: MakeTable): Parties['organisations'] {
  const programs = makeTable<Program>()
  const organisations = makeTable<Organisation>()
  const points = makeTable<CongestionPoint>()
  const feeders = makeTable<StoredFeeder>()
  return {
    saveProgram: async (program) => programs.set(program.dsoId, program),
    program: async (dsoId) => programs.get(dsoId) ?? null,
    save: async (organisation) => organisations.set(organisation.id, organisation),
    find: async (id) => organisations.get(id) ?? null,
    list: async (kind) =>
      byId(organisations.values().filter((o) => kind === undefined || o.kind === kind)),
    saveCongestionPoint: async (point) => points.set(point.id, point),
    congestionPoint: async (id) => points.get(id) ?? null,
    congestionPoints: async () => byId(points.values()),
    async saveFeeder(feeder) {
      const { congestionPointId: id, version } = feeder
      if (feeders.add(`${id} ${version}`, feeder)) return
      throw new DomainError('duplicate', `${id} has a feeder of version ${version} already`)
    },
    feeder: async (id) =>
      feeders
        .values()
        .filter(({ congestionPointId }) => congestionPointId === id)
        .sort((a, b) => b.version - a.version)[0] ?? null,
  }
}

function memoryResources(makeTable: MakeTable): Parties['resources'] {
  const owners = makeTable<Owner>()
  const sites = makeTable<Site>()
  const resources = makeTable<Resource>()
  const healths = makeTable<ResourceHealth>()
  const capabilities = makeTable<KnownCapability>()
  const conditions = makeTable<DeviceCondition>()
  return {
    saveOwner: async (owner) => owners.set(owner.id, owner),
    owner: async (id) => owners.get(id) ?? null,
    owners: async (aggregatorId) =>
      byId(
        owners
          .values()
          .filter((o) => aggregatorId === undefined || o.aggregatorId === aggregatorId),
      ),
    saveSite: async (site) => sites.set(site.id, site),
    site: async (id) => sites.get(id) ?? null,
    save: async (resource) => resources.set(resource.id, resource),
    find: async (id) => resources.get(id) ?? null,
    list: async (filter = {}) =>
      byId(
        resources
          .values()
          .filter(
            (r) =>
              (filter.congestionPointId === undefined ||
                r.congestionPointId === filter.congestionPointId) &&
              (filter.aggregatorId === undefined || r.aggregatorId === filter.aggregatorId) &&
              (filter.ownerId === undefined || r.ownerId === filter.ownerId),
          ),
      ),
    saveHealth: async (health) => healths.set(health.resourceId, health),
    health: async (ids) => ids.flatMap((id) => healths.get(id) ?? []),
    saveCapability: async (known) => capabilities.set(known.resourceId, known),
    capabilities: async (ids) => [...ids].sort().flatMap((id) => capabilities.get(id) ?? []),
    saveCondition: async (condition) => conditions.set(condition.resourceId, condition),
    lock: async () => undefined, // one transaction at a time anyway
    conditions: async (ids) => [...ids].sort().flatMap((id) => conditions.get(id) ?? []),
  }
}

function memoryKeys(makeTable: MakeTable): Parties['keys'] {
  const keys = makeTable<ApiKey>()
  return {
    save: async (key) => keys.set(key.keySha256, key),
    find: async (hash) => keys.get(hash) ?? null,
    count: async () => keys.size,
  }
}

function memoryRequests(makeTable: MakeTable): Parties['requests'] {
  const answers = makeTable<{ status: number; body: string; requestHash: `0x${string}` }>()
  return {
    async begin(organisationId, key, requestHash) {
      const known = answers.get(`${organisationId} ${key}`)
      if (known) return known
      answers.set(`${organisationId} ${key}`, { status: 0, body: '', requestHash })
      return null
    },
    async finish(organisationId, key, status, body) {
      const known = answers.get(`${organisationId} ${key}`)
      if (!known) throw new Error(`no request was begun under ${key}`)
      answers.set(`${organisationId} ${key}`, { ...known, status, body })
    },
  }
}

function byId<T extends { readonly id: string }>(rows: T[]): T[] {
  return rows.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}

import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { CallRepository, PromiseRepository, SetpointRepository } from '#store-ports.ts'
import type { MakeTable } from './memory-store.ts'

export function memoryCalls(makeTable: MakeTable): CallRepository {
  const calls = makeTable<FlexibilityCall>()
  return {
    async create(call) {
      if (!calls.add(call.id, call)) {
        throw new DomainError('duplicate', `there is already a call ${call.id}`)
      }
    },
    async lock(id) {
      const call = calls.get(id)
      if (!call) throw new DomainError('not-found', `there is no call ${id}`)
      return call
    },
    find: async (id) => calls.get(id) ?? null,
    async save(call) {
      if (!calls.has(call.id)) throw new DomainError('not-found', `there is no call ${call.id}`)
      calls.set(call.id, call)
    },
    list: async (filter = {}) =>
      calls
        .values()
        .filter(
          (c) =>
            (filter.states === undefined || filter.states.includes(c.state)) &&
            (filter.dsoId === undefined || c.dsoId === filter.dsoId) &&
            (filter.congestionPointId === undefined ||
              c.request.congestionPointId === filter.congestionPointId),
        )
        .sort((a, b) => a.requestedAt - b.requestedAt || (a.id < b.id ? -1 : 1)),
  }
}

type Promised = { resourceId: ResourceId; periodStart: Instant; callId: CallId }

export function memoryPromises(makeTable: MakeTable): PromiseRepository {
  const promises = makeTable<Promised>()
  return {
    async take(callId, wanted) {
      return wanted.filter(({ resourceId, periodStart }) =>
        promises.add(`${resourceId} ${periodStart}`, { resourceId, periodStart, callId }),
      )
    },
    lockCongestionPoint: async () => undefined, // one transaction at a time anyway
    taken: async (resourceIds, from, until) =>
      promises
        .values()
        .filter(
          (p) =>
            resourceIds.includes(p.resourceId) && p.periodStart >= from && p.periodStart < until,
        )
        .sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1) || a.periodStart - b.periodStart),
    async release(callId, from, resourceIds) {
      for (const [key, p] of promises.entries()) {
        const mine = p.callId === callId && p.periodStart >= from
        if (mine && (resourceIds === undefined || resourceIds.includes(p.resourceId))) {
          promises.delete(key)
        }
      }
    },
  }
}

export function memorySetpoints(makeTable: MakeTable): SetpointRepository {
  const rows = makeTable<SetpointRow>()
  const newest = (): Map<ResourceId, SetpointRow> => {
    const found = new Map<ResourceId, SetpointRow>()
    for (const row of rows.values()) {
      const known = found.get(row.resourceId)
      if (!known || known.version < row.version) found.set(row.resourceId, row)
    }
    return found
  }
  return {
    async order(wanted) {
      const current = newest()
      return wanted.map((w) => {
        const row: SetpointRow = {
          ...w,
          version: (current.get(w.resourceId)?.version ?? 0) + 1,
          acknowledgedAt: null,
          effectiveAt: null,
          effectiveW: null,
          refusal: null,
          strategy: null,
          observedAt: null,
          observedW: null,
        }
        current.set(w.resourceId, row)
        rows.set(`${row.resourceId} ${row.version}`, row)
        return row
      })
    },
    current: async (ids) =>
      [...newest().values()]
        .filter((row) => ids === undefined || ids.includes(row.resourceId))
        .sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1)),
    ofResource: async (resourceId, limit) =>
      rows
        .values()
        .filter((row) => row.resourceId === resourceId)
        .sort((a, b) => b.version - a.version)
        .slice(0, limit),
    ofCall: async (callId) => rows.values().filter((row) => row.callId === callId),
    async progress(resourceId, version, progress) {
      const key = `${resourceId} ${version}`
      const row = rows.get(key)
      if (!row) throw new Error(`no setpoint ${version} was ordered for ${resourceId}`)
      const known = Object.fromEntries(
        Object.entries(progress).filter(([, value]) => value !== null && value !== undefined),
      )
      rows.set(key, { ...row, ...known })
    },
  }
}

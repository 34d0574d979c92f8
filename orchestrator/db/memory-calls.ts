import { type Arming, progressed } from '#domain/arming.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { mayStandBeside, type Promised, shareAnInstant } from '#domain/promised.ts'
import type {
  ArmingRepository,
  CallRepository,
  PromiseRepository,
  SetpointRepository,
} from '#store-ports.ts'
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
              c.request.congestionPointId === filter.congestionPointId) &&
            (filter.windowsFrom === undefined || c.request.window.start >= filter.windowsFrom) &&
            (filter.endsAfter === undefined || c.request.window.end > filter.endsAfter),
        )
        .sort((a, b) => a.requestedAt - b.requestedAt || (a.id < b.id ? -1 : 1))
        .slice(filter.last === undefined ? 0 : -filter.last),
  }
}

export function memoryPromises(makeTable: MakeTable): PromiseRepository {
  /** By resource, each in the order of its periods. */
  const promises = makeTable<readonly Promised[]>()
  const replace = (id: ResourceId, mine: readonly Promised[]) => {
    if (mine.length === 0) promises.delete(id)
    else promises.set(id, mine)
  }
  return {
    async take(callId, wanted, role) {
      return wanted.filter((period) => {
        const { resourceId, periodStart, periodEnd } = period
        const known = promises.get(resourceId) ?? []
        const inTheWay = known.filter((other) => !mayStandBeside(other, period))
        const isOwnReserve = ({ callId: holder, ...one }: Promised) =>
          role === 'order' &&
          holder === callId &&
          one.role === 'reserve' &&
          one.periodStart === periodStart &&
          one.periodEnd === periodEnd
        if (!inTheWay.every(isOwnReserve)) return false
        const others = known.filter((other) => !inTheWay.includes(other))
        const mine = [...others, { resourceId, periodStart, periodEnd, callId, role }]
        promises.set(
          resourceId,
          mine.sort((a, b) => a.periodStart - b.periodStart),
        )
        return true
      })
    },
    lockCongestionPoint: async () => undefined, // one transaction at a time anyway
    taken: async (resourceIds, from, until) =>
      [...new Set(resourceIds)].sort().flatMap((id) => {
        const asked = { periodStart: from, periodEnd: until }
        return (promises.get(id) ?? []).filter((one) => shareAnInstant(one, asked))
      }),
    async release(callId, from, resourceIds) {
      for (const [id, known] of promises.entries()) {
        if (resourceIds !== undefined && !resourceIds.includes(id as ResourceId)) continue
        const left = known.filter((one) => one.callId !== callId || one.periodStart < from)
        if (left.length !== known.length) replace(id as ResourceId, left)
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

export function memoryArmings(makeTable: MakeTable): ArmingRepository {
  const armings = makeTable<Arming>()
  const byPlace = (a: Arming, b: Arming) =>
    order(a.resourceId, b.resourceId) || order(a.callId, b.callId)
  return {
    async want(wanted) {
      for (const one of wanted) armings.add(`${one.callId} ${one.resourceId}`, one)
    },
    async progress(callId, resourceId, progress) {
      const key = `${callId} ${resourceId}`
      const row = armings.get(key)
      if (!row) throw new Error(`${callId} wanted nothing armed on ${resourceId}`)
      armings.set(key, progressed(row, progress))
    },
    open: async (resourceIds) =>
      armings
        .values()
        .filter(({ recording, refusal }) => recording === null && refusal === null)
        .filter(({ resourceId }) => resourceIds.includes(resourceId))
        .sort(byPlace),
    ofCall: async (callId) =>
      armings
        .values()
        .filter((one) => one.callId === callId)
        .sort(byPlace),
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

import type { ResourceId } from '#domain/ids.ts'
import type { Reading } from '#domain/telemetry.ts'
import type { Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import type { MakeTable } from './memory-store.ts'

type Head = Pick<Reading, 'resourceId' | 'gatewayId' | 'sequence' | 'hash'>

/** Readings in memory, of each resource in order of time: they are asked for again and again. */
export function memoryReadings(makeTable: MakeTable): StoreTransaction['readings'] {
  const readings = makeTable<readonly Reading[]>()
  const heads = makeTable<Head>()
  const of = (id: ResourceId) => readings.get(id) ?? []

  function add(resourceId: ResourceId, rows: readonly Reading[]): number {
    const mine = of(resourceId)
    const seen = new Set<Instant>()
    const fresh = rows.filter(({ at }) => {
      const isKnown = seen.has(at) || mine[firstAt(mine, at)]?.at === at
      seen.add(at)
      return !isKnown
    })
    if (fresh.length > 0) readings.set(resourceId, inOrder(mine, fresh))
    for (const { gatewayId, sequence, hash } of fresh) {
      const key = `${gatewayId} ${resourceId}`
      const head = heads.get(key)
      if (head !== undefined && head.sequence >= sequence) continue
      heads.set(key, { resourceId, gatewayId, sequence, hash })
    }
    return fresh.length
  }

  return {
    async append(rows) {
      const byResource = Map.groupBy(rows, ({ resourceId }) => resourceId)
      return [...byResource].reduce((sum, [id, mine]) => sum + add(id, mine), 0)
    },
    between: async (ids, from, until) =>
      sorted(ids).flatMap((id) => {
        const mine = of(id)
        return mine.slice(firstAt(mine, from), firstAfter(mine, until))
      }),
    async registersAt(ids, instants) {
      const when = new Set(instants)
      return sorted(ids).flatMap((id) =>
        of(id)
          .filter(({ at }) => when.has(at))
          .map(({ resourceId, at, registerWh }) => ({ resourceId, at, registerWh })),
      )
    },
    lastBefore: async (ids, at) =>
      sorted(ids).flatMap((id) => {
        const mine = of(id)
        return mine[firstAfter(mine, at) - 1] ?? []
      }),
    chainHeads: async (gatewayId) =>
      heads
        .values()
        .filter((head) => head.gatewayId === gatewayId)
        .sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1))
        .map(({ resourceId, sequence, hash }) => ({ resourceId, sequence, hash })),
  }
}

/** Both in order of time; what comes late is the exception. */
function inOrder(before: readonly Reading[], fresh: readonly Reading[]): readonly Reading[] {
  const all = [...before, ...fresh]
  const isLate = fresh.some(({ at }, i) => at < (all[before.length + i - 1]?.at ?? at))
  return isLate ? all.sort((a, b) => a.at - b.at) : all
}

/** Each id once, in order. */
function sorted(ids: readonly ResourceId[]): ResourceId[] {
  return [...new Set(ids)].sort()
}

/** The place of the first reading at or after an instant. */
function firstAt(readings: readonly Reading[], at: Instant): number {
  let [low, high] = [0, readings.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((readings[middle] as Reading).at < at) low = middle + 1
    else high = middle
  }
  return low
}

/** The place of the first reading after an instant. */
function firstAfter(readings: readonly Reading[], at: Instant): number {
  const place = firstAt(readings, at)
  return readings[place]?.at === at ? place + 1 : place
}

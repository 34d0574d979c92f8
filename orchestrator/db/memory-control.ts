import type { EmergencyStop } from '#domain/emergency-stop.ts'
import type { OwnerLimits } from '#domain/owner-limits.ts'
import type { PointLevel } from '#domain/step-limit.ts'
import type { ControlRepository } from '#store-ports.ts'
import type { MakeTable } from './memory-store.ts'

/** What owners allow, and stops of all control, in memory. */
export function memoryControl(makeTable: MakeTable): ControlRepository {
  const limits = makeTable<OwnerLimits>()
  const stops = makeTable<EmergencyStop>()
  const levels = makeTable<PointLevel>()
  return {
    lock: async () => undefined, // one transaction at a time anyway
    saveLimits: async (one) => limits.set(one.resourceId, one),
    limits: async (ids) => [...ids].sort().flatMap((id) => limits.get(id) ?? []),
    saveStop: async (stop) => stops.set(stop.id, stop),
    saveLevel: async (level) => levels.set(level.congestionPointId, level),
    level: async (id) => levels.get(id) ?? null,
    stops: async () => stops.values().sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)),
  }
}

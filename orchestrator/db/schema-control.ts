/** Tables of who may say what devices do. */
import { text } from 'drizzle-orm/pg-core'
import type { EmergencyStop } from '#domain/emergency-stop.ts'
import type { CongestionPointId, ResourceId } from '#domain/ids.ts'
import type { OwnerLimits } from '#domain/owner-limits.ts'
import type { PointLevel } from '#domain/step-limit.ts'
import { domainColumn, idColumn } from './columns.ts'
import { gridcall } from './schema.ts'

/** A resource without a row has what it was enrolled with. */
export const ownerLimits = gridcall.table('owner_limits', {
  resourceId: idColumn<ResourceId>().primaryKey(),
  body: domainColumn<OwnerLimits>().notNull(),
})

/** What was told to change lately, for the step limit. */
export const pointLevels = gridcall.table('point_levels', {
  congestionPointId: idColumn<CongestionPointId>().primaryKey(),
  body: domainColumn<PointLevel>().notNull(),
})

export const emergencyStops = gridcall.table('emergency_stops', {
  id: text().primaryKey(),
  body: domainColumn<EmergencyStop>().notNull(),
})

/** Tables of who may say what devices do. */
import { text } from 'drizzle-orm/pg-core'
import type { EmergencyStop } from '#domain/emergency-stop.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { OwnerLimits } from '#domain/owner-limits.ts'
import { domainColumn, idColumn } from './columns.ts'
import { gridcall } from './schema.ts'

/** A resource without a row has what it was enrolled with. */
export const ownerLimits = gridcall.table('owner_limits', {
  resourceId: idColumn<ResourceId>().primaryKey(),
  body: domainColumn<OwnerLimits>().notNull(),
})

export const emergencyStops = gridcall.table('emergency_stops', {
  id: text().primaryKey(),
  body: domainColumn<EmergencyStop>().notNull(),
})

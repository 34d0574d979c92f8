import { asc, desc, eq } from 'drizzle-orm'
import { DomainError } from '#domain/errors.ts'
import type { CongestionPoint, Organisation } from '#domain/resource.ts'
import type { OrganisationRepository } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { congestionPoints, feeders, organisations, programs } from './schema.ts'

export function organisationRepository(tx: Transaction): OrganisationRepository {
  return {
    async saveProgram(program) {
      await tx
        .insert(programs)
        .values({ dsoId: program.dsoId, body: program })
        .onConflictDoUpdate({ target: programs.dsoId, set: { body: program } })
    },
    async program(dsoId) {
      const [row] = await tx.select().from(programs).where(eq(programs.dsoId, dsoId))
      return row?.body ?? null
    },
    async save(organisation) {
      const { id, minimumPayoutCents = null, ...others } = organisation
      const rest = { ...others, minimumPayoutCents }
      await tx
        .insert(organisations)
        .values({ id, ...rest })
        .onConflictDoUpdate({ target: organisations.id, set: rest })
    },
    async find(id) {
      const [row] = await tx.select().from(organisations).where(eq(organisations.id, id))
      return row === undefined ? null : organisationOf(row)
    },
    async list(kind) {
      const rows = await tx
        .select()
        .from(organisations)
        .where(kind === undefined ? undefined : eq(organisations.kind, kind))
        .orderBy(asc(organisations.id))
      return rows.map(organisationOf)
    },
    async saveCongestionPoint({ id, dsoId, name, room = null }) {
      await tx
        .insert(congestionPoints)
        .values({ id, dsoId, name, room })
        .onConflictDoUpdate({ target: congestionPoints.id, set: { dsoId, name, room } })
    },
    async congestionPoint(id) {
      const [row] = await tx.select().from(congestionPoints).where(eq(congestionPoints.id, id))
      return row === undefined ? null : pointOf(row)
    },
    async congestionPoints() {
      const rows = await tx.select().from(congestionPoints).orderBy(asc(congestionPoints.id))
      return rows.map(pointOf)
    },
    async saveFeeder(feeder) {
      const { congestionPointId, version } = feeder
      const made = await tx
        .insert(feeders)
        .values({ congestionPointId, version, body: feeder })
        .onConflictDoNothing()
        .returning({ version: feeders.version })
      if (made.length === 0) throw feederIsThere(congestionPointId, version)
    },
    async feeder(id) {
      const [row] = await tx
        .select()
        .from(feeders)
        .where(eq(feeders.congestionPointId, id))
        .orderBy(desc(feeders.version))
        .limit(1)
      return row?.body ?? null
    },
  }
}

function feederIsThere(id: string, version: number): DomainError {
  return new DomainError('duplicate', `${id} has a feeder of version ${version} already`)
}

function organisationOf(row: typeof organisations.$inferSelect): Organisation {
  const { minimumPayoutCents, ...organisation } = row
  return minimumPayoutCents === null ? organisation : { ...organisation, minimumPayoutCents }
}

function pointOf(row: typeof congestionPoints.$inferSelect): CongestionPoint {
  const { room, ...point } = row
  return room === null ? point : { ...point, room }
}

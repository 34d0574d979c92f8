import { and, asc, eq, getTableColumns } from 'drizzle-orm'
import type { AttestationRepository } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { attestations, refusals } from './schema-records.ts'

const { verifierKey: _a, ordinal: _b, ...attestationColumns } = getTableColumns(attestations)
const { verifierKey: _c, ordinal: _d, ...refusalColumns } = getTableColumns(refusals)

export function attestationRepository(tx: Transaction): AttestationRepository {
  return {
    async save(attestation) {
      const verifierKey = attestation.verifier.toLowerCase()
      await tx
        .insert(attestations)
        .values({ ...attestation, verifierKey })
        .onConflictDoNothing()
    },
    async refuse(refusal) {
      const verifierKey = refusal.verifier.toLowerCase()
      await tx
        .insert(refusals)
        .values({ ...refusal, verifierKey })
        .onConflictDoNothing()
    },
    of: async (subject, subjectId) =>
      tx
        .select(attestationColumns)
        .from(attestations)
        .where(and(eq(attestations.subject, subject), eq(attestations.subjectId, subjectId)))
        .orderBy(asc(attestations.ordinal)),
    refusals: async (subject, subjectId) =>
      tx
        .select(refusalColumns)
        .from(refusals)
        .where(and(eq(refusals.subject, subject), eq(refusals.subjectId, subjectId)))
        .orderBy(asc(refusals.ordinal)),
  }
}

import { and, eq } from 'drizzle-orm'
import type { CallId } from '#domain/ids.ts'
import type { EvidenceStore } from '#store-ports.ts'
import type { Transaction } from './connection.ts'
import { evidence } from './schema-records.ts'

export function evidenceRepository(tx: Transaction): EvidenceStore {
  const load = async (callId: CallId, version: number): Promise<string | null> => {
    const [row] = await tx
      .select({ bundle: evidence.bundle })
      .from(evidence)
      .where(and(eq(evidence.callId, callId), eq(evidence.version, version)))
    return row?.bundle ?? null
  }
  return {
    async save(callId, version, bundle) {
      const made = await tx
        .insert(evidence)
        .values({ callId, version, bundle })
        .onConflictDoNothing()
        .returning({ version: evidence.version })
      if (made.length === 0 && (await load(callId, version)) !== bundle) {
        throw new Error(`evidence ${callId} ${version} is already there with other bytes`)
      }
    },
    load,
  }
}

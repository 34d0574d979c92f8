import { DomainError } from '#domain/errors.ts'
import type { CongestionPointId, OrganisationId } from '#domain/ids.ts'
import { feederHash, readFeeder, type StoredFeeder } from '#domain/network/stored-feeder.ts'
import type { Ports } from '#ports.ts'

/**
 * Keeps a feeder for a congestion point as its next version; the same again changes nothing. Calls
 * that have been offered keep the version that stands in their terms. `dsoId` null: for whomever.
 * @throws DomainError malformed, not-found
 */
export async function saveFeeder(
  ports: Ports,
  dsoId: OrganisationId | null,
  congestionPointId: CongestionPointId,
  { branch: branchId, feeder: raw }: { readonly branch: string; readonly feeder: unknown },
): Promise<StoredFeeder> {
  const { text } = readFeeder(raw, branchId)
  return ports.store.transaction(async (tx) => {
    const point = await tx.organisations.congestionPoint(congestionPointId)
    if (point === null || (dsoId !== null && point.dsoId !== dsoId)) {
      throw new DomainError('not-found', `there is no congestion point ${congestionPointId}`)
    }
    // No offer is made meanwhile, and no other version.
    await tx.promises.lockCongestionPoint(congestionPointId)
    const before = await tx.organisations.feeder(congestionPointId)
    if (before?.text === text && before.branchId === branchId) return before
    const feeder: StoredFeeder = {
      congestionPointId,
      version: (before?.version ?? 0) + 1,
      branchId,
      text,
      hash: feederHash(text),
      importedAt: ports.clock.now(),
    }
    await tx.organisations.saveFeeder(feeder)
    return feeder
  })
}

import { bundleText, headOf } from '#domain/evidence.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { DecidedLine, HeldRest } from '#domain/held-rest.ts'
import { completeBundle, measure } from '#domain/measurement.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { gatherEvidence } from './measure-call.ts'
import { stateFindings } from './state-findings.ts'

/**
 * Closes the evidence of a later round: with all readings that have come by now, or with what the
 * arbiter decided. Where all that is held stays under a finding, there is nothing to sign.
 */
export async function measureHeld(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  rest: HeldRest,
  decisions: readonly DecidedLine[] | null,
): Promise<void> {
  if (decisions === null && rest.triedAt !== null) return
  const now = ports.clock.now()
  const rests = await tx.rests.list({ callId: call.id })
  const versions = rests.map(({ evidence }) => evidence?.version ?? 0)
  const version = 1 + Math.max(await lastVersion(tx, call), ...versions)
  const { id: requestId, heldBy, round, amount, fromVersion, lines, challenged } = rest
  const known = { requestId, heldBy, round, amount, fromVersion, lines, decisions }
  const terms = challenged ? { ...known, challenged } : known
  const evidence = await gatherEvidence(ports, tx, call, version)
  const stated = await stateFindings(tx, call, measure(evidence))
  const bundle = completeBundle({ ...evidence, stated, rest: terms })
  const isUnchanged = bundle.settlement.lines.every(
    (line) => line.held === lines.find(({ resourceId }) => resourceId === line.resourceId)?.held,
  )
  if (isUnchanged) return tx.rests.save({ ...rest, triedAt: now })
  await tx.evidence.save(call.id, version, bundleText(bundle))
  await tx.rests.save({
    ...rest,
    state: 'measured',
    decisions,
    evidence: headOf(bundle, now),
    settlement: bundle.settlement,
  })
}

/** A version that was signed too late to count is in the store all the same. */
async function lastVersion(tx: StoreTransaction, { id, evidence }: FlexibilityCall) {
  let version = evidence?.version ?? 0
  while ((await tx.evidence.load(id, version + 1)) !== null) version += 1
  return version
}

import { hasCurves } from '#domain/armed-curve.ts'
import { canonicalJson } from '#domain/canonical.ts'
import { type EvidenceBundle, ROUND_MAX } from '#domain/evidence.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { measure, stoodBy } from '#domain/measurement.ts'
import { parseBundle } from '#domain/verification.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { closeEvidence, gatherEvidence } from './measure-call.ts'
import { windowReadings } from './window-readings.ts'

/**
 * Readings and recordings that came after a call's evidence was closed open it again: a new version
 * with what follows from them, and the old one stays as it was. Until the gate, which is the proposal to the
 * pool: what comes later counts in the next round of what is held. A call with a line in dispute
 * waits for that round too. Safe to run twice.
 */
export async function remeasureCall(ports: Ports, callId: CallId): Promise<void> {
  const changed = await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (!(await isOpen(tx, call))) return false
    const closed = call.evidence?.version ?? 0
    const bundle = async () => parseBundle((await tx.evidence.load(call.id, closed)) ?? '')
    const isLate = (await hasLateReadings(tx, call)) || (await hasLateRecordings(tx, call, bundle))
    if (!isLate) return false
    const evidence = await gatherEvidence(ports, tx, call, closed + 1)
    const deliveries = measure(evidence)
    const before = await bundle()
    const isSame = canonicalJson(deliveries) === canonicalJson(before.deliveries)
    const [now, then] = [stoodBy(evidence, deliveries), stoodBy(before, before.deliveries)]
    if (isSame && canonicalJson(now) === canonicalJson(then)) return false
    await closeEvidence(tx, call, evidence, deliveries, ports.clock.now())
    return true
  })
  if (changed) await ports.wakeUps.notify('events')
}

async function isOpen(tx: StoreTransaction, call: FlexibilityCall): Promise<boolean> {
  const { id, state, standing, evidence } = call
  if (state !== 'measured' || standing || !evidence) return false
  // Some numbers are left for disputes and for what is held.
  if (evidence.version >= ROUND_MAX / 2) return false
  if ((await tx.chain.intent(`propose:${id}:${evidence.version}`)) !== null) return false
  return (await tx.disputes.ofCall(id)).length === 0
}

async function hasLateReadings(tx: StoreTransaction, call: FlexibilityCall): Promise<boolean> {
  const closedAt = call.evidence?.closedAt
  if (closedAt === undefined) return false
  const readings = await windowReadings(tx, call)
  return readings.some(({ receivedAt }) => receivedAt >= closedAt)
}

/** What devices recorded themselves carries no time at which it came: what was not there is late. */
async function hasLateRecordings(
  tx: StoreTransaction,
  { id, program }: FlexibilityCall,
  closed: () => Promise<EvidenceBundle>,
): Promise<boolean> {
  if (!hasCurves(program)) return false
  const now = (await tx.armings.ofCall(id)).filter(({ recording }) => recording !== null)
  const { armings = [] } = await closed()
  // One that nobody vouches for was refused, and stays so.
  const known = armings.filter(({ recording, refusal }) => recording !== null || refusal !== null)
  const ids = new Set(known.map(({ resourceId }) => resourceId))
  return now.some(({ resourceId }) => !ids.has(resourceId))
}

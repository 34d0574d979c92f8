import { hasCurves } from '#domain/armed-curve.ts'
import { type Arming, vouchedFor } from '#domain/arming.ts'
import { hashOf } from '#domain/canonical.ts'
import { patientUntil } from '#domain/compliance.ts'
import type { Delivery } from '#domain/delivery.ts'
import {
  bundleText,
  type CallTerms,
  headOf,
  type OrderEvidence,
  parseEvidence,
  verifiable,
} from '#domain/evidence.ts'
import { deliveryEnd, type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import type { CallId, Hex, ResourceId } from '#domain/ids.ts'
import { completeBundle, type Evidence, isIncomplete, measure } from '#domain/measurement.ts'
import { assurancesOf, shownRecords } from '#domain/signed-meter/vouch.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'
import { listeningTo } from './listening-to.ts'
import { stateFindings } from './state-findings.ts'
import { windowReadings } from './window-readings.ts'

/**
 * After window and grace: measures what was delivered, splits the escrow and closes the evidence
 * bundle that verifiers recompute. A service that has just come back waits for what its devices
 * kept meanwhile. Safe to run twice.
 */
export async function measureCall(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const now = ports.clock.now()
    if (call.state !== 'dispatched' || call.releasedAt === null) return
    if (now < addSeconds(deliveryEnd(call), call.program.graceSeconds)) return
    const evidence = await gatherEvidence(ports, tx, call, (call.evidence?.version ?? 0) + 1)
    const deliveries = measure(evidence)
    const mayWait = isIncomplete(evidence, deliveries)
    if (mayWait && now < (await patience(ports, tx, call))) return
    await closeEvidence(tx, call, evidence, deliveries, now)
  })
  await ports.wakeUps.notify('events')
}

/** Closes a version of the evidence with what was found and what follows: the call is measured. */
export async function closeEvidence(
  tx: StoreTransaction,
  call: FlexibilityCall,
  evidence: Evidence,
  deliveries: readonly Delivery[],
  now: Instant,
): Promise<void> {
  const stated = await stateFindings(tx, call, deliveries)
  const bundle = completeBundle({ ...evidence, stated })
  const { settlement, version } = bundle
  await tx.evidence.save(call.id, version, bundleText(bundle))
  const head = headOf(bundle, now)
  await tx.calls.save({ ...transition(call, 'measured'), evidence: head, settlement })
  const { deliveredWh, orderedWh, deficientWh } = settlement
  const late = version > 1 ? 'late readings: ' : ''
  const message = `${late}delivered ${deliveredWh} of ${orderedWh} Wh ordered`
  const data = { deliveredWh, orderedWh, deficientWh, ...(version > 1 ? { version } : {}) }
  await tx.events.append([callEvent(call, 'call-measured', now, message, { data })])
}

/** As long as a device of the call may only have been out of our hearing. */
async function patience(
  ports: Ports,
  tx: StoreTransaction,
  { allocations, program }: FlexibilityCall,
): Promise<Instant> {
  const ids = allocations.map((allocation) => allocation.resourceId)
  const since = await listeningTo(ports, tx, ids)
  const latest = instant(Math.max(ports.startedAt, ...since.values()))
  return patientUntil(latest, ports.clock.speed, program)
}

/** Everything that a bundle of this version is computed from, with the readings of now. */
export async function gatherEvidence(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  version: number,
): Promise<Evidence> {
  const { escrow, windowStartCommitment, before, allocations, corrections } = call
  if (!escrow || !windowStartCommitment) throw new Error(`${call.id} was never dispatched`)
  const ids = allocations.map((allocation) => allocation.resourceId)
  const ordered = await tx.evidence.load(call.id, 0)
  if (ordered === null) throw new Error(`${call.id} has no evidence of its order`)
  const { terms, history } = parseEvidence(ordered) as OrderEvidence
  const control = terms.control.map(({ resourceId }) => resourceId)
  const readings = await windowReadings(tx, call, control)
  const signed = await tx.signedRecords.between(ids, call.request.window.start, deliveryEnd(call))
  const measured = {
    terms,
    allocations,
    readings: verifiable(terms, readings),
    signedRecords: shownRecords(signed),
  }
  return {
    format: 'gridcall-evidence',
    formatVersion: 1,
    version,
    ...measured,
    ...(call.activations === undefined ? {} : { activations: call.activations }),
    ...(hasCurves(call.program) ? { armings: await recordedOf(ports, tx, terms) } : {}),
    assurances: assurancesOf(measured, ports.checkMeterSignature),
    escrow: { terms: escrow.terms, requestId: escrow.requestId },
    deliveryEnd: deliveryEnd(call),
    history,
    before,
    windowStartCommitment,
    stated: [],
    ...(corrections === undefined ? {} : { corrections }),
    salts: ids.map((resourceId) => ({ resourceId, salt: saltFor(ports, call.id, resourceId) })),
  }
}

/** What was armed, with the recordings that a gateway of the terms vouches for. */
async function recordedOf(
  { verifySignature, log }: Ports,
  tx: StoreTransaction,
  terms: CallTerms,
): Promise<Arming[]> {
  const { callId } = terms
  const known = await tx.armings.ofCall(callId)
  const armings = vouchedFor(known, terms, verifySignature)
  armings.forEach(({ resourceId, recording, refusal }, i) => {
    if (recording !== null || !known[i]?.recording) return
    log.warn('a recording was not taken', { callId, resourceId, why: refusal })
  })
  return armings
}

/** Unguessable without the gateway's key, and the same after a crash. */
function saltFor(ports: Ports, callId: CallId, resourceId: ResourceId): Hex {
  const signature = ports.gateway.signer.sign(hashOf({ salt: 'leaf', callId, resourceId }))
  return hashOf({ signature })
}

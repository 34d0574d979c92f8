import {
  type Dispute,
  disputableUntil,
  disputedLines,
  type DisputeReason,
  type DisputingParty,
} from '#domain/dispute.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import { bundleText, type EvidenceBundle, headOf, parseEvidence } from '#domain/evidence.ts'
import { type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import { completeBundle } from '#domain/measurement.ts'
import type { SettlementLine } from '#domain/settlement.ts'
import { formatInstant, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { resourceEvent } from './announce.ts'

export type DisputeInput = {
  readonly callId: CallId
  readonly resourceId: ResourceId
  readonly party: DisputingParty
  readonly reason: DisputeReason
  readonly text: string
}

/**
 * A party objects to a line: a new version of the evidence holds the line and pays the others, and
 * waits for the verifiers' signatures like the first. Safe to run twice.
 * @throws DomainError not-found (no such line of this party's), duplicate, wrong-state (too early
 * or too late, or nothing of the line can be held), unavailable (just now being proposed)
 */
export async function disputeLine(ports: Ports, input: DisputeInput): Promise<Dispute> {
  const dispute = await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(input.callId)
    const line = lineOf(call, input)
    const known = await tx.disputes.ofCall(call.id)
    const mine = known.find(({ resourceId }) => resourceId === input.resourceId)
    if (mine) return again(mine, input)
    const now = ports.clock.now()
    await requireOpen(ports, tx, call, now)
    const { callId, resourceId, party, reason, text } = input
    const undecided = { decidedAt: null, decidedBy: null, paid: null, note: null }
    const words = { raisedBy: party, reason, text, raisedAt: now }
    const raised: Dispute = { callId, resourceId, ...words, state: 'open', ...undecided }
    const all = [...known.filter(({ state }) => state === 'open'), raised]
    const bundle = await withHeldLines(tx, call, all)
    const held = bundle.settlement.lines.find((each) => each.resourceId === resourceId)?.held
    if (!held) {
      const expected = 'a line of which something can be held'
      throw fieldError('wrong-state', 'resourceId', expected, `${resourceId} (${line.reason})`)
    }
    await tx.disputes.save(raised)
    await tx.evidence.save(call.id, bundle.version, bundleText(bundle))
    const { settlement } = bundle
    const evidence = headOf(bundle, now)
    await tx.calls.save({ ...transition(call, 'measured'), evidence, settlement })
    const message = `the ${party.role} disputes the line of ${resourceId} (${reason}): it is held`
    const data = { reason, heldMinor: held.toString() }
    const event = resourceEvent(call, 'line-disputed', now, resourceId, message, {
      notice: true,
      data,
    })
    await tx.events.append([{ ...event, ownerId: line.ownerId }])
    return raised
  })
  await ports.wakeUps.wakeCall(input.callId, ports.clock.now())
  await ports.wakeUps.notify('events')
  return dispute
}

/** What is not yours does not exist for you. */
function lineOf(call: FlexibilityCall, { resourceId, party }: DisputeInput): SettlementLine {
  const line = call.settlement?.lines.find((each) => each.resourceId === resourceId)
  const isMine =
    party.role === 'dso'
      ? call.dsoId === party.organisationId
      : party.role === 'aggregator'
        ? line?.aggregatorId === party.organisationId
        : line?.ownerId === party.ownerId
  if (!line || !isMine) {
    throw fieldError('not-found', 'resourceId', 'a measured line of yours in this call', resourceId)
  }
  return line
}

function again(known: Dispute, { party }: DisputeInput): Dispute {
  const { role, organisationId, ownerId } = known.raisedBy
  const isSame =
    role === party.role && organisationId === party.organisationId && ownerId === party.ownerId
  if (isSame) return known
  throw fieldError('duplicate', 'resourceId', 'a line nobody disputes', `disputed by the ${role}`)
}

async function requireOpen(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  now: Instant,
): Promise<void> {
  const until = await disputeDeadline(ports, tx, call)
  if (until === null) {
    throw fieldError('wrong-state', 'callId', 'a call that is measured, not settled', call.state)
  }
  if (now > until) {
    const expected = `a dispute until ${formatInstant(until)}`
    throw fieldError('wrong-state', 'raisedAt', expected, formatInstant(now))
  }
  const proposal = await tx.chain.intent(`propose:${call.id}:${call.evidence?.version}`)
  const isUnderWay = proposal?.state === 'pending' || proposal?.state === 'sent'
  const isMinedOnly = proposal?.state === 'mined' && call.state === 'measured'
  if (isUnderWay || isMinedOnly) {
    const message = 'the settlement is just being proposed to the pool: try again in a minute'
    throw new DomainError('unavailable', message)
  }
}

/** Until when a line of the call can be disputed; null: not in its state. */
export async function disputeDeadline(
  ports: Ports,
  tx: StoreTransaction,
  { state, standing, escrow }: FlexibilityCall,
): Promise<Instant | null> {
  if ((state !== 'measured' && state !== 'verified') || !escrow) return null
  if (state === 'measured' && !standing) return escrow.terms.settleBy
  const { requestId } = escrow
  const proposals = await tx.chain.events({ kind: 'SettlementProposed', requestId })
  const last = proposals.at(-1)
  if (last?.kind !== 'SettlementProposed') return null
  return disputableUntil(instant(last.windowEnd * 1000), ports.rail.parties.disputeWindowSeconds)
}

/**
 * From the evidence as it stands, not from new readings: what comes next to a proposal may hold
 * more and pay nobody more.
 */
async function withHeldLines(
  tx: StoreTransaction,
  call: FlexibilityCall,
  disputes: readonly Dispute[],
): Promise<EvidenceBundle> {
  const { evidence } = call
  if (!evidence) throw new Error(`${call.id} is ${call.state} without evidence`)
  const text = await tx.evidence.load(call.id, evidence.version)
  if (text === null) throw new Error(`${call.id} has no evidence ${evidence.version}`)
  const { deliveries: _d, settlement: _s, ...rest } = parseEvidence(text) as EvidenceBundle
  return completeBundle({
    ...rest,
    version: evidence.version + 1,
    disputed: disputedLines(disputes),
  })
}

import { statementOfRest } from '#domain/evidence.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import type { Address, Hex, ResourceId } from '#domain/ids.ts'
import { type MicroEur, microEur } from '#domain/money.ts'
import { isMember, settlingSet, signaturesOf } from '#domain/settling-set.ts'
import { addSeconds, type Instant, secondsBetween } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent, resourceEvent } from './announce.ts'
import { finalSplit, splitEntries, splitWords } from './book-split.ts'
import { keepHeld } from './keep-held.ts'
import { measureHeld } from './measure-held.ts'

/**
 * Moves everything that is on hold: measures it again once that is due, proposes what enough
 * verifiers or the arbiter signed, has it finalised, and lets the deadline give it back. Safe to
 * run twice. Returns when time alone makes the next step due.
 */
export async function settleHeld(ports: Ports): Promise<Instant | null> {
  const states = ['held', 'measured', 'proposed', 'settled'] as const
  const open = await ports.store.transaction((tx) => tx.rests.list({ states }))
  let next: Instant | null = null
  let isNews = false
  for (const { id, callId } of open) {
    const { due, moved } = await ports.store.transaction(async (tx) => {
      const call = await tx.calls.lock(callId)
      const rest = await tx.rests.find(id)
      if (!rest) throw new Error(`there is no held rest ${id}`)
      const now = ports.clock.now()
      await step(ports, tx, call, rest, now)
      const after = (await tx.rests.find(id)) ?? rest
      return { due: nextDue(ports, call, after, now), moved: after.state !== rest.state }
    })
    isNews ||= moved
    if (due !== null && (next === null || due < next)) next = due
  }
  if (isNews) {
    await ports.wakeUps.notify('chain')
    await ports.wakeUps.notify('events')
  }
  return next
}

async function step(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  rest: HeldRest,
  now: Instant,
): Promise<void> {
  switch (rest.state) {
    case 'held':
    case 'measured': {
      if (await isRefunded(ports, tx, call, rest, now)) return
      if (rest.state === 'held' && now >= measureFrom(ports, call, rest)) {
        return measureHeld(ports, tx, call, rest, null)
      }
      return rest.state === 'measured' ? propose(ports, tx, call, rest) : undefined
    }
    case 'proposed':
      return finalise(ports, tx, call, rest, now)
    case 'settled':
      return markPaid(tx, rest)
    default:
  }
}

/**
 * An arbiter has the first half of the time; without one it is measured again after the grace. A
 * share that was held as provisional waits for the policy's true-up, at most three quarters of it.
 */
function measureFrom({ rail }: Ports, { program }: FlexibilityCall, rest: HeldRest): Instant {
  const whole = secondsBetween(rest.heldAt, rest.settleBy)
  const { provisionalShareBp, trueUpSeconds } = program.paymentPolicy
  const patience = rail.parties.arbiter === null ? program.graceSeconds : Math.floor(whole / 2)
  const trueUp = provisionalShareBp < 10_000 ? trueUpSeconds : 0
  const wanted = Math.max(patience, trueUp)
  return addSeconds(rest.heldAt, Math.min(wanted, Math.floor((whole * 3) / 4)))
}

function refundFrom({ rail }: Ports, rest: HeldRest): Instant {
  return addSeconds(rest.settleBy, rail.parties.refundGraceSeconds + 1)
}

function nextDue(
  ports: Ports,
  call: FlexibilityCall,
  rest: HeldRest,
  now: Instant,
): Instant | null {
  if (rest.state === 'proposed') return addSeconds(now, ports.rail.parties.disputeWindowSeconds)
  if (rest.state !== 'held' && rest.state !== 'measured') return null
  const refund = refundFrom(ports, rest)
  const measured = measureFrom(ports, call, rest)
  return rest.state === 'held' && rest.triedAt === null && measured > now ? measured : refund
}

/** Nobody decided in time: the pool gives it back to the DSO, which anyone may trigger. */
async function isRefunded(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  rest: HeldRest,
  now: Instant,
): Promise<boolean> {
  const requestId = rest.id
  const [back] = await tx.chain.events({ kind: 'RequestRefunded', requestId })
  if (back?.kind === 'RequestRefunded') {
    await tx.ledger.post(`refund-held:${rest.id}`, [
      { account: `held:${call.id}`, amount: -back.amount, at: now },
      { account: `dso:${call.dsoId}`, amount: back.amount, at: now },
    ])
    await withdraw(tx, call, rest.id)
    await tx.rests.save({ ...rest, state: 'refunded', settledAt: now })
    const nothing = () => microEur(0n)
    await closeDisputes(tx, call, rest, 'deadline', nothing, now)
    const message = `nobody decided in time: ${back.amount} micro-EUR on hold go back to the DSO`
    await tx.events.append([callEvent(call, 'held-refunded', now, message, { notice: true })])
    return true
  }
  if (now < refundFrom(ports, rest)) return false
  await tx.chain.intend(`refund-rest:${rest.id}`, { kind: 'refundExpired', requestId })
  return true
}

/** One verifier more than the quorum (all, where the quorum is all), or the arbiter where it decided. */
async function propose(
  { rail: { parties } }: Ports,
  tx: StoreTransaction,
  { escrow }: FlexibilityCall,
  rest: HeldRest,
): Promise<void> {
  const statement = statementOfRest(rest)
  if (!statement || !rest.evidence) throw new Error(`${rest.id} is measured without evidence`)
  if (!escrow) throw new Error(`${rest.id} is held of a call without an escrow`)
  const set = settlingSet(parties, escrow.terms.verifierSetId)
  const { version } = rest.evidence
  const requestId = rest.id
  const proposals = await tx.chain.events({ kind: 'SettlementProposed', requestId })
  const seen = proposals.some(
    (event) => event.kind === 'SettlementProposed' && event.evidenceRoot === statement.evidenceRoot,
  )
  if (seen) return tx.rests.save({ ...rest, state: 'proposed' })
  const all = await tx.attestations.of('settlement', rest.callId)
  const isArbiter = (who: string) => who.toLowerCase() === parties.arbiter?.toLowerCase()
  const counts = (who: Address) =>
    rest.decisions === null ? isMember(set, who) && !isArbiter(who) : isArbiter(who)
  const mine = all.filter((each) => each.version === version && counts(each.verifier))
  const needed = rest.decisions === null ? Math.min(set.quorum + 1, set.verifiers.length) : 1
  if (mine.length < needed) return
  const signatures = signaturesOf(mine)
  const intent = { kind: 'proposeSettlement', statement, signatures } as const
  await tx.chain.intend(`propose-rest:${rest.id}:${version}`, intent)
}

async function finalise(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  rest: HeldRest,
  now: Instant,
): Promise<void> {
  const { settlement: signed, evidence } = rest
  if (!signed || !evidence) throw new Error(`${rest.id} is proposed without evidence`)
  const requestId = rest.id
  const [final] = await tx.chain.events({ kind: 'RequestFinalized', requestId })
  if (final?.kind !== 'RequestFinalized') {
    const proposals = await tx.chain.events({ kind: 'SettlementProposed', requestId })
    const last = proposals.at(-1)
    if (last?.kind !== 'SettlementProposed' || now <= last.windowEnd * 1000) return
    await tx.chain.intend(`finalize-rest:${rest.id}`, { kind: 'finalize', requestId })
    return
  }
  const { settlement, challenged } = await finalSplit(tx, final, signed)
  const entries = splitEntries(call, settlement, `held:${call.id}`, now)
  await tx.ledger.post(`settle-held:${rest.id}`, entries)
  const round = { settlement, evidence, heldBy: rest.id, before: rest.lines, challenged }
  await keepHeld(tx, call, round, now)
  if (settlement.refund > 0n) await withdraw(tx, call, rest.id)
  const state = settlement.payout > 0n ? 'settled' : 'paid'
  await tx.rests.save({ ...rest, settlement, state, settledAt: now })
  const paid = (resourceId: ResourceId) => {
    const line = settlement.lines.find((each) => each.resourceId === resourceId)
    return line && line.held === 0n ? line.gross : null
  }
  const by = rest.decisions === null ? 'verifiers' : 'arbiter'
  await closeDisputes(tx, call, rest, by, paid, now)
  const message = `what was on hold is settled: ${splitWords(settlement)}`
  await tx.events.append([callEvent(call, 'held-settled', now, message, { notice: true })])
}

async function markPaid(tx: StoreTransaction, rest: HeldRest): Promise<void> {
  const epochs = await tx.payouts.list()
  const mine = epochs.find((epoch) => epoch.requestIds.includes(rest.id))
  if (mine?.state === 'paid') await tx.rests.save({ ...rest, state: 'paid' })
}

/** The DSO's part leaves the pool at once; it needs no epoch. */
async function withdraw(tx: StoreTransaction, { escrow }: FlexibilityCall, id: Hex): Promise<void> {
  if (!escrow) return
  const account = escrow.terms.payer
  await tx.chain.intend(`withdraw-rest:${id}`, { kind: 'withdrawCredit', account })
}

async function closeDisputes(
  tx: StoreTransaction,
  call: FlexibilityCall,
  rest: HeldRest,
  decidedBy: 'verifiers' | 'arbiter' | 'deadline',
  paidFor: (resourceId: ResourceId) => MicroEur | null,
  at: Instant,
): Promise<void> {
  for (const dispute of await tx.disputes.ofCall(call.id)) {
    const { resourceId } = dispute
    const isMine = rest.lines.some((line) => line.resourceId === resourceId)
    const paid = paidFor(resourceId)
    if (dispute.state !== 'held' || !isMine || paid === null) continue
    await tx.disputes.save({ ...dispute, state: 'decided', decidedAt: at, decidedBy, paid })
    const by = { verifiers: 'the verifiers', arbiter: 'the arbiter', deadline: 'the deadline' }
    const held = rest.lines.find((line) => line.resourceId === resourceId)?.held ?? 0n
    const share = paid === 0n ? 'nothing' : paid === held ? 'all' : 'a part'
    const message = `${by[decidedBy]} decided on ${resourceId}: ${share} of what was on hold is paid`
    const data = { decidedBy, paidMinor: paid.toString(), heldMinor: held.toString() }
    const event = resourceEvent(call, 'dispute-decided', at, resourceId, message, {
      notice: true,
      data,
    })
    const ownerId = call.settlement?.lines.find((l) => l.resourceId === resourceId)?.ownerId
    await tx.events.append([{ ...event, ownerId: ownerId ?? null }])
  }
}

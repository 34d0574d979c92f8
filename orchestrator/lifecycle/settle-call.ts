import { type FlexibilityCall, type Standing, transition } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { CallSettlement } from '#domain/settlement.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'
import { finalSplit, splitEntries, splitWords } from './book-split.ts'
import { keepHeld } from './keep-held.ts'

/**
 * The dispute window has passed: has the pool finalise what stands proposed, and once it has, books
 * it. A dispute whose held line no quorum signed in time changes nothing. Safe to run twice.
 */
export async function settleCall(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const standing = standingOf(call)
    if (!standing || !call.escrow) return
    const { requestId } = call.escrow
    const now = ports.clock.now()
    await announceChallenge(tx, call, now)
    const [final] = await tx.chain.events({ kind: 'RequestFinalized', requestId })
    if (final?.kind === 'RequestFinalized') {
      const { evidence } = standing
      const { settlement, challenged } = await finalSplit(tx, final, standing.settlement)
      const entries = splitEntries(call, settlement, `escrow:${call.id}`, now)
      await tx.ledger.post(`settle:${callId}`, entries)
      const round = { settlement, evidence, heldBy: requestId, before: [], challenged }
      await keepHeld(tx, call, round, now)
      await closeDisputes(tx, call, settlement)
      await tx.calls.save({ ...transition(call, 'settled'), settlement, evidence, standing })
      await tx.events.append([callEvent(call, 'call-settled', now, splitWords(settlement))])
      return
    }
    const proposals = await tx.chain.events({ kind: 'SettlementProposed', requestId })
    const proposed = proposals.at(-1)
    if (proposed?.kind !== 'SettlementProposed') return
    const windowEnd = instant(proposed.windowEnd * 1000)
    if (now < addSeconds(windowEnd, 1)) return
    await tx.chain.intend(`finalize:${callId}`, { kind: 'finalize', requestId })
  })
  await ports.wakeUps.notify('chain')
  await ports.wakeUps.notify('events')
}

/** Everybody concerned hears of a challenge at once, and once. */
async function announceChallenge(tx: StoreTransaction, call: FlexibilityCall, now: Instant) {
  const requestId = call.escrow?.requestId
  if (requestId === undefined) return
  const [found] = await tx.chain.events({ kind: 'SettlementChallenged', requestId })
  if (found?.kind !== 'SettlementChallenged') return
  const told = await tx.events.ofCall(call.id)
  if (told.some(({ kind }) => kind === 'settlement-challenged')) return
  const message = `the settlement was challenged: ${found.amount} micro-EUR wait for more verifiers`
  const data = { amountMinor: found.amount.toString(), bondMinor: found.bond.toString() }
  const options = { notice: true, data }
  await tx.events.append([callEvent(call, 'settlement-challenged', now, message, options)])
}

/** What the pool will finalise; null while nothing stands proposed. */
function standingOf({ state, standing, evidence, settlement }: FlexibilityCall): Standing | null {
  if (state !== 'verified' && state !== 'measured') return null
  if (standing) return standing
  if (state !== 'verified' || !evidence || !settlement) return null
  return { round: evidence.version, evidence, settlement }
}

/** Each dispute either holds its line now, or came too late to. */
async function closeDisputes(
  tx: StoreTransaction,
  call: FlexibilityCall,
  settlement: CallSettlement,
): Promise<void> {
  for (const dispute of await tx.disputes.ofCall(call.id)) {
    if (dispute.state !== 'open') continue
    const line = settlement.lines.find(({ resourceId }) => resourceId === dispute.resourceId)
    const holds = (code: string) => code.startsWith('disputed-by-') || code === 'challenged'
    const isHeld = line?.heldFor?.some(holds) ?? false
    await tx.disputes.save({ ...dispute, state: isHeld ? 'held' : 'too-late' })
  }
}

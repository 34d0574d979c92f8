import { statementOfCall } from '#domain/evidence.ts'
import { transition } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { isMember, settlingSet, signaturesOf } from '#domain/settling-set.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/**
 * Enough verifiers have signed the same result: it is proposed to the pool, and once the pool has
 * it the call is verified. Safe to run twice.
 */
export async function verifyCall(ports: Ports, callId: CallId): Promise<void> {
  const proposed = await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (call.state !== 'measured' || !call.evidence || !call.escrow) return false
    const { version } = call.evidence
    const { requestId, terms } = call.escrow
    const set = settlingSet(ports.rail.parties, terms.verifierSetId)
    const all = await tx.attestations.of('settlement', callId)
    const mine = all.filter((each) => each.version === version && isMember(set, each.verifier))
    if (mine.length < set.quorum) return false
    const statement = statementOfCall(call)
    if (statement === null) throw new Error(`${callId} is measured without a settlement`)
    const { evidenceRoot, round } = statement
    const proposals = await tx.chain.events({ kind: 'SettlementProposed', requestId })
    const seen = proposals.some(
      (event) =>
        event.kind === 'SettlementProposed' &&
        event.round === round &&
        event.evidenceRoot === evidenceRoot,
    )
    if (seen && call.settlement) {
      const { evidence, settlement } = call
      await tx.calls.save({
        ...transition(call, 'verified'),
        standing: { round, evidence, settlement },
      })
      const message = `${mine.length} verifiers signed the same result`
      const event = callEvent(call, 'call-verified', ports.clock.now(), message)
      await tx.events.append([event])
      return true
    }
    const signatures = signaturesOf(mine)
    const key = `propose:${callId}:${version}`
    await tx.chain.intend(key, { kind: 'proposeSettlement', statement, signatures })
    return true
  })
  if (!proposed) return
  await ports.wakeUps.notify('chain')
  await ports.wakeUps.notify('events')
}

import { transition } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/**
 * Nothing was proposed by the deadline, nor in the grace that a pause may have moved it into: the
 * pool gives the whole escrow back to the DSO and hands it out, which anyone may trigger and we do.
 * Safe to run twice.
 */
export async function refundCall(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (!['ordered', 'dispatched', 'measured'].includes(call.state) || !call.escrow) return
    const { requestId, terms } = call.escrow
    const now = ports.clock.now()
    const [refunded] = await tx.chain.events({ kind: 'RequestRefunded', requestId })
    if (refunded?.kind === 'RequestRefunded') {
      const reason = 'no quorum of verifiers signed a result by the deadline'
      await tx.ledger.post(`refund:${callId}`, [
        { account: `escrow:${callId}`, amount: -refunded.amount, at: now },
        { account: `dso:${call.dsoId}`, amount: refunded.amount, at: now },
      ])
      await tx.chain.intend(`withdraw:${callId}`, { kind: 'withdrawCredit', account: terms.payer })
      await tx.calls.save({ ...transition(call, 'refunded'), reasons: [reason] })
      await tx.events.append([callEvent(call, 'call-refunded', now, reason, { notice: true })])
      return
    }
    if (now <= addSeconds(terms.settleBy, ports.rail.parties.refundGraceSeconds)) return
    await tx.chain.intend(`refund:${callId}`, { kind: 'refundExpired', requestId })
  })
  await ports.wakeUps.notify('chain')
  await ports.wakeUps.notify('events')
}

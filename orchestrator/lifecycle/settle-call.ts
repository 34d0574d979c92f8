import { addSeconds, instant } from '#domain/time.ts'
import { type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { LedgerEntry } from '#domain/ledger.ts'
import type { CallSettlement } from '#domain/settlement.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/**
 * The dispute window has passed: has the pool finalise the split, and once it has, books it.
 * Safe to run twice.
 */
export async function settleCall(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (call.state !== 'verified' || !call.escrow || !call.settlement) return
    const { requestId } = call.escrow
    const now = ports.clock.now()
    const [final] = await tx.chain.events({ kind: 'RequestFinalized', requestId })
    if (final?.kind === 'RequestFinalized') {
      const { payout, fee, held, refund } = call.settlement
      const agrees =
        final.payout === payout &&
        final.fee === fee &&
        final.held === held &&
        final.refund === refund
      if (!agrees) throw new Error(`${callId}: the pool split another sum than was measured`)
      await tx.ledger.post(`settle:${callId}`, splitEntries(call, call.settlement, now))
      await tx.calls.save(transition(call, 'settled'))
      const kept = held === 0n ? '' : `, on hold ${held}`
      const message = `paid out ${payout}, fee ${fee}${kept}, back to the DSO ${refund} micro-EUR`
      await tx.events.append([callEvent(call, 'call-settled', now, message)])
      return
    }
    const [proposed] = await tx.chain.events({ kind: 'SettlementProposed', requestId })
    if (proposed?.kind !== 'SettlementProposed') return
    const windowEnd = instant(proposed.windowEnd * 1000)
    if (now < addSeconds(windowEnd, 1)) return
    await tx.chain.intend(`finalize:${callId}`, { kind: 'finalize', requestId })
  })
  await ports.wakeUps.notify('chain')
  await ports.wakeUps.notify('events')
}

function splitEntries(
  call: FlexibilityCall,
  settlement: CallSettlement,
  at: LedgerEntry['at'],
): LedgerEntry[] {
  const sums = new Map<string, bigint>()
  const add = (account: string, amount: bigint) =>
    sums.set(account, (sums.get(account) ?? 0n) + amount)
  for (const line of settlement.lines) {
    add(`owner:${line.ownerId}`, line.ownerAmount)
    add(`aggregator:${line.aggregatorId}`, line.aggregatorAmount)
  }
  add('fee', settlement.fee)
  add(`dso:${call.dsoId}`, settlement.refund)
  const { payout, fee, held, refund } = settlement
  if (held > 0n) add(`held:${call.id}`, held)
  add(`escrow:${call.id}`, -(payout + fee + held + refund))
  return [...sums].map(([account, amount]) => ({ account, amount, at }))
}

import {
  type CallState,
  type FlexibilityCall,
  isReboundOpen,
  TERMINAL,
  TRANSITIONS,
} from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { REBOUND_SECONDS_MAX } from '#domain/rebound/rebound-periods.ts'
import { addSeconds } from '#domain/time.ts'
import type { Ports } from '#ports.ts'

const OPEN = (Object.keys(TRANSITIONS) as CallState[]).filter((state) => !TERMINAL.has(state))

/** A plan that was made late, after we had been away, ends that much later. */
const LATE_SECONDS = 12 * 3600

/**
 * The calls that something may still have to be done for: all that have not ended, cancelled
 * ones whose escrow has not been booked back yet (which waits for the chain), and those whose money
 * is dealt with while devices of theirs are still coming back, or that is not measured yet.
 */
export async function openCalls({
  store,
  clock,
}: Pick<Ports, 'store' | 'clock'>): Promise<CallId[]> {
  return store.transaction(async (tx) => {
    const open = await tx.calls.list({ states: OPEN })
    const cancelled = await tx.calls.list({ states: ['cancelled'] })
    const unbooked: FlexibilityCall[] = []
    for (const call of cancelled) {
      if (!call.escrow?.cancellation) continue
      const entries = await tx.ledger.entries(`escrow:${call.id}`)
      if (entries.length === 0) unbooked.push(call)
    }
    const endsAfter = addSeconds(clock.now(), -REBOUND_SECONDS_MAX - LATE_SECONDS)
    const dealtWith = await tx.calls.list({ states: ['paid', 'refunded'], endsAfter })
    return [...open, ...unbooked, ...dealtWith.filter(isReboundOpen)].map((call) => call.id)
  })
}

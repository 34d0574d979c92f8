import { type FlexibilityCall, TERMINAL, TRANSITIONS } from '#domain/flexibility-call.ts'
import type { CallState } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'

const OPEN = (Object.keys(TRANSITIONS) as CallState[]).filter((state) => !TERMINAL.has(state))

/**
 * The calls that something may still have to be done for: all that have not ended, and cancelled
 * ones whose escrow has not been booked back yet (which waits for the chain).
 */
export async function openCalls({ store }: Pick<Ports, 'store'>): Promise<CallId[]> {
  return store.transaction(async (tx) => {
    const open = await tx.calls.list({ states: OPEN })
    const cancelled = await tx.calls.list({ states: ['cancelled'] })
    const unbooked: FlexibilityCall[] = []
    for (const call of cancelled) {
      if (!call.escrow?.cancellation) continue
      const entries = await tx.ledger.entries(`escrow:${call.id}`)
      if (entries.length === 0) unbooked.push(call)
    }
    return [...open, ...unbooked].map((call) => call.id)
  })
}

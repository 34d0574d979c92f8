import { type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import type { Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'

/** Ends a request that nothing can be offered for, with the reasons; the DSO is told at once. */
export async function declineRequest(
  tx: StoreTransaction,
  call: FlexibilityCall,
  reasons: readonly string[],
  now: Instant,
): Promise<void> {
  await tx.calls.save({ ...transition(call, 'declined'), reasons })
  const message = `nothing can be offered: ${reasons.join('; ')}`
  await tx.events.append([callEvent(call, 'call-declined', now, message, { notice: true })])
}

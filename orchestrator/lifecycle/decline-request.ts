import { type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/** Declines a requested call with reasons. Safe to run twice. */
export async function declineRequest(
  ports: Ports,
  callId: CallId,
  reasons: readonly string[],
): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (call.state !== 'requested') return
    await tx.calls.save(declined(call, reasons))
    const message = `declined: ${reasons.join('; ')}`
    const event = callEvent(call, 'call-declined', ports.clock.now(), message, { notice: true })
    await tx.events.append([event])
  })
  await ports.wakeUps.notify('events')
}

export function declined(call: FlexibilityCall, reasons: readonly string[]): FlexibilityCall {
  return { ...transition(call, 'declined'), reasons }
}

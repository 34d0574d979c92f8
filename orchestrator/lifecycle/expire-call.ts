import { patientUntil } from '#domain/compliance.ts'
import { type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'

/**
 * The window has begun and no escrow was locked: the offer lapses and its promises are free.
 * An authorisation that was given lapses with the window too. Safe to run twice.
 */
export async function expireCall(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    if (call.state !== 'offered') return
    if (ports.clock.now() < lapsesAt(ports, call)) return
    const reason = await whyLapsed(tx, call)
    await tx.promises.release(callId, call.request.window.start)
    await tx.calls.save({ ...transition(call, 'expired'), reasons: [reason] })
    const at = ports.clock.now()
    await tx.events.append([callEvent(call, 'call-expired', at, reason, { notice: true })])
  })
  await ports.wakeUps.notify('events')
}

async function whyLapsed(tx: StoreTransaction, call: FlexibilityCall): Promise<string> {
  if (!call.escrow?.authorisation) return 'the DSO did not accept before the window'
  const intent = await tx.chain.intent(`open:${call.id}`)
  const isRefused = intent?.state === 'reverted'
  const why = isRefused ? `: the pool refused it (${intent.reason ?? 'without a reason'})` : ''
  return `the escrow was not locked before the window${why}`
}

/**
 * An escrow that was locked right before the window is seen a moment later; by a service that has
 * just come back, once it has read the chain.
 */
function lapsesAt({ startedAt, clock }: Ports, call: FlexibilityCall): Instant {
  const { start } = call.request.window
  if (!call.escrow?.authorisation) return start
  const seenBy = addSeconds(start, 2 * call.program.controlCycleSeconds)
  return instant(Math.max(seenBy, patientUntil(startedAt, clock.speed, call.program)))
}

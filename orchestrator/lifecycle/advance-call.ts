import {
  deliveryEnd,
  type FlexibilityCall,
  isComingBack,
  isReboundOpen,
} from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { addSeconds, type Instant, instant, nextStep } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { bookCancellation } from './book-cancellation.ts'
import { dispatchCall } from './dispatch-call.ts'
import { endStopped } from './end-stopped.ts'
import { expireCall } from './expire-call.ts'
import { measureCall } from './measure-call.ts'
import { measureRebound, nextMeasuring } from './measure-rebound.ts'
import { offerFlexibility } from './offer-flexibility.ts'
import { orderFlexibility } from './order-flexibility.ts'
import { payOut } from './pay-out.ts'
import { refundCall } from './refund-call.ts'
import { releaseCall } from './release-call.ts'
import { remeasureCall } from './remeasure-call.ts'
import { repairShortfall } from './repair-shortfall.ts'
import { nextRestart, restartDevices } from './restart-devices.ts'
import { settleCall } from './settle-call.ts'
import { verifyCall } from './verify-call.ts'

/** A call passes through at most this many states in one go. */
const STEPS_MAX = 12

/**
 * Looks at a call and takes every step that is due, in order. Safe to run at any time, any number
 * of times. Returns the instant at which time alone makes the next step due; null: none does.
 */
export async function advanceCall(ports: Ports, callId: CallId): Promise<Instant | null> {
  for (let i = 0; i < STEPS_MAX; i++) {
    const before = await find(ports, callId)
    // What becomes of the money waits for no device, and no device for the money.
    if (isComingBack(before)) await restartDevices(ports, callId)
    if (isReboundOpen(before)) await measureRebound(ports, callId)
    await step(ports, before)
    const after = await find(ports, callId)
    const moved = after.state !== before.state || after.releasedAt !== before.releasedAt
    if (!moved) return nextOf(after, ports.clock.now())
  }
  return ports.clock.now()
}

async function find(ports: Ports, callId: CallId): Promise<FlexibilityCall> {
  const call = await ports.store.transaction((tx) => tx.calls.find(callId))
  if (!call) throw new Error(`there is no call ${callId} to advance`)
  return call
}

async function step(ports: Ports, call: FlexibilityCall): Promise<void> {
  const now = ports.clock.now()
  switch (call.state) {
    case 'requested':
      return offerFlexibility(ports, call.id)
    case 'offered':
      await orderFlexibility(ports, call.id)
      return expireCall(ports, call.id)
    case 'ordered':
      if (call.escrow && now > call.escrow.terms.settleBy) return refundCall(ports, call.id)
      return dispatchCall(ports, call.id)
    case 'dispatched':
      if (call.releasedAt !== null) return measureCall(ports, call.id)
      if (call.cancelledAt === null && (await endStopped(ports, call.id))) {
        return releaseCall(ports, call.id)
      }
      return now < deliveryEnd(call) ? repairShortfall(ports, call.id) : releaseCall(ports, call.id)
    case 'measured':
      await remeasureCall(ports, call.id)
      await verifyCall(ports, call.id)
      return call.standing ? settleCall(ports, call.id) : refundCall(ports, call.id)
    case 'verified':
      return settleCall(ports, call.id)
    case 'settled':
      return payOut(ports, call.id)
    case 'cancelled':
      return bookCancellation(ports, call.id)
    case 'paid':
    case 'declined':
    case 'expired':
    case 'refunded':
      return
  }
}

function nextOf(call: FlexibilityCall, now: Instant): Instant | null {
  const times = [nextDue(call, now), nextRestart(call, now), nextMeasuring(call, now)]
  const ahead = times.filter((at) => at !== null)
  return ahead.length === 0 ? null : instant(Math.min(...ahead))
}

/** What happens elsewhere (a signature, a chain event) wakes the call by itself. */
function nextDue(call: FlexibilityCall, now: Instant): Instant | null {
  const cycle = call.program.controlCycleSeconds
  switch (call.state) {
    case 'requested':
      return call.gateClosesAt
    case 'offered':
    case 'ordered': {
      const { start } = call.request.window
      return now < start ? start : addSeconds(now, cycle)
    }
    case 'dispatched': {
      if (call.releasedAt !== null) {
        const closesAt = addSeconds(deliveryEnd(call), call.program.graceSeconds)
        return now < closesAt ? closesAt : addSeconds(now, cycle) // late readings are awaited
      }
      const next = nextStep(now, cycle)
      const used = (call.activations ?? []).flatMap(({ start, end }) => [start, end])
      const back = (call.comingBack ?? []).flatMap(({ parts }) => parts.map(({ end }) => end))
      const ahead = [...used, ...back].filter((at) => at > now)
      return instant(Math.min(next, deliveryEnd(call), ...ahead))
    }
    case 'measured':
      // A proposal's window ends in any case; before there is one, late readings are looked for.
      return addSeconds(now, cycle)
    case 'verified':
    case 'settled':
      return addSeconds(now, cycle)
    default:
      return null
  }
}

import { activatedPart } from './activated-parts.ts'
import type { AllocatedPeriod } from './allocation.ts'
import type { FlexibilityCall } from './flexibility-call.ts'
import type { CallId, ResourceId } from './ids.ts'
import { ceilDiv, type MicroEur, microEur } from './money.ts'
import { availabilityNumerator, PER_KWH_BP, policyPrice } from './payment-policy.ts'
import type { ResourceKind } from './resource.ts'
import { type Instant, secondsBetween } from './time.ts'

/**
 * What an owner says who takes a device back for some time: a car is to charge at full power, a
 * battery is left alone. Either way it goes back to its own default.
 */
export const TAKEN_BACK: Readonly<
  Record<ResourceKind, Readonly<Record<'now' | 'since' | 'over', string>>>
> = {
  charger: {
    now: 'wants full power',
    since: 'asked for full power',
    over: 'no longer wants full power',
  },
  battery: {
    now: 'keeps it out of calls',
    since: 'took it out of calls',
    over: 'no longer keeps it out of calls',
  },
}

/** Why a part of a call ended, where a device was taken back. */
export function sayTakenBack(kind: ResourceKind): string {
  const who = kind === 'battery' ? 'its owner' : 'the driver'
  return `${who} ${TAKEN_BACK[kind].since}`
}

/** What full power, or a battery that is left alone, costs an owner now: the call that it takes its device out of. */
export type ChargeNowCost = {
  readonly callId: CallId
  /** Ordered or reserved in the periods that have not ended; none of it will count. */
  readonly wh: number
  /**
   * The owner's share of that at the price that is paid, and of what is paid for standing by. About
   * that much is lost: a payment curve over the whole call can also cut periods that have ended.
   */
  readonly amount: MicroEur
}

/**
 * What an owner loses by wanting full power at an instant; null: nothing, because no window runs in
 * which the device has a part. Of a call that is still to come nobody is told.
 */
export function costOfChargeNow(
  call: FlexibilityCall,
  resourceId: ResourceId,
  at: Instant,
): ChargeNowCost | null {
  const part = call.allocations.find((one) => one.resourceId === resourceId)
  const candidate = call.candidates.find((one) => one.resourceId === resourceId)
  if (call.state !== 'dispatched' || part === undefined || candidate === undefined) return null
  if (part.releasedAt !== null) return null
  const left = part.periods.filter(({ end }) => end > at)
  const wh = energyOf(left)
  if (wh === 0) return null
  // Where devices only stand by, energy is sold as it is activated.
  const called = activatedPart(call, resourceId)?.periods ?? []
  const usedWh = energyOf(called.filter(({ end }) => end > at))
  const { paymentPolicy } = call.program
  const asked = policyPrice(paymentPolicy, candidate.price)
  const price = asked < call.request.priceCap ? asked : call.request.priceCap
  const used = BigInt(usedWh) * price * BigInt(WHOLE_BP)
  const stood = availabilityNumerator(paymentPolicy, wh, WHOLE_BP)
  const ownersBp = BigInt(WHOLE_BP - candidate.aggregatorShareBp)
  const amount = ceilDiv((used + stood) * ownersBp, PER_KWH_BP * BigInt(WHOLE_BP))
  return { callId: call.id, wh, amount: microEur(amount) }
}

const WHOLE_BP = 10_000

function energyOf(periods: readonly AllocatedPeriod[]): number {
  const wattSeconds = periods.reduce(
    (sum, { start, end, powerW }) => sum + powerW * secondsBetween(start, end),
    0,
  )
  return Math.ceil(wattSeconds / 3600)
}

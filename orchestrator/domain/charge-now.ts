import type { FlexibilityCall } from './flexibility-call.ts'
import type { CallId, ResourceId } from './ids.ts'
import { ceilDiv, type MicroEur, microEur } from './money.ts'
import { type Instant, secondsBetween } from './time.ts'

/** What full power costs an owner now: the call that it takes its device out of. */
export type ChargeNowCost = {
  readonly callId: CallId
  /** Ordered in the periods that have not ended; none of it will count. */
  readonly wh: number
  /** The owner's share of that at the device's price. More could not be lost. */
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
  const wattSeconds = part.periods
    .filter(({ end }) => end > at)
    .reduce((sum, { start, end, powerW }) => sum + powerW * secondsBetween(start, end), 0)
  if (wattSeconds === 0) return null
  const wh = Math.ceil(wattSeconds / 3600)
  const ownersBp = BigInt(10_000 - candidate.aggregatorShareBp)
  // Rounded up once: it is the most that can be lost.
  const amount = ceilDiv(BigInt(wh) * candidate.price * ownersBp, 10_000_000n)
  return { callId: call.id, wh, amount: microEur(amount) }
}

import type { ResourceId } from '../ids.ts'
import type { Instant } from '../time.ts'
import { formatInstant } from '../time.ts'
import type { Finding } from './finding.ts'

/** So much of what the device gave must be seen at the connection, in basis points. */
const SEEN_BP = 5000

/** Both against their own baselines over the same window, positive in the call's direction. */
export type AtTheConnection = {
  readonly deviceDeliveredWh: number
  readonly boundaryDeliveredWh: number
  /** One deviation of the boundary's baseline: other loads come and go by chance. */
  readonly boundarySigmaWh: number
}

/**
 * Was what the device gave taken by another load behind the same connection? It is found when less
 * than half of it is seen at the boundary, even with two deviations of good luck.
 */
export function loadMoved(resourceId: ResourceId, seen: AtTheConnection): Finding | null {
  const { deviceDeliveredWh, boundaryDeliveredWh, boundarySigmaWh } = seen
  if (deviceDeliveredWh <= 0) return null
  const leastWh = Math.floor((deviceDeliveredWh * SEEN_BP) / 10_000)
  if (boundaryDeliveredWh + 2 * boundarySigmaWh >= leastWh) return null
  return {
    resourceId,
    code: 'load-moved',
    severity: 'hold',
    detail: { deviceDeliveredWh, boundaryDeliveredWh, boundarySigmaWh },
  }
}

/** What stands about an owner's word on one resource. */
export type Consent = { readonly givenAt: Instant | null; readonly withdrawnAt: Instant | null }

/** Had the owner agreed by the time of the order, and not withdrawn it since? */
export function noConsent(
  resourceId: ResourceId,
  { givenAt, withdrawnAt }: Consent,
  orderedAt: Instant,
): Finding | null {
  const isGiven = givenAt !== null && givenAt <= orderedAt
  const isWithdrawn = withdrawnAt !== null && withdrawnAt <= orderedAt
  if (isGiven && !isWithdrawn) return null
  return {
    resourceId,
    code: 'no-consent',
    severity: 'hold',
    detail: {
      given: givenAt === null ? 'never' : formatInstant(givenAt),
      withdrawn: withdrawnAt === null ? 'never' : formatInstant(withdrawnAt),
      ordered: formatInstant(orderedAt),
    },
  }
}

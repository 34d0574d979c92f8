import type { SkippedResource } from '#domain/allocation.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import {
  brokenCondition,
  type OfferConditions,
  type OtherCall,
  spanAround,
} from '#domain/offer-conditions.ts'
import { instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** A resource, and what its offer is tied to. */
export type Tied = { readonly resourceId: ResourceId; readonly conditions?: OfferConditions }

/**
 * Who is kept out of a call by a condition of its own offer: how early it must know, how often it
 * may be called and how long it rests. `isBegun`: it is asked within the window, without notice.
 */
export async function keptOut(
  tx: StoreTransaction,
  call: FlexibilityCall,
  resources: readonly Tied[],
  isBegun = false,
): Promise<ReadonlyMap<ResourceId, SkippedResource>> {
  const tied = resources.flatMap(({ resourceId, conditions }) =>
    conditions === undefined ? [] : [{ resourceId, conditions }],
  )
  if (tied.length === 0) return new Map()
  const { program, request } = call
  // Where notice is silent nobody is told before the window begins.
  const isKnown = program.notice === 'known' && !isBegun
  const noticeSeconds = isKnown ? program.noticeSeconds : 0
  const occasion = { window: request.window, timeZone: program.timeZone, noticeSeconds }
  const others = await callsAround(tx, call, tied)
  return new Map(
    tied.flatMap(({ resourceId, conditions }) => {
      const broken = brokenCondition(conditions, occasion, others.get(resourceId) ?? [])
      return broken === null ? [] : [[resourceId, { resourceId, ...broken }] as const]
    }),
  )
}

/** Other calls that resources are promised to, each from its first to the end of its last period. */
async function callsAround(
  tx: StoreTransaction,
  { id, program, request, gateClosesAt }: FlexibilityCall,
  tied: readonly { readonly resourceId: ResourceId; readonly conditions: OfferConditions }[],
): Promise<ReadonlyMap<ResourceId, OtherCall[]>> {
  const all = tied.map(({ conditions }) => conditions)
  const span = spanAround(all, { window: request.window, timeZone: program.timeZone })
  const ids = tied.map(({ resourceId }) => resourceId)
  const taken = await tx.promises.taken(ids, span.start, span.end)
  const found = new Map<ResourceId, OtherCall[]>()
  // Who stands in a reserve may be called yet; once its periods are over it was not.
  const others = taken.filter(
    ({ callId, role, periodEnd }) =>
      callId !== id && (role === 'order' || periodEnd > gateClosesAt),
  )
  for (const mine of Map.groupBy(others, (one) => `${one.resourceId} ${one.callId}`).values()) {
    const [first] = mine
    if (first === undefined) continue
    const other = {
      callId: first.callId,
      start: instant(Math.min(...mine.map(({ periodStart }) => periodStart))),
      end: instant(Math.max(...mine.map(({ periodEnd }) => periodEnd))),
    }
    found.set(first.resourceId, [...(found.get(first.resourceId) ?? []), other])
  }
  return found
}

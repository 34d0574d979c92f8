import { z } from '@hono/zod-openapi'
import type { BusinessEvent, BusinessEventKind } from '#domain/business-event.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { type CallAccess, takesPart } from './call-access.ts'
import { At, at } from './schemas.ts'

export const EventView = z.object({
  sequence: z.int(),
  kind: z.string(),
  at: At,
  callId: z.string().nullable(),
  resourceId: z.string().nullable(),
  notice: z.boolean().openapi({ description: 'Something the DSO should know at once' }),
  message: z.string(),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
})
export type EventView = z.infer<typeof EventView>

/** What those who take part are told of what concerns others too: no figures, no names. */
const NEWS: Partial<Record<BusinessEventKind, string>> = {
  'call-ordered': 'The call was ordered.',
  'call-dispatched': 'The call was dispatched.',
  'call-measured': 'The call was measured.',
  'call-verified': 'Verifiers signed the result.',
  'call-settled': 'The call was settled.',
  'call-paid': 'The call was paid.',
  'call-expired': 'The call expired.',
  'call-cancelled': 'The DSO cancelled the call.',
  'call-stopped': 'An emergency stop ended the call.',
  'call-refunded': 'The DSO was refunded.',
  'rebound-planned': 'The devices are no longer needed; they come back one after the other.',
  'rebound-measured': 'What devices did after the window was measured.',
  'resource-released': 'All devices were released.',
  'shortfall-repaired': 'Another device took over.',
  'shortfall-remains': 'No other device could take over.',
}

/** About money and accounts, which belong to no call and no device. */
function isAddressedTo({ ownerId, organisationIds }: BusinessEvent, key: CallAccess['key']) {
  return key.role === 'owner'
    ? ownerId !== null && ownerId === key.ownerId
    : organisationIds.includes(key.organisationId)
}

/**
 * The events that a key may see, as it may see them. A DSO sees what is addressed to it; an
 * aggregator and an owner what happened to their own resources, and news of the calls these take
 * part in; an owner nothing of a call that happened before its window began.
 */
export async function visibleEvents(
  tx: StoreTransaction,
  access: CallAccess,
  events: readonly BusinessEvent[],
): Promise<EventView[]> {
  const { key, own } = access
  if (key.role === 'operator') return events.map(view)
  if (own === null) {
    return events.filter(({ organisationIds: to }) => to.includes(key.organisationId)).map(view)
  }
  const calls = new Map<CallId, FlexibilityCall | null>()
  const shown: EventView[] = []
  for (const event of events) {
    const { callId, resourceId } = event
    if (resourceId !== null && !own.has(resourceId)) continue
    if (key.role === 'owner' && event.kind === 'device-security') continue
    if (callId === null) {
      if (resourceId !== null || isAddressedTo(event, key)) shown.push(view(event))
      continue
    }
    const news = NEWS[event.kind]
    if (resourceId === null && news === undefined) continue
    if (!calls.has(callId)) calls.set(callId, await tx.calls.find(callId))
    const call = calls.get(callId)
    if (!call || (resourceId === null && !takesPart(call, own))) continue
    if (key.role === 'owner' && silent(event, call)) continue
    const whole = view(event)
    shown.push(news === undefined ? whole : { ...whole, message: news, data: {} })
  }
  return shown
}

/** Before the window an owner is told nothing, and nothing is caught up on later. */
function silent(event: BusinessEvent, call: FlexibilityCall): boolean {
  return event.at < call.request.window.start
}

function view(event: BusinessEvent): EventView {
  const { sequence, kind, callId, resourceId, notice, message, data } = event
  return {
    sequence,
    kind,
    at: at(event.at),
    callId,
    resourceId,
    notice,
    message,
    data: { ...data },
  }
}

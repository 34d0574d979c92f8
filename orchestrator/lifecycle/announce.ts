import type { BusinessEventInput, BusinessEventKind } from '#domain/business-event.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'

type Data = BusinessEventInput['data']

/** What happened to a call as its DSO sees it; a notice is told at once. */
export function callEvent(
  call: FlexibilityCall,
  kind: BusinessEventKind,
  at: Instant,
  message: string,
  options: { notice?: boolean; data?: Data; resourceId?: ResourceId } = {},
): BusinessEventInput {
  return {
    kind,
    at,
    callId: call.id,
    resourceId: options.resourceId ?? null,
    organisationIds: [call.dsoId],
    ownerId: null,
    notice: options.notice ?? false,
    message,
    data: options.data ?? {},
  }
}

/** The same for one resource of the call, which its aggregator sees too. */
export function resourceEvent(
  call: FlexibilityCall,
  kind: BusinessEventKind,
  at: Instant,
  resourceId: ResourceId,
  message: string,
  options: { notice?: boolean; data?: Data } = {},
): BusinessEventInput {
  const candidate = call.candidates.find((c) => c.resourceId === resourceId)
  const event = callEvent(call, kind, at, message, { ...options, resourceId })
  return candidate ? { ...event, organisationIds: [call.dsoId, candidate.aggregatorId] } : event
}

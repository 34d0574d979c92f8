import { z } from '@hono/zod-openapi'
import {
  type Correction,
  type CorrectionReason,
  correctionSentence,
} from '#domain/control/correction.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { At, at } from './schemas.ts'

const REASONS = [
  'not-responding',
  'overridden',
  'owner-limit',
  'cannot-pause',
  'headroom',
  'reserve',
  'too-much',
] as const satisfies readonly CorrectionReason[]

export const CorrectionView = z.object({
  at: At,
  resourceId: z.string(),
  reason: z.enum(REASONS),
  sentence: z.string().openapi({ description: 'The same for a person, about the device' }),
  fromW: z
    .int()
    .openapi({ description: 'What it was told to give, or to hold where it stands by' }),
  toW: z.int().openapi({ description: 'What from then on' }),
  errorW: z
    .int()
    .nullable()
    .openapi({ description: 'What all together lacked, by their meters; null: not yours to read' }),
  makeUpW: z
    .int()
    .nullable()
    .openapi({ description: 'Ordered on top for energy that was missed; null: as `errorW`' }),
})
type CorrectionView = z.infer<typeof CorrectionView>

/**
 * Whatever devices were told anew inside the window, oldest first; null as `own`: of all. What the
 * portfolio lacked is between the DSO and the service: an aggregator reads of its own devices.
 */
export function correctionViews(
  call: FlexibilityCall,
  own: ReadonlySet<ResourceId> | null,
): CorrectionView[] {
  return (call.corrections ?? [])
    .filter(({ resourceId }) => own === null || own.has(resourceId))
    .map((one) => viewOf(call, one, own === null))
}

function viewOf(call: FlexibilityCall, correction: Correction, isWhole: boolean): CorrectionView {
  const { at: toldAt, resourceId, reason, fromW, toW, errorW, makeUpW } = correction
  return {
    at: at(toldAt),
    resourceId,
    reason,
    sentence: correctionSentence(correction, standbyOf(call, resourceId)),
    fromW,
    toW,
    errorW: isWhole ? errorW : null,
    makeUpW: isWhole ? makeUpW : null,
  }
}

/** What it had been told to give when it was let go or held; null: the call orders all it holds. */
function standbyOf({ activations, repairs }: FlexibilityCall, resourceId: ResourceId) {
  if (activations === undefined) return null
  const found = repairs.findLast((repair) => repair.resourceId === resourceId)
  return { toldW: found?.orderedW ?? 0 }
}

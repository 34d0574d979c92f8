import { z } from '@hono/zod-openapi'
import { type Dispute, DISPUTE_REASONS } from '#domain/dispute.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import { At, at, atOrNull, MoneyText } from './schemas.ts'

export const DisputeView = z.object({
  resourceId: z.string(),
  raisedBy: z.enum(['dso', 'aggregator', 'owner']),
  reason: z.enum(DISPUTE_REASONS),
  text: z.string(),
  raisedAt: At,
  state: z.enum(['open', 'held', 'decided', 'too-late']),
  decidedAt: At.nullable(),
  decidedBy: z.enum(['verifiers', 'arbiter', 'deadline']).nullable(),
  paidMinor: MoneyText.nullable(),
  note: z.string().nullable(),
})
export const RestView = z.object({
  id: z.string(),
  round: z.int(),
  state: z.enum(['held', 'measured', 'proposed', 'settled', 'paid', 'refunded']),
  amountMinor: MoneyText,
  settleBy: At,
  challenged: z.boolean().openapi({ description: 'The settlement was challenged at the pool' }),
  lines: z.array(z.object({ resourceId: z.string(), heldMinor: MoneyText })),
})
/** Of others' lines not even the sum is told. */
export function restView(rest: HeldRest, isPart: boolean): z.infer<typeof RestView> {
  const { id, round, state, amount, settleBy, lines } = rest
  const mine = lines.reduce((sum, { held }) => sum + held, 0n)
  return {
    id,
    round,
    state,
    amountMinor: (isPart ? mine : amount).toString(),
    settleBy: at(settleBy),
    challenged: rest.challenged === true,
    lines: lines.map(({ resourceId, held }) => ({ resourceId, heldMinor: held.toString() })),
  }
}

export function disputeView(dispute: Dispute): z.infer<typeof DisputeView> {
  const { resourceId, raisedBy, reason, text, raisedAt, state, decidedBy, note } = dispute
  return {
    resourceId,
    raisedBy: raisedBy.role,
    reason,
    text,
    raisedAt: at(raisedAt),
    state,
    decidedAt: atOrNull(dispute.decidedAt),
    decidedBy,
    paidMinor: dispute.paid?.toString() ?? null,
    note,
  }
}

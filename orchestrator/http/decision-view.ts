import { z } from '@hono/zod-openapi'
import { type Decision, decisionsOf, type ResourceDecisions } from '#domain/decision.ts'
import { DECISION_CODES, DECISION_WORDS, OUTCOMES } from '#domain/decision-words.ts'
import { deliveryEnd, type FlexibilityCall } from '#domain/flexibility-call.ts'
import type { Ports } from '#ports.ts'
import { type CallAccess, takesPart } from './call-access.ts'
import { At, at, Window } from './schemas.ts'

const Step = z.object({
  code: z.enum(DECISION_CODES),
  at: At,
  sentence: z.string().openapi({ description: 'The same for a person' }),
})

export const DecisionView = z.object({
  resourceId: z.string(),
  outcome: z.enum(OUTCOMES),
  ...Step.shape,
  detail: z
    .string()
    .nullable()
    .openapi({ description: 'Figures, for its aggregator and the operator' }),
  earlier: z.array(Step).openapi({ description: 'What was decided before, oldest first' }),
  passedOver: z.array(Step).openapi({
    description:
      'Why else it was not asked when less came than was ordered, each reason once, oldest first',
  }),
})
export type DecisionView = z.infer<typeof DecisionView>

export const OwnDecisionView = z.object({
  callId: z.string(),
  window: Window,
  ...DecisionView.shape,
})
export type OwnDecisionView = z.infer<typeof OwnDecisionView>

/**
 * What was decided about each resource that a key may see: a DSO all of its call, without figures
 * of single devices; an aggregator its own. An owner sees the own devices', of those that take part
 * from the window's start on, of others once it is over: who knows to be in the reserve or the
 * control group could act on it. Before the window an owner is told nothing.
 */
export function visibleDecisions(
  ports: Ports,
  { key, own }: CallAccess,
  call: FlexibilityCall,
): DecisionView[] {
  const all = decisionsOf(call)
  if (own === null) {
    if (key.role === 'dso' && call.dsoId !== key.organisationId) return []
    return all.map((one) => gridView(one, key.role === 'operator'))
  }
  const mine = all.filter(({ resourceId }) => own.has(resourceId))
  if (key.role === 'aggregator') return mine.map((one) => gridView(one, true))
  const now = ports.clock.now()
  const { start } = call.request.window
  if (call.windowStartCommitment === null || now < start) return []
  const isOver = now >= deliveryEnd(call)
  return mine
    .filter(({ resourceId }) => isOver || takesPart(call, new Set([resourceId])))
    .map((one) => ownerView(one, start))
}

function gridView(decisions: ResourceDecisions, withDetail: boolean) {
  const { resourceId, final, earlier, passedOver } = decisions
  const { outcome } = DECISION_WORDS[final.code]
  const detail = withDetail ? final.detail : null
  const step = ({ code, at: decidedAt }: Decision) => {
    return { code, at: at(decidedAt), sentence: DECISION_WORDS[code].grid }
  }
  const others = { earlier: earlier.map(step), passedOver: passedOver.map(step) }
  return { resourceId, outcome, ...step(final), detail, ...others }
}

/** Dated from the window's start on: what was decided before shows no owner how long before. */
function ownerView(decisions: ResourceDecisions, start: number) {
  const { resourceId, final, earlier, passedOver } = decisions
  const { outcome } = DECISION_WORDS[final.code]
  const step = ({ code, at: decidedAt }: Decision) => {
    return { code, at: at(Math.max(decidedAt, start)), sentence: DECISION_WORDS[code].owner }
  }
  const others = { earlier: earlier.map(step), passedOver: passedOver.map(step) }
  return { resourceId, outcome, ...step(final), detail: null, ...others }
}

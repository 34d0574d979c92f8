import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CongestionPointId } from '#domain/ids.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { type ApiEnv, forRoles, ownerOf } from '../auth.ts'
import { callAccess, maySeeCall } from '../call-access.ts'
import type { ApiContext } from '../context.ts'
import { DecisionView, OwnDecisionView, visibleDecisions } from '../decision-view.ts'
import { notFound } from '../problem.ts'
import { answers, CallIdText, WholeText, windowView } from '../schemas.ts'

const getDecisions = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}/decisions',
  summary: 'What was decided about each resource of a call, and why',
  description:
    'One entry for each resource that was enrolled at the congestion point as the gate closed: ' +
    'the decision that stands, by code and in a sentence, those before it, and why it was passed ' +
    'over when the call looked for what it lacked. An owner reads of the own devices from the ' +
    'start of the window on, and of one that took no part after it.',
  ...forRoles('dso', 'aggregator', 'owner', 'operator'),
  request: { params: z.object({ id: CallIdText }) },
  responses: { 200: answers(z.array(DecisionView), 'By resource; empty before the gate closes') },
})

const ownerDecisions = createRoute({
  method: 'get',
  path: '/v1/owner/decisions',
  summary: 'Why your devices were chosen or not, newest call first',
  ...forRoles('owner'),
  request: {
    query: z.strictObject({ limit: WholeText.pipe(z.int().min(1).max(500)).optional() }),
  },
  responses: { 200: answers(z.array(OwnDecisionView), 'At most `limit`, 100 unless given') },
})

/** Why each resource was taken, left out, cut, let go or called in. */
export function decisionRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(getDecisions, async (c) => {
      const { id } = c.req.valid('param')
      const decisions = await ports.store.transaction(async (tx) => {
        const access = await callAccess(tx, c.get('key'))
        const call = await tx.calls.find(id)
        if (call === null) throw notFound()
        const visible = visibleDecisions(ports, access, call)
        if (visible.length === 0 && !maySeeCall(ports, access, call)) throw notFound()
        return visible
      })
      return c.json(decisions, 200)
    })
    .openapi(ownerDecisions, async (c) => {
      const { limit = 100 } = c.req.valid('query')
      const key = c.get('key')
      const decisions = await ports.store.transaction(async (tx) => {
        const access = await callAccess(tx, key)
        const resources = await tx.resources.list({ ownerId: ownerOf(key) })
        const places = new Set(resources.map(({ congestionPointId }) => congestionPointId))
        const calls = await callsAt(tx, places)
        return calls.flatMap((call) => {
          const about = { callId: call.id, window: windowView(call.request.window) }
          return visibleDecisions(ports, access, call).map((one) => ({ ...about, ...one }))
        })
      })
      return c.json(decisions.slice(0, limit), 200)
    })
}

/** Calls at these places, newest window first. */
async function callsAt(
  tx: StoreTransaction,
  places: ReadonlySet<CongestionPointId>,
): Promise<FlexibilityCall[]> {
  const calls: FlexibilityCall[] = []
  for (const congestionPointId of places) {
    calls.push(...(await tx.calls.list({ congestionPointId })))
  }
  return calls.sort((a, b) => b.request.window.start - a.request.window.start)
}

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import { callAccess, maySeeCall, visibleCall } from '../call-access.ts'
import { CallView, DsoCall, StateText } from '../call-schemas.ts'
import { callView, dsoView } from '../call-view.ts'
import type { ApiContext } from '../context.ts'
import { EventView, visibleEvents } from '../event-view.ts'
import { idempotencyKey } from '../idempotency.ts'
import {
  answers,
  At,
  at,
  CallIdText,
  CongestionPointIdText,
  DirectionText,
  IdempotencyHeader,
  InstantText,
  PriceText,
  takes,
  WholeText,
  Window,
  windowView,
} from '../schemas.ts'

const RequestBody = z.strictObject({
  congestionPointId: CongestionPointIdText,
  direction: DirectionText,
  window: z.strictObject({ start: InstantText, end: InstantText }),
  periods: z
    .array(z.strictObject({ start: InstantText, powerW: z.number() }))
    .min(1)
    .max(200),
  priceCapMinorPerKwh: PriceText,
  penalty: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('per-kwh'), minorPerKwh: PriceText }),
  ]),
})
const One = z.object({ id: CallIdText })

const Summary = z.object({
  id: z.string(),
  state: StateText,
  congestionPointId: z.string(),
  direction: DirectionText,
  window: Window,
  requestedAt: At,
})

const postCall = createRoute({
  method: 'post',
  path: '/v1/flexibility-calls',
  summary: 'Request flexibility',
  description: 'The same post twice is one call: 201 the first time, 200 when it is repeated.',
  ...forRoles('dso'),
  request: { headers: IdempotencyHeader, ...takes(RequestBody) },
  responses: { 201: answers(DsoCall, 'The call'), 200: answers(DsoCall, 'The same call again') },
})

const getCalls = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls',
  summary: 'Calls that you may see, newest window first',
  ...forRoles('dso', 'aggregator', 'owner', 'operator'),
  request: {
    query: z.strictObject({
      state: StateText.optional(),
      congestionPointId: CongestionPointIdText.optional(),
      limit: WholeText.pipe(z.int().min(1).max(500)).optional(),
    }),
  },
  responses: { 200: answers(z.array(Summary), 'At most `limit` calls, 100 unless given') },
})

const getCall = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}',
  summary: 'One call as you may see it',
  ...forRoles('dso', 'aggregator', 'owner', 'operator'),
  request: { params: One },
  responses: { 200: answers(CallView, 'The call') },
})

const getEvents = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}/events',
  summary: 'What happened in a call, oldest first',
  ...forRoles('dso', 'aggregator', 'owner', 'operator'),
  request: { params: One },
  responses: { 200: answers(z.array(EventView), 'Events') },
})

/** Requests for flexibility, and calls as their parties follow them. */
export function callRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(postCall, async (c) => {
      const { priceCapMinorPerKwh: priceCap, penalty, ...request } = c.req.valid('json')
      const key = c.get('key')
      const made = await requestFlexibility(
        ports,
        key.organisationId,
        idempotencyKey(c.req.header('idempotency-key')),
        {
          ...request,
          priceCap,
          penalty:
            penalty.kind === 'none' ? penalty : { kind: 'per-kwh', price: penalty.minorPerKwh },
        },
      )
      const view = await dsoView(ports, key, made.call.id)
      c.header('location', `/v1/flexibility-calls/${made.call.id}`)
      if (!made.repeated) return c.json(view, 201)
      c.header('idempotency-replayed', 'true')
      return c.json(view, 200)
    })
    .openapi(getCalls, async (c) => {
      const { state, congestionPointId, limit = 100 } = c.req.valid('query')
      const key = c.get('key')
      const calls = await ports.store.transaction(async (tx) => {
        const access = await callAccess(tx, key)
        const all = await tx.calls.list({
          ...(state === undefined ? {} : { states: [state] }),
          ...(congestionPointId === undefined ? {} : { congestionPointId }),
          ...(key.role === 'dso' ? { dsoId: key.organisationId } : {}),
        })
        return all.filter((call) => maySeeCall(ports, access, call))
      })
      const newest = calls.sort((a, b) => b.request.window.start - a.request.window.start)
      return c.json(newest.slice(0, limit).map(summary), 200)
    })
    .openapi(getCall, async (c) => {
      const { id } = c.req.valid('param')
      const view = await ports.store.transaction(async (tx) => {
        const { access, call } = await visibleCall(ports, tx, c.get('key'), id)
        return callView(ports, tx, access, call)
      })
      return c.json(view, 200)
    })
    .openapi(getEvents, async (c) => {
      const { id } = c.req.valid('param')
      const events = await ports.store.transaction(async (tx) => {
        const { access } = await visibleCall(ports, tx, c.get('key'), id)
        return visibleEvents(tx, access, await tx.events.ofCall(id))
      })
      return c.json(events, 200)
    })
}

function summary(call: FlexibilityCall): z.infer<typeof Summary> {
  const { id, state, request, requestedAt } = call
  return {
    id,
    state,
    congestionPointId: request.congestionPointId,
    direction: request.direction,
    window: windowView(request.window),
    requestedAt: at(requestedAt),
  }
}

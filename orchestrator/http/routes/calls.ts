import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { fieldError } from '#domain/errors.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { acceptOffer } from '#lifecycle/accept-offer.ts'
import { cancelCall } from '#lifecycle/cancel-call.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { ApiKey, StoreTransaction } from '#ports.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import { callAccess, maySeeCall } from '../call-access.ts'
import { CallView, DsoCall, StateText } from '../call-schemas.ts'
import { callView } from '../call-view.ts'
import type { ApiContext } from '../context.ts'
import { EventView, visibleEvents } from '../event-view.ts'
import { idempotencyKey } from '../idempotency.ts'
import { notFound } from '../problem.ts'
import {
  answers,
  At,
  at,
  CallIdText,
  CongestionPointIdText,
  DirectionText,
  exactly,
  HexText,
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
  periods: z.array(z.strictObject({ start: InstantText, powerW: z.number() })).min(1).max(200),
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

const getAuthorisation = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}/authorisation',
  summary: 'What the DSO signs to fund the escrow: EIP-712 typed data',
  ...forRoles('dso'),
  request: { params: One },
  responses: { 200: answers(z.record(z.string(), z.any()), 'ERC-3009 typed data') },
})

const postAcceptance = createRoute({
  method: 'post',
  path: '/v1/flexibility-calls/{id}/acceptance',
  summary: "Accept the offer with the DSO's signature over the escrow",
  ...forRoles('dso'),
  request: {
    params: One,
    ...takes(
      z.strictObject({
        validAfter: z.int().min(0),
        validBefore: z.int().min(1),
        signature: HexText,
      }),
    ),
  },
  responses: { 200: answers(DsoCall, 'The call') },
})

const getCancellation = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}/cancellation',
  summary: 'What the DSO signs to get its escrow back before the window: EIP-712 typed data',
  ...forRoles('dso'),
  request: { params: One },
  responses: { 200: answers(z.record(z.string(), z.any()), 'Typed data') },
})

const postCancellation = createRoute({
  method: 'post',
  path: '/v1/flexibility-calls/{id}/cancellation',
  summary: 'Cancel; inside the window what was delivered is paid',
  ...forRoles('dso'),
  request: {
    params: One,
    ...takes(z.strictObject({ signature: HexText.nullable().optional() })),
  },
  responses: { 200: answers(DsoCall, 'The call') },
})

const getEvidence = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}/evidence',
  summary: 'The evidence bundle, byte for byte as verifiers signed it',
  ...forRoles('dso', 'operator'),
  request: { params: One },
  responses: { 200: answers(z.unknown(), 'Canonical JSON') },
})

/** The life of a call as its DSO drives it and others follow it. */
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
      const view = await dsoView(key, made.call.id)
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
        const { access, call } = await visible(tx, c.get('key'), id)
        return callView(ports, tx, access, call)
      })
      return c.json(view, 200)
    })
    .openapi(getEvents, async (c) => {
      const { id } = c.req.valid('param')
      const events = await ports.store.transaction(async (tx) => {
        const { access } = await visible(tx, c.get('key'), id)
        return visibleEvents(tx, access, await tx.events.ofCall(id))
      })
      return c.json(events, 200)
    })
    .openapi(getAuthorisation, async (c) => {
      const call = await ownCall(c.get('key'), c.req.valid('param').id)
      if (call.escrow === null) throw noEscrow(call)
      return c.json(typedData(ports.rail.authorisationToSign(call.escrow.terms)), 200)
    })
    .openapi(postAcceptance, async (c) => {
      const { id } = c.req.valid('param')
      const key = c.get('key')
      await acceptOffer(ports, key.organisationId, id, c.req.valid('json'))
      return c.json(await dsoView(key, id), 200)
    })
    .openapi(getCancellation, async (c) => {
      const call = await ownCall(c.get('key'), c.req.valid('param').id)
      if (call.escrow === null) throw noEscrow(call)
      return c.json(typedData(ports.rail.cancellationToSign(call.escrow.requestId)), 200)
    })
    .openapi(postCancellation, async (c) => {
      const { id } = c.req.valid('param')
      const key = c.get('key')
      const { signature = null } = c.req.valid('json')
      await cancelCall(ports, key.organisationId, id, signature)
      return c.json(await dsoView(key, id), 200)
    })
    .openapi(getEvidence, async (c) => {
      const { id } = c.req.valid('param')
      const bundle = await ports.store.transaction(async (tx) => {
        const { call } = await visible(tx, c.get('key'), id)
        if (call.evidence === null) throw notYetMeasured(call)
        return tx.evidence.load(id, call.evidence.version)
      })
      if (bundle === null) throw notFound()
      return exactly(c, bundle)
    })

  async function dsoView(key: ApiKey, id: CallId): Promise<z.infer<typeof DsoCall>> {
    return ports.store.transaction(async (tx) => {
      const { access, call } = await visible(tx, key, id)
      const view = await callView(ports, tx, access, call)
      if (view.view !== 'dso') throw new Error(`a DSO was shown the view of ${view.view}`)
      return view
    })
  }

  async function visible(tx: StoreTransaction, key: ApiKey, id: CallId) {
    const access = await callAccess(tx, key)
    const call = await tx.calls.find(id)
    if (call === null || !maySeeCall(ports, access, call)) throw notFound()
    return { access, call }
  }

  async function ownCall(key: ApiKey, id: CallId): Promise<FlexibilityCall> {
    return ports.store.transaction(async (tx) => (await visible(tx, key, id)).call)
  }
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

function typedData(value: unknown): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(value, (_key, member: unknown) =>
      typeof member === 'bigint' ? member.toString() : member,
    ),
  ) as Record<string, unknown>
}

function noEscrow(call: FlexibilityCall) {
  return fieldError('wrong-state', 'state', 'a call that was offered', call.state)
}

function notYetMeasured(call: FlexibilityCall) {
  return fieldError('wrong-state', 'state', 'a call that was measured', call.state)
}

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { fieldError } from '#domain/errors.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { acceptOffer } from '#lifecycle/accept-offer.ts'
import { cancelCall } from '#lifecycle/cancel-call.ts'
import type { ApiKey } from '#ports.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import { visibleCall } from '../call-access.ts'
import { DsoCall } from '../call-schemas.ts'
import { dsoView } from '../call-view.ts'
import type { ApiContext } from '../context.ts'
import { notFound } from '../problem.ts'
import { answers, CallIdText, exactly, HexText, takes } from '../schemas.ts'

const One = z.object({ id: CallIdText })

const Permit = z.strictObject({
  value: z
    .string()
    .regex(/^\d{1,78}$/)
    .transform((digits) => BigInt(digits)),
  deadline: z.int().min(1),
  signature: HexText,
})

const getAuthorisation = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}/authorisation',
  summary: 'What the DSO signs to fund the escrow: EIP-712 typed data',
  ...forRoles('dso'),
  request: { params: One },
  responses: { 200: answers(z.record(z.string(), z.any()), 'Typed data: ERC-3009, else Open') },
})

const getPermit = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}/permit',
  summary: 'What the DSO signs beside it where an allowance pays and none is there: ERC-2612',
  ...forRoles('dso'),
  request: { params: One },
  responses: { 200: answers(z.record(z.string(), z.any()).nullable(), 'Typed data, or null') },
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
        validAfter: z.int().min(0).optional(),
        validBefore: z.int().min(1).optional(),
        signature: HexText,
        permit: Permit.optional(),
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

/** What the DSO signs and gets in return: the escrow, its end, the evidence. */
export function escrowRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(getAuthorisation, async (c) => {
      const call = await own(c.get('key'), c.req.valid('param').id)
      if (call.escrow === null) throw noEscrow(call)
      return c.json(typedData(ports.rail.authorisationToSign(call.escrow.terms)), 200)
    })
    .openapi(getPermit, async (c) => {
      const call = await own(c.get('key'), c.req.valid('param').id)
      if (call.escrow === null) throw noEscrow(call)
      const permit = (await ports.rail.permitToSign?.(call.escrow.terms)) ?? null
      return c.json(permit === null ? null : typedData(permit), 200)
    })
    .openapi(postAcceptance, async (c) => {
      const { id } = c.req.valid('param')
      const key = c.get('key')
      await acceptOffer(ports, key.organisationId, id, c.req.valid('json'))
      return c.json(await dsoView(ports, key, id), 200)
    })
    .openapi(getCancellation, async (c) => {
      const call = await own(c.get('key'), c.req.valid('param').id)
      if (call.escrow === null) throw noEscrow(call)
      return c.json(typedData(ports.rail.cancellationToSign(call.escrow.requestId)), 200)
    })
    .openapi(postCancellation, async (c) => {
      const { id } = c.req.valid('param')
      const key = c.get('key')
      const { signature = null } = c.req.valid('json')
      await cancelCall(ports, key.organisationId, id, signature)
      return c.json(await dsoView(ports, key, id), 200)
    })
    .openapi(getEvidence, async (c) => {
      const { id } = c.req.valid('param')
      const bundle = await ports.store.transaction(async (tx) => {
        const { call } = await visibleCall(ports, tx, c.get('key'), id)
        if (call.evidence === null) throw notYetMeasured(call)
        return tx.evidence.load(id, call.evidence.version)
      })
      if (bundle === null) throw notFound()
      return exactly(c, bundle)
    })

  async function own(key: ApiKey, id: CallId): Promise<FlexibilityCall> {
    return ports.store.transaction(async (tx) => (await visibleCall(ports, tx, key, id)).call)
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

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type Dispute, DISPUTE_REASONS, type DisputingParty } from '#domain/dispute.ts'
import { fieldError } from '#domain/errors.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import type { Address, CallId } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { decideDispute } from '#lifecycle/decide-dispute.ts'
import { disputeDeadline, disputeLine } from '#lifecycle/dispute-line.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import type { ApiKey } from '#ports.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import { visibleCall } from '../call-access.ts'
import type { ApiContext } from '../context.ts'
import { DisputeView, disputeView, RestView, restView } from '../dispute-view.ts'
import { notFound } from '../problem.ts'
import { answers, atOrNull, At, CallIdText, HexText, ResourceIdText, takes } from '../schemas.ts'

const One = z.object({ id: CallIdText })
/** A sum of minor units as a party writes it. */
const SumText = z
  .string()
  .regex(/^(0|[1-9]\d{0,23})$/, 'a decimal number of minor units such as "610000"')
  .transform((text) => microEur(BigInt(text)))

const Disputes = z.object({
  disputableUntil: At.nullable().openapi({
    description: 'Until when a line can be disputed; null: not in this state of the call',
  }),
  disputes: z.array(DisputeView),
  held: z.array(RestView).openapi({ description: 'What is or was on hold, by round' }),
})

const postDispute = createRoute({
  method: 'post',
  path: '/v1/flexibility-calls/{id}/disputes',
  summary: 'Object to a line: it is held, the others are paid',
  description:
    'Until the last quarter of the dispute window. A DSO to any line of its calls, an aggregator to ' +
    'those of its resources, an owner to its own. Sending it again changes nothing.',
  ...forRoles('dso', 'aggregator', 'owner'),
  request: {
    params: One,
    ...takes(
      z.strictObject({
        resourceId: ResourceIdText,
        reason: z.enum(DISPUTE_REASONS),
        text: z.string().min(1).max(500),
      }),
    ),
  },
  responses: { 200: answers(DisputeView, 'The dispute') },
})

const getDisputes = createRoute({
  method: 'get',
  path: '/v1/flexibility-calls/{id}/disputes',
  summary: 'Disputes that you may see, and what is on hold',
  ...forRoles('dso', 'aggregator', 'owner', 'operator', 'arbiter'),
  request: { params: One },
  responses: { 200: answers(Disputes, 'Ordered by resource') },
})

const postDecision = createRoute({
  method: 'post',
  path: '/v1/flexibility-calls/{id}/decision',
  summary: 'Decide how much of what is on hold is paid, line by line',
  description:
    'One decision for every line that is held. It counts once the arbiter has signed what it is ' +
    'answered with; until then another decision replaces it.',
  ...forRoles('arbiter'),
  request: {
    params: One,
    ...takes(
      z.strictObject({
        lines: z
          .array(z.strictObject({ resourceId: ResourceIdText, payMinor: SumText }))
          .min(1)
          .max(10_000),
        note: z.string().min(1).max(500),
      }),
    ),
  },
  responses: {
    200: answers(
      z.object({ version: z.int(), settlementToSign: z.record(z.string(), z.any()) }),
      'EIP-712 typed data',
    ),
  },
})

const postSignature = createRoute({
  method: 'post',
  path: '/v1/flexibility-calls/{id}/decision/signature',
  summary: "The arbiter's signature over its decision",
  ...forRoles('arbiter'),
  request: {
    params: One,
    ...takes(z.strictObject({ version: z.int().min(1), signature: HexText })),
  },
  responses: { 200: answers(z.object({ taken: z.literal(true) }), 'It was checked and kept') },
})

/** Objections to lines, and the arbiter's word on what is on hold. */
export function disputeRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(postDispute, async (c) => {
      const { id: callId } = c.req.valid('param')
      const key = c.get('key')
      await ports.store.transaction((tx) => visibleCall(ports, tx, key, callId))
      const party = partyOf(key)
      const dispute = await disputeLine(ports, { callId, party, ...c.req.valid('json') })
      return c.json(disputeView(dispute), 200)
    })
    .openapi(getDisputes, async (c) =>
      c.json(await shown(c.get('key'), c.req.valid('param').id), 200),
    )
    .openapi(postDecision, async (c) => {
      await arbiterOf(c.get('key'))
      const { lines, note } = c.req.valid('json')
      const decided = lines.map(({ resourceId, payMinor: pay }) => ({ resourceId, pay }))
      const { id: callId } = c.req.valid('param')
      const { version, settlementToSign } = await decideDispute(ports, {
        callId,
        lines: decided,
        note,
      })
      return c.json({ version, settlementToSign: plain(settlementToSign) }, 200)
    })
    .openapi(postSignature, async (c) => {
      const { version, signature } = c.req.valid('json')
      const verifier = await arbiterOf(c.get('key'))
      const { id: subjectId } = c.req.valid('param')
      const subject = 'settlement' as const
      await receiveAttestation(ports, { subject, subjectId, version, verifier, signature })
      return c.json({ taken: true as const }, 200)
    })

  /** Only the party whose signature the pool takes is its arbiter. */
  async function arbiterOf({ organisationId }: ApiKey): Promise<Address> {
    const party = await ports.store.transaction((tx) => tx.organisations.find(organisationId))
    const { arbiter } = ports.rail.parties
    if (arbiter === null || party?.address?.toLowerCase() !== arbiter.toLowerCase()) {
      const expected = arbiter ?? 'a pool with an arbiter'
      throw fieldError('wrong-state', 'address', expected, party?.address ?? null)
    }
    return arbiter
  }

  /** An aggregator or owner sees its own lines; the arbiter what it can decide on. */
  async function shown(key: ApiKey, id: CallId): Promise<z.infer<typeof Disputes>> {
    return ports.store.transaction(async (tx) => {
      const rests = await tx.rests.list({ callId: id })
      const disputes = await tx.disputes.ofCall(id)
      if (key.role === 'arbiter') {
        const call = await tx.calls.find(id)
        if (!call || disputes.length + rests.length === 0) throw notFound()
        return view(disputes, rests, null, null)
      }
      const { access, call } = await visibleCall(ports, tx, key, id)
      return view(disputes, rests, access.own, await disputeDeadline(ports, tx, call))
    })
  }
}

function view(
  disputes: readonly Dispute[],
  rests: readonly HeldRest[],
  own: ReadonlySet<string> | null,
  until: Dispute['decidedAt'],
): z.infer<typeof Disputes> {
  const isShown = ({ resourceId }: { resourceId: string }) => own === null || own.has(resourceId)
  return {
    disputableUntil: atOrNull(until),
    disputes: disputes.filter(isShown).map(disputeView),
    held: rests
      .map((rest) => ({ ...rest, lines: rest.lines.filter(isShown) }))
      .filter(({ lines }) => lines.length > 0)
      .map((rest) => restView(rest, own !== null)),
  }
}

function partyOf({ role, organisationId, ownerId }: ApiKey): DisputingParty {
  if (role !== 'dso' && role !== 'aggregator' && role !== 'owner') throw notFound()
  return { role, organisationId, ownerId }
}

function plain(value: unknown): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(value, (_key, member: unknown) =>
      typeof member === 'bigint' ? member.toString() : member,
    ),
  ) as Record<string, unknown>
}

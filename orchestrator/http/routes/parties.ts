import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { CongestionPoint, Organisation } from '#domain/resource.ts'
import { registerCongestionPoint } from '#lifecycle/register-congestion-point.ts'
import { registerOrganisation } from '#lifecycle/register-organisation.ts'
import { setCongestionRoom } from '#lifecycle/set-congestion-room.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { createOnce } from '../idempotency.ts'
import { notFound } from '../problem.ts'
import {
  AddressText,
  answers,
  CongestionPointIdText,
  IdempotencyHeader,
  OrganisationIdText,
  takes,
} from '../schemas.ts'

const OrganisationView = z.object({
  id: z.string(),
  kind: z.enum(['dso', 'aggregator', 'operator', 'verifier', 'agent', 'arbiter']),
  name: z.string(),
  address: z.string().nullable(),
  aggregatorShareBp: z.number(),
})
const RoomBody = z
  .strictObject({ limitW: z.int(), baseLoadW: z.array(z.int()).max(96).readonly() })
  .openapi({
    description:
      'The most that may flow there, W, and what flows there at the most without the devices of ' +
      'a call, over equal slots of the local day: what is left is the room for devices that come ' +
      'back after a window',
  })
const PointView = z.object({
  id: z.string(),
  dsoId: z.string(),
  name: z.string(),
  room: RoomBody.nullable(),
})
const Key = z.string().nullable().openapi({
  description: 'The bearer key, shown this once; null when the request is repeated',
})

const postOrganisation = createRoute({
  method: 'post',
  path: '/v1/organisations',
  summary: 'Register a DSO, aggregator, verifier, payout agent, arbiter or operator',
  ...forRoles('operator'),
  request: {
    headers: IdempotencyHeader,
    ...takes(
      z.strictObject({
        id: OrganisationIdText.optional(),
        kind: z.enum(['dso', 'aggregator', 'operator', 'verifier', 'agent', 'arbiter']),
        name: z.string().max(200),
        address: AddressText.nullable().optional(),
        aggregatorShareBp: z.int().optional(),
      }),
    ),
  },
  responses: {
    201: answers(z.object({ organisation: OrganisationView, key: Key }), 'The party and its key'),
  },
})

const getOrganisations = createRoute({
  method: 'get',
  path: '/v1/organisations',
  summary: 'All parties',
  ...forRoles('operator'),
  responses: { 200: answers(z.array(OrganisationView), 'Ordered by id') },
})

const postPoint = createRoute({
  method: 'post',
  path: '/v1/congestion-points',
  summary: 'Register a place in the grid where power can be short',
  ...forRoles('dso', 'operator'),
  request: {
    headers: IdempotencyHeader,
    ...takes(
      z.strictObject({
        id: CongestionPointIdText.optional(),
        dsoId: OrganisationIdText.optional().openapi({
          description: 'Whose grid it is; a DSO registers in its own',
        }),
        name: z.string().max(200),
        room: RoomBody.optional(),
      }),
    ),
  },
  responses: { 201: answers(PointView, 'The congestion point') },
})

const putRoom = createRoute({
  method: 'put',
  path: '/v1/congestion-points/{id}/room',
  summary: 'Say how much room a congestion point has after a window; null: nobody says any more',
  ...forRoles('dso', 'operator'),
  request: {
    params: z.object({ id: CongestionPointIdText }),
    ...takes(z.strictObject({ room: RoomBody.nullable() })),
  },
  responses: { 200: answers(PointView, 'The congestion point') },
})

const getPoints = createRoute({
  method: 'get',
  path: '/v1/congestion-points',
  summary: "A DSO's own congestion points; for aggregators all, to enrol sites there",
  ...forRoles('dso', 'aggregator', 'operator'),
  responses: { 200: answers(z.array(PointView), 'Ordered by id') },
})

/** Organisations and congestion points. */
export function partyRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(postOrganisation, async (c) => {
      const input = c.req.valid('json')
      const answer = await createOnce(
        c,
        ports,
        async (inside) => {
          const { organisation, key } = await registerOrganisation(inside, input)
          return { organisation: organisationView(organisation), key: key as string | null }
        },
        (made) => ({ ...made, key: null }),
      )
      return c.json(answer, 201)
    })
    .openapi(getOrganisations, async (c) => {
      const all = await ports.store.transaction((tx) => tx.organisations.list())
      return c.json(all.map(organisationView), 200)
    })
    .openapi(postPoint, async (c) => {
      const key = c.get('key')
      const { dsoId = key.organisationId, ...input } = c.req.valid('json')
      if (key.role === 'dso' && dsoId !== key.organisationId) throw notFound()
      const answer = await createOnce(c, ports, async (inside) =>
        pointView(await registerCongestionPoint(inside, { ...input, dsoId })),
      )
      return c.json(answer, 201)
    })
    .openapi(putRoom, async (c) => {
      const { role, organisationId } = c.get('key')
      const { room } = c.req.valid('json')
      const dsoId = role === 'dso' ? organisationId : null
      const point = await setCongestionRoom(ports, dsoId, c.req.valid('param').id, room)
      return c.json(pointView(point), 200)
    })
    .openapi(getPoints, async (c) => {
      const { role, organisationId } = c.get('key')
      const points = await ports.store.transaction((tx) => tx.organisations.congestionPoints())
      const shown = points.filter((point) => role !== 'dso' || point.dsoId === organisationId)
      return c.json(shown.map(pointView), 200)
    })
}

function organisationView(organisation: Organisation): z.infer<typeof OrganisationView> {
  const { id, kind, name, address, aggregatorShareBp } = organisation
  return { id, kind, name, address, aggregatorShareBp }
}

function pointView({ id, dsoId, name, room }: CongestionPoint): z.infer<typeof PointView> {
  return { id, dsoId, name, room: room === undefined ? null : { ...room } }
}

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { OfferConditions } from '#domain/offer-conditions.ts'
import type { Resource } from '#domain/resource.ts'
import { changeOffer } from '#lifecycle/change-offer.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { importHistory } from '#lifecycle/import-history.ts'
import { requestRenewal } from '#lifecycle/renew-credential.ts'
import { trustCertificate } from '#lifecycle/trust-certificate.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { createOnce } from '../idempotency.ts'
import {
  ConditionsView,
  RatingView,
  ResourceView,
  resourceView,
  viewOne,
} from '../resource-view.ts'
import {
  answers,
  DirectionText,
  IdempotencyHeader,
  InstantText,
  PriceText,
  ResourceIdText,
  SiteIdText,
  takes,
} from '../schemas.ts'

const OfferBody = z
  .strictObject({
    priceMinorPerKwh: PriceText,
    directions: z.array(DirectionText).max(2),
    fromMinute: z.int().openapi({ description: 'Of the local day in the program' }),
    untilMinute: z.int().openapi({ description: 'Exclusive; 1440 is midnight' }),
    conditions: z.strictObject(ConditionsView.shape).optional(),
  })
  .transform(({ priceMinorPerKwh: price, conditions, ...rest }) => ({
    price,
    ...rest,
    // JSON knows no undefined: what is not there is absent.
    ...(conditions === undefined ? {} : { conditions: conditions as OfferConditions }),
  }))

const EnrolBody = z.strictObject({
  id: ResourceIdText.optional(),
  kind: z.enum(['charger', 'battery']),
  siteId: SiteIdText,
  rating: z.strictObject(RatingView.shape),
  offer: OfferBody,
  meter: z
    .strictObject({
      serial: z.string().max(100).openapi({ description: 'As the signed records name it' }),
      publicKey: z
        .string()
        .max(2000)
        .openapi({ description: 'Hex or base64, from the name plate' }),
    })
    .nullable()
    .optional()
    .openapi({ description: 'Of a meter that signs its registers (OCMF)' }),
  connection: z.discriminatedUnion('protocol', [
    z.strictObject({
      protocol: z.literal('ocpp'),
      identity: z.string().max(100).optional(),
      connectorId: z.int().optional(),
    }),
    z.strictObject({
      protocol: z.literal('opcua'),
      endpoint: z.string().max(400),
      thumbprint: z.string().max(100).nullable(),
      product: z
        .string()
        .max(100)
        .optional()
        .openapi({ description: 'Make, gridcall-bess if absent' }),
      object: z.string().max(100).optional().openapi({
        description: 'Browse name of the battery, where its server holds several',
      }),
      user: z.enum(['anonymous', 'password', 'certificate']).optional(),
    }),
    z.strictObject({
      protocol: z.literal('modbus'),
      host: z.string().max(300),
      port: z.int().optional().openapi({ description: '502 unless told otherwise' }),
      unitId: z.int().optional().openapi({ description: '1 unless told otherwise' }),
    }),
  ]),
})

const One = z.object({ id: ResourceIdText })
const Enrolled = z.object({
  resource: ResourceView,
  password: z.string().nullable().openapi({
    description: "The station's password, shown this once; null for other protocols",
  }),
})

const postResource = createRoute({
  method: 'post',
  path: '/v1/resources',
  summary: 'Enrol a charger or a battery',
  ...forRoles('aggregator'),
  request: { headers: IdempotencyHeader, ...takes(EnrolBody) },
  responses: { 201: answers(Enrolled, 'The resource and what its installer needs') },
})

const putOffer = createRoute({
  method: 'put',
  path: '/v1/resources/{id}/offer',
  summary: 'Change what a resource asks for from now on',
  ...forRoles('aggregator'),
  request: { params: One, ...takes(OfferBody) },
  responses: { 200: answers(ResourceView, 'The resource') },
})

const postTrust = createRoute({
  method: 'post',
  path: '/v1/resources/{id}/trust',
  summary: "Trust a battery's certificate, or none any more",
  ...forRoles('aggregator'),
  request: {
    params: One,
    ...takes(z.strictObject({ thumbprint: z.string().max(100).nullable() })),
  },
  responses: { 200: answers(ResourceView, 'The resource') },
})

const postCredential = createRoute({
  method: 'post',
  path: '/v1/resources/{id}/credential',
  summary: "Renew a station's password over its own connection",
  description:
    'The station is given a new password when it is connected; the old one ends when it has come ' +
    'with the new one. Nobody else learns it.',
  ...forRoles('aggregator'),
  request: { params: One, ...takes(z.strictObject({})) },
  responses: { 202: answers(ResourceView, 'The resource; `connection.renewal` tells how it goes') },
})

const postHistory = createRoute({
  method: 'post',
  path: '/v1/resources/{id}/history',
  summary: 'Import earlier meter readings, for baselines',
  description: 'Each instant is taken once; sending the same again changes nothing.',
  ...forRoles('aggregator'),
  request: {
    params: One,
    ...takes(
      z.strictObject({
        readings: z
          .array(z.strictObject({ at: InstantText, registerWh: z.int() }))
          .min(1)
          .max(20_000),
      }),
    ),
  },
  responses: {
    200: answers(z.object({ received: z.int(), added: z.int() }), 'How many came and were new'),
  },
})

const getClientCertificate = createRoute({
  method: 'get',
  path: '/v1/opcua/client-certificate',
  summary: 'Our own certificate, for the trust list of a battery',
  ...forRoles('aggregator', 'operator'),
  responses: {
    200: answers(
      z.object({
        pem: z.string(),
        thumbprint: z.string().openapi({ description: 'SHA-1 of the DER, upper-case hex' }),
      }),
      'The certificate with which we connect to every battery',
    ),
  },
})

/** What an aggregator does with its devices: enrols them, changes and connects them. */
export function enrolmentRoutes(context: ApiContext) {
  const { ports, clientCertificate } = context
  return new OpenAPIHono<ApiEnv>()
    .openapi(postResource, async (c) => {
      const input = c.req.valid('json')
      const answer = await createOnce(
        c,
        ports,
        async (inside, by): Promise<z.infer<typeof Enrolled>> => {
          const { resource, password } = await enrolResource(inside, by.organisationId, input)
          return { resource: resourceView(context, resource), password }
        },
        (made) => ({ ...made, password: null }),
      )
      return c.json(answer, 201)
    })
    .openapi(putOffer, async (c) => {
      const { id } = c.req.valid('param')
      const { organisationId } = c.get('key')
      const resource = await changeOffer(ports, organisationId, id, c.req.valid('json'))
      return c.json(await shown(context, resource), 200)
    })
    .openapi(postTrust, async (c) => {
      const { id } = c.req.valid('param')
      const { organisationId } = c.get('key')
      const { thumbprint } = c.req.valid('json')
      const resource = await trustCertificate(ports, organisationId, id, thumbprint)
      return c.json(await shown(context, resource), 200)
    })
    .openapi(postCredential, async (c) => {
      const { id } = c.req.valid('param')
      const resource = await requestRenewal(ports, c.get('key').organisationId, id)
      return c.json(await shown(context, resource), 202)
    })
    .openapi(postHistory, async (c) => {
      const { id } = c.req.valid('param')
      const { organisationId } = c.get('key')
      const { readings } = c.req.valid('json')
      return c.json(await importHistory(ports, organisationId, id, readings), 200)
    })
    .openapi(getClientCertificate, async (c) => {
      const { pem, thumbprint } = await clientCertificate()
      return c.json({ pem, thumbprint }, 200)
    })
}

async function shown(context: ApiContext, resource: Resource) {
  return context.ports.store.transaction((tx) => viewOne(context, tx, resource))
}

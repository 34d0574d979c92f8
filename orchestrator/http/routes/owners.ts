import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Owner, Site } from '#domain/resource.ts'
import { registerOwner } from '#lifecycle/register-owner.ts'
import { registerSite } from '#lifecycle/register-site.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { createOnce } from '../idempotency.ts'
import { notFound } from '../problem.ts'
import {
  AddressText,
  answers,
  CongestionPointIdText,
  IdempotencyHeader,
  OwnerIdText,
  SiteIdText,
  takes,
} from '../schemas.ts'

const PayoutBody = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('agent'),
    iban: z.string().max(60).openapi({ description: 'Checked, sealed, never shown again' }),
    name: z
      .string()
      .max(100)
      .optional()
      .openapi({ description: 'Of who holds the account; sealed with it, banks compare it' }),
  }),
  z.strictObject({ kind: z.literal('wallet'), address: AddressText }),
])
const PayoutView = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('agent') }),
  z.object({ kind: z.literal('wallet'), address: z.string() }),
])
const OwnerView = z.object({ id: z.string(), payout: PayoutView })
const SiteView = z.object({ id: z.string(), ownerId: z.string(), congestionPointId: z.string() })

const postOwner = createRoute({
  method: 'post',
  path: '/v1/owners',
  summary: 'Register a device owner with a payout choice',
  ...forRoles('aggregator'),
  request: {
    headers: IdempotencyHeader,
    ...takes(z.strictObject({ id: OwnerIdText.optional(), payout: PayoutBody })),
  },
  responses: {
    201: answers(
      z.object({ owner: OwnerView, key: z.string().nullable() }),
      "The owner and the owner's key, which is shown this once",
    ),
  },
})

const getOwners = createRoute({
  method: 'get',
  path: '/v1/owners',
  summary: 'Your owners',
  ...forRoles('aggregator'),
  responses: { 200: answers(z.array(OwnerView), 'Ordered by id') },
})

const postSite = createRoute({
  method: 'post',
  path: '/v1/sites',
  summary: "Register where an owner's devices stand",
  ...forRoles('aggregator'),
  request: {
    headers: IdempotencyHeader,
    ...takes(
      z.strictObject({
        id: SiteIdText.optional(),
        ownerId: OwnerIdText,
        congestionPointId: CongestionPointIdText,
      }),
    ),
  },
  responses: { 201: answers(SiteView, 'The site') },
})

const getSite = createRoute({
  method: 'get',
  path: '/v1/sites/{id}',
  summary: 'One of your sites',
  ...forRoles('aggregator'),
  request: { params: z.object({ id: SiteIdText }) },
  responses: { 200: answers(SiteView, 'The site') },
})

/** Owners and their sites, as their aggregator registers them. */
export function ownerRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(postOwner, async (c) => {
      const input = c.req.valid('json')
      const answer = await createOnce(
        c,
        ports,
        async (inside, by) => {
          const { owner, key } = await registerOwner(inside, by.organisationId, input)
          return { owner: ownerView(owner), key: key as string | null }
        },
        (made) => ({ ...made, key: null }),
      )
      return c.json(answer, 201)
    })
    .openapi(getOwners, async (c) => {
      const { organisationId } = c.get('key')
      const owners = await ports.store.transaction((tx) => tx.resources.owners(organisationId))
      return c.json(owners.map(ownerView), 200)
    })
    .openapi(postSite, async (c) => {
      const input = c.req.valid('json')
      const answer = await createOnce(c, ports, async (inside, by) =>
        siteView(await registerSite(inside, by.organisationId, input)),
      )
      return c.json(answer, 201)
    })
    .openapi(getSite, async (c) => {
      const { id } = c.req.valid('param')
      const site = await ports.store.transaction((tx) => tx.resources.site(id))
      if (site?.aggregatorId !== c.get('key').organisationId) throw notFound()
      return c.json(siteView(site), 200)
    })
}

function ownerView({ id, payout }: Owner): z.infer<typeof OwnerView> {
  return payout.kind === 'agent'
    ? { id, payout: { kind: 'agent' } }
    : { id, payout: { kind: 'wallet', address: payout.address } }
}

function siteView({ id, ownerId, congestionPointId }: Site): z.infer<typeof SiteView> {
  return { id, ownerId, congestionPointId }
}

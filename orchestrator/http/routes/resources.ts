import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { fieldError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { notFound } from '../problem.ts'
import { ResourceView, resourceViews, viewOne } from '../resource-view.ts'
import { answers, ResourceIdText, WholeText } from '../schemas.ts'
import { SetpointChain, setpointChain } from '../setpoint-view.ts'

const MOST_SETPOINTS = 100

const One = z.object({ id: ResourceIdText })

const getResources = createRoute({
  method: 'get',
  path: '/v1/resources',
  summary: 'Your resources with their connections; all for the operator',
  ...forRoles('aggregator', 'owner', 'operator'),
  responses: { 200: answers(z.array(ResourceView), 'Ordered by id') },
})

const getResource = createRoute({
  method: 'get',
  path: '/v1/resources/{id}',
  summary: 'One of your resources with its connection',
  ...forRoles('aggregator', 'owner', 'operator'),
  request: { params: One },
  responses: { 200: answers(ResourceView, 'The resource') },
})

const getSetpoints = createRoute({
  method: 'get',
  path: '/v1/resources/{id}/setpoints',
  summary: 'How far each setpoint of a resource has come: the truth chain',
  description:
    'Newest first. Ordered, acknowledged by the device, effective as it says itself, and observed ' +
    'by its meter: only what was observed is paid.',
  ...forRoles('aggregator', 'owner', 'operator'),
  request: { params: One, query: z.object({ limit: WholeText.optional() }) },
  responses: { 200: answers(z.array(SetpointChain), 'At most 100; 20 where no limit is given') },
})

/** What is known of devices. */
export function resourceRoutes(context: ApiContext) {
  const { ports } = context
  return new OpenAPIHono<ApiEnv>()
    .openapi(getResources, async (c) => {
      const filter = filterOf(c.get('key'))
      const views = await ports.store.transaction(async (tx) =>
        resourceViews(context, tx, await tx.resources.list(filter)),
      )
      return c.json(views, 200)
    })
    .openapi(getResource, async (c) => {
      const { id } = c.req.valid('param')
      const view = await ports.store.transaction(async (tx) =>
        viewOne(context, tx, await readable(tx, id, c.get('key'))),
      )
      return c.json(view, 200)
    })
    .openapi(getSetpoints, async (c) => {
      const { id } = c.req.valid('param')
      const { limit = 20 } = c.req.valid('query')
      if (limit < 1 || limit > MOST_SETPOINTS) {
        throw fieldError('malformed', 'query.limit', `1 to ${MOST_SETPOINTS}`, limit)
      }
      const rows = await ports.store.transaction(async (tx) => {
        await readable(tx, id, c.get('key'))
        return tx.setpoints.ofResource(id, limit)
      })
      return c.json(rows.map(setpointChain), 200)
    })
}

type Key = ApiEnv['Variables']['key']

function filterOf(key: Key) {
  if (key.role === 'operator') return {}
  return key.role === 'owner' && key.ownerId !== null
    ? { ownerId: key.ownerId }
    : { aggregatorId: key.organisationId }
}

/** What somebody may not read is not there for him. */
async function readable(tx: StoreTransaction, id: ResourceId, key: Key): Promise<Resource> {
  const resource = await tx.resources.find(id)
  if (resource === null || !mayRead(key, resource)) throw notFound()
  return resource
}

function mayRead(key: Key, resource: Resource): boolean {
  if (key.role === 'operator') return true
  if (key.role === 'owner') return resource.ownerId === key.ownerId
  return resource.aggregatorId === key.organisationId
}

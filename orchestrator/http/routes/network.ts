import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { readFeeder, type StoredFeeder } from '#domain/network/stored-feeder.ts'
import { saveFeeder } from '#lifecycle/save-feeder.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { notFound } from '../problem.ts'
import { answers, At, at, CongestionPointIdText, takes } from '../schemas.ts'

const FeederView = z.object({
  congestionPointId: z.string(),
  version: z.int(),
  branch: z.string().openapi({ description: 'The branch that is short' }),
  hash: z.string().openapi({
    description: "keccak-256 of the feeder's JSON without white space; stands in a call's terms",
  }),
  importedAt: At,
  name: z.string(),
  buses: z.int(),
  resources: z.int().openapi({ description: 'Placed by their own id' }),
  sites: z.int().openapi({ description: 'Placed, with all resources there' }),
})
const Feeder = z.record(z.string(), z.any())
const One = z.object({ id: CongestionPointIdText })

const putFeeder = createRoute({
  method: 'put',
  path: '/v1/congestion-points/{id}/feeder',
  summary: 'Give the radial feeder behind a congestion point, as its next version',
  description:
    'From then on offers count what each device does to the branch, and create no new congestion. ' +
    'Sending the same again changes nothing.',
  ...forRoles('dso', 'operator'),
  request: {
    params: One,
    ...takes(
      z.strictObject({
        branch: z.string().max(100).openapi({ description: 'The branch that is short' }),
        feeder: Feeder.openapi({ description: 'Fields as in docs/network.md' }),
      }),
    ),
  },
  responses: { 200: answers(FeederView, 'The version in force') },
})

const getFeeder = createRoute({
  method: 'get',
  path: '/v1/congestion-points/{id}/feeder',
  summary: 'The feeder in force, whole',
  ...forRoles('dso', 'operator'),
  request: { params: One },
  responses: { 200: answers(FeederView.extend({ feeder: Feeder }), 'The version in force') },
})

/** The grid behind congestion points, for those who run it. */
export function networkRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(putFeeder, async (c) => {
      const { role, organisationId } = c.get('key')
      const dsoId = role === 'dso' ? organisationId : null
      const { id } = c.req.valid('param')
      return c.json(feederView(await saveFeeder(ports, dsoId, id, c.req.valid('json'))), 200)
    })
    .openapi(getFeeder, async (c) => {
      const { role, organisationId } = c.get('key')
      const { id } = c.req.valid('param')
      const stored = await ports.store.transaction(async (tx) => {
        const point = await tx.organisations.congestionPoint(id)
        if (role === 'dso' && point?.dsoId !== organisationId) return null
        return tx.organisations.feeder(id)
      })
      if (stored === null) throw notFound()
      const feeder = JSON.parse(stored.text) as z.infer<typeof Feeder>
      return c.json({ ...feederView(stored), feeder }, 200)
    })
}

function feederView(stored: StoredFeeder): z.infer<typeof FeederView> {
  const { feeder } = readFeeder(JSON.parse(stored.text), stored.branchId, { strict: false })
  return {
    congestionPointId: stored.congestionPointId,
    version: stored.version,
    branch: stored.branchId,
    hash: stored.hash,
    importedAt: at(stored.importedAt),
    name: feeder.name,
    buses: feeder.buses.length,
    resources: feeder.resources.length,
    sites: feeder.sites.length,
  }
}

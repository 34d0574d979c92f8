import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { activateReserve } from '#lifecycle/activate-reserve.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import { DsoCall } from '../call-schemas.ts'
import { dsoView } from '../call-view.ts'
import type { ApiContext } from '../context.ts'
import { answers, CallIdText, InstantText, takes } from '../schemas.ts'

const postActivation = createRoute({
  method: 'post',
  path: '/v1/flexibility-calls/{id}/activations',
  summary: 'Use what stands by in an availability call, from start to end',
  description:
    'On the raster of the metering interval, inside the window, with the notice of the program. ' +
    'The same stretch twice is one activation.',
  ...forRoles('dso'),
  request: {
    params: z.object({ id: CallIdText }),
    ...takes(z.strictObject({ start: InstantText, end: InstantText })),
  },
  responses: { 200: answers(DsoCall, 'The call') },
})

/** How a DSO calls upon what it has reserved. */
export function activationRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>().openapi(postActivation, async (c) => {
    const { id } = c.req.valid('param')
    const key = c.get('key')
    await activateReserve(ports, key.organisationId, id, c.req.valid('json'))
    return c.json(await dsoView(ports, key, id), 200)
  })
}

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { activateReserve } from '#lifecycle/activate-reserve.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import { DsoCall } from '../call-schemas.ts'
import { dsoView } from '../call-view.ts'
import type { ApiContext } from '../context.ts'
import { answers, CallIdText, InstantText, takes } from '../schemas.ts'

const Wanted = z.strictObject({
  start: InstantText,
  end: InstantText,
  powerW: z
    .number()
    .optional()
    .openapi({ description: 'W at the congestion point, whole hundreds, at most what is held' }),
})

const postActivation = createRoute({
  method: 'post',
  path: '/v1/flexibility-calls/{id}/activations',
  summary: 'Use what stands by in an availability call, all of it or a part, from start to end',
  description:
    'On the raster of the metering interval, inside the window, with the notice of the program. ' +
    'Without a power all that is held; with one as much of it, by merit order. ' +
    'The same twice is one activation.',
  ...forRoles('dso'),
  request: {
    params: z.object({ id: CallIdText }),
    ...takes(Wanted),
  },
  responses: { 200: answers(DsoCall, 'The call') },
})

/** How a DSO calls upon what it has reserved. */
export function activationRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>().openapi(postActivation, async (c) => {
    const { id } = c.req.valid('param')
    const key = c.get('key')
    const { powerW, ...stretch } = c.req.valid('json')
    const wanted = powerW === undefined ? stretch : { ...stretch, powerW }
    await activateReserve(ports, key.organisationId, id, wanted)
    return c.json(await dsoView(ports, key, id), 200)
  })
}

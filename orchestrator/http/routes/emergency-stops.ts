import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import {
  emergencyStop,
  liftStop,
  type StopNow,
  type Stopper,
  stopOf,
  stopsOf,
} from '#lifecycle/emergency-stop.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { answers, At, at, atOrNull, CongestionPointIdText, takes } from '../schemas.ts'

const StopView = z.object({
  id: z.string(),
  congestionPointId: z.string().nullable().openapi({ description: 'null: everywhere' }),
  at: At,
  by: z.string(),
  reason: z.string(),
  liftedAt: At.nullable(),
  told: z.int().openapi({ description: 'Devices that held a setpoint or curve when it came' }),
  letGo: z.int().openapi({ description: 'Those that have said since: they are at their default' }),
})

const One = z.object({ id: z.string().max(80) })

const postStop = createRoute({
  method: 'post',
  path: '/v1/emergency-stops',
  summary: 'End all control at a congestion point, or everywhere, at once',
  description:
    'Every device goes back to its own default, and none is told anything until the stop is ' +
    'lifted. Calls inside their window end; what was delivered until then is measured and paid. ' +
    'A DSO names one of its congestion points; only the operator stops everywhere.',
  ...forRoles('operator', 'dso'),
  request: takes(
    z.strictObject({ congestionPointId: CongestionPointIdText.nullable(), reason: z.string() }),
  ),
  responses: { 200: answers(StopView, 'The stop, which stands until it is lifted') },
})

const getStops = createRoute({
  method: 'get',
  path: '/v1/emergency-stops',
  summary: 'Emergency stops and how far each has come',
  ...forRoles('operator', 'dso'),
  responses: { 200: answers(z.array(StopView), 'The newest first') },
})

const getStop = createRoute({
  method: 'get',
  path: '/v1/emergency-stops/{id}',
  summary: 'An emergency stop and how far it has come',
  description: 'A DSO reads of the devices at its own congestion points.',
  ...forRoles('operator', 'dso'),
  request: { params: One },
  responses: { 200: answers(StopView, 'The stop') },
})

const postLift = createRoute({
  method: 'post',
  path: '/v1/emergency-stops/{id}/lift',
  summary: 'Lift an emergency stop: calls may be dispatched again',
  ...forRoles('operator', 'dso'),
  request: { params: One, ...takes(z.strictObject({})) },
  responses: { 200: answers(StopView, 'The stop, lifted') },
})

/** The last resort of whoever answers for a grid. */
export function emergencyStopRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(postStop, async (c) => {
      const by = stopperOf(c.get('key'))
      const { id } = await emergencyStop(ports, by, c.req.valid('json'))
      return c.json(stopView(await stopOf(ports, by, id)), 200)
    })
    .openapi(getStop, async (c) => {
      const { id } = c.req.valid('param')
      return c.json(stopView(await stopOf(ports, stopperOf(c.get('key')), id)), 200)
    })
    .openapi(getStops, async (c) => {
      const stops = await stopsOf(ports, stopperOf(c.get('key')))
      return c.json(stops.map(stopView), 200)
    })
    .openapi(postLift, async (c) => {
      const by = stopperOf(c.get('key'))
      const { id } = await liftStop(ports, by, c.req.valid('param').id)
      return c.json(stopView(await stopOf(ports, by, id)), 200)
    })
}

function stopperOf({ role, organisationId }: ApiEnv['Variables']['key']): Stopper {
  return { organisationId, role: role === 'operator' ? 'operator' : 'dso' }
}

function stopView(stop: StopNow): z.infer<typeof StopView> {
  const { id, congestionPointId, by, reason, told, letGo } = stop
  const liftedAt = atOrNull(stop.liftedAt)
  return { id, congestionPointId, at: at(stop.at), by, reason, liftedAt, told, letGo }
}

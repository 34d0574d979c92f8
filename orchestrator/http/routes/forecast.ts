import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { forecastAvailability } from '#lifecycle/forecast-availability.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { answers, At, at, CongestionPointIdText, DirectionText, InstantText } from '../schemas.ts'

const ForecastView = z.object({
  congestionPointId: z.string(),
  direction: DirectionText,
  start: At,
  end: At,
  decidedAt: At.openapi({ description: 'It stands on nothing that came later' }),
  classes: z.array(
    z.object({
      kind: z.enum(['charger', 'battery']),
      p10W: z.int().openapi({ description: 'In nine of ten windows at least this is held' }),
      p50W: z.int(),
      p90W: z.int(),
      days: z.int().openapi({ description: 'Like days that it stands on, nine at least' }),
    }),
  ),
})

const getForecast = createRoute({
  method: 'get',
  path: '/v1/availability-forecast',
  summary: 'What can be held for a whole window at a congestion point, per class of device',
  description:
    'P10, P50 and P90 of W, from the stored readings of like days (working or not), of devices that ' +
    'would answer a request there now. Not known of those days: when cars were to leave. A class ' +
    'with fewer than nine such days is left out, and for a DSO one of fewer than five devices: it ' +
    'would show single households. An aggregator reads of its own devices. Six hours at most.',
  ...forRoles('dso', 'aggregator', 'operator'),
  request: {
    query: z.strictObject({
      congestionPointId: CongestionPointIdText,
      start: InstantText,
      end: InstantText,
      direction: DirectionText.default('reduce-import'),
    }),
  },
  responses: { 200: answers(ForecastView, 'By class') },
})

/** What a DSO may count on at another time. */
export function forecastRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>().openapi(getForecast, async (c) => {
    const { role, organisationId } = c.get('key')
    const { congestionPointId, start, end, direction } = c.req.valid('query')
    const window = { start, end }
    const { decidedAt, held } = await forecastAvailability(
      ports,
      { congestionPointId, window, direction },
      {
        dsoId: role === 'dso' ? organisationId : null,
        aggregatorId: role === 'aggregator' ? organisationId : null,
      },
    )
    const classes = held.map(({ kind, p10W, p50W, p90W, days }) => {
      const [low, middle, high] = [p10W, p50W, p90W].map(Math.floor) as [number, number, number]
      return { kind, p10W: low, p50W: middle, p90W: high, days: days.length }
    })
    const told = { congestionPointId, direction, start: at(start), end: at(end) }
    return c.json({ ...told, decidedAt: at(decidedAt), classes }, 200)
  })
}

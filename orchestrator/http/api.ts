import { OpenAPIHono, z } from '@hono/zod-openapi'
import { routePath } from 'hono/route'
import { type ApiEnv, forRoles, requireKey } from './auth.ts'
import type { ApiContext } from './context.ts'
import { type Document, docsHeaders, docsPage } from './docs-page.ts'
import { limitBody, readJsonBody } from './json-body.ts'
import { createOutboxWatch } from './outbox-watch.ts'
import { pages } from './pages.ts'
import { notFound, problemHandler, problemResponse, refusedFields } from './problem.ts'
import { countNow, readiness } from './readiness.ts'
import { activationRoutes } from './routes/activations.ts'
import { callRoutes } from './routes/calls.ts'
import { decisionRoutes } from './routes/decisions.ts'
import { disputeRoutes } from './routes/disputes.ts'
import { earningsRoutes } from './routes/earnings.ts'
import { enrolmentRoutes } from './routes/enrolment.ts'
import { emergencyStopRoutes } from './routes/emergency-stops.ts'
import { escrowRoutes } from './routes/escrow.ts'
import { forecastRoutes } from './routes/forecast.ts'
import { ledgerActRoutes } from './routes/ledger-acts.ts'
import { ledgerRoutes } from './routes/ledger.ts'
import { operatorRoutes } from './routes/operator.ts'
import { limitRoutes } from './routes/limits.ts'
import { moneyRoutes } from './routes/money.ts'
import { networkRoutes } from './routes/network.ts'
import { ownerRoutes } from './routes/owners.ts'
import { partyRoutes } from './routes/parties.ts'
import { paymentRoutes } from './routes/payments.ts'
import { payoutChoiceRoutes } from './routes/payout-choice.ts'
import { payoutRoutes } from './routes/payouts.ts'
import { programRoutes } from './routes/programs.ts'
import { resourceRoutes } from './routes/resources.ts'
import { statementRoutes } from './routes/statements.ts'
import { verificationRoutes } from './routes/verification.ts'
import { at } from './schemas.ts'
import { eventStream } from './stream.ts'

/** The whole HTTP service: API, event stream, pages, health, metrics, documentation. */
export function createApi(context: ApiContext) {
  const { ports, metrics } = context
  const outbox = createOutboxWatch(ports.timer)
  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw refusedFields(result.error, result.target, dataOf(result))
    },
  })
  app.onError(problemHandler(ports.log))
  app.notFound((c) => problemResponse(c, notFound()))
  app.use(async (c, next) => {
    const began = ports.timer.monotonicMs()
    await next()
    const seconds = (ports.timer.monotonicMs() - began) / 1000
    metrics.answered(c.req.method, routePath(c, -1), c.res.status, seconds)
  })
  app.use('/v1/*', requireKey(ports), limitBody, readJsonBody, async (c, next) => {
    await next()
    c.header('x-content-type-options', 'nosniff')
    if (c.res.headers.get('cache-control') === null) c.header('cache-control', 'no-store')
    // A page counts down in business time, which its own clock knows nothing of.
    c.header('gridcall-now', at(ports.clock.now()))
    c.header('gridcall-speed', String(ports.clock.speed))
  })
  app.get('/v1/stream', forRoles(...STREAM_ROLES).middleware, eventStream(context))
  describeStream(app)
  app.get('/healthz', (c) => c.json({ alive: true }))
  app.get('/readyz', async (c) => {
    const state = await readiness(context, outbox)
    return c.json(state, state.ready ? 200 : 503)
  })
  // What is counted could tell an owner of a call before its window: for the operator only.
  app.get('/metrics', requireKey(ports), forRoles('operator').middleware, async (c) =>
    c.body(await metrics.text(await countNow(ports, outbox)), 200, {
      'content-type': metrics.contentType,
    }),
  )
  app.get('/openapi.json', (c) => c.json(documentOf(app)))
  app.get('/docs', docsHeaders, (c) => c.html(docsPage(documentOf(app))))
  const routes = app
    .route('/', partyRoutes(context))
    .route('/', networkRoutes(context))
    .route('/', forecastRoutes(context))
    .route('/', programRoutes(context))
    .route('/', ownerRoutes(context))
    .route('/', enrolmentRoutes(context))
    .route('/', resourceRoutes(context))
    .route('/', limitRoutes(context))
    .route('/', callRoutes(context))
    .route('/', decisionRoutes(context))
    .route('/', emergencyStopRoutes(context))
    .route('/', escrowRoutes(context))
    .route('/', activationRoutes(context))
    .route('/', disputeRoutes(context))
    .route('/', earningsRoutes(context))
    .route('/', verificationRoutes(context))
    .route('/', payoutRoutes(context))
    .route('/', paymentRoutes(context))
    .route('/', payoutChoiceRoutes(context))
    .route('/', statementRoutes(context))
    .route('/', ledgerRoutes(context))
    .route('/', ledgerActRoutes(context))
    .route('/', operatorRoutes(context))
    .route('/', moneyRoutes(context, outbox))
  app.route('/', pages(context.dashboardsFolder))
  return routes
}

/** The typed routes, for hc<Api>. */
export type Api = ReturnType<typeof createApi>

const STREAM_ROLES = ['dso', 'aggregator', 'owner', 'operator'] as const

/** The validator hands over what came, though its type does not say so. */
function dataOf(result: object): unknown {
  return 'data' in result ? result.data : undefined
}

function describeStream(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/v1/stream',
    summary: 'Events as they happen, as server-sent events',
    description:
      'Each message is a list of events; its id goes into Last-Event-ID to resume. Read it with ' +
      'fetch: the key goes into the Authorization header.',
    security: [{ bearer: [] }],
    'x-roles': STREAM_ROLES,
    request: { query: z.object({ after: z.string().optional() }) },
    responses: { 200: { description: 'text/event-stream' } },
  })
}

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'errors'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          field: { type: 'string' },
          expected: { type: 'string' },
          got: { type: 'string' },
        },
      },
    },
  },
}

/** The OpenAPI document; every operation may answer with a problem. */
function documentOf(app: OpenAPIHono<ApiEnv>): Document {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Gridcall API',
      version: '1',
      description:
        'Flexibility calls from the request to the payout. Power in W, energy in Wh, money as ' +
        'decimal strings of minor units (1e-6 EUR), instants in UTC. What is not yours answers ' +
        '404. Refusals are RFC 9457 problems that name the field, what was expected and what came.',
    },
  })
  document.components = {
    ...document.components,
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
  }
  const problem = {
    description: 'A problem (RFC 9457)',
    content: { 'application/problem+json': { schema: PROBLEM } },
  }
  for (const operations of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(operations) as { responses: object }[]) {
      operation.responses = { ...operation.responses, default: problem }
    }
  }
  return document as unknown as Document
}

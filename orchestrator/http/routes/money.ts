import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type MoneySurvey, surveyMoney } from '#lifecycle/survey-money.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { DisputeView, disputeView, RestView, restView } from '../dispute-view.ts'
import type { Backlog, OutboxWatch } from '../outbox-watch.ts'
import { answers, At, atOrNull, MoneyText } from '../schemas.ts'

const MoneyView = z.object({
  books: z
    .object({
      agree: z.boolean(),
      comparedAt: At.nullable().openapi({ description: 'null: not yet' }),
      differences: z.array(z.string()).openapi({ description: 'One sentence per difference' }),
      since: At.nullable().openapi({ description: 'When that changed last; null: never' }),
    })
    .openapi({ description: 'By the last comparison; while they differ no new epoch is posted' }),
  backlog: z
    .array(
      z.object({
        key: z.string(),
        kind: z.string(),
        state: z.enum(['pending', 'sent']),
        hash: z.string().nullable(),
      }),
    )
    .openapi({ description: 'What the rail was asked and has not done yet, oldest first' }),
  sender: z.object({
    stuck: z.boolean().openapi({ description: 'Fees, key or node need somebody to look at them' }),
    oldestSeconds: z.int().openapi({ description: 'Wall time; of what was sent; 0: nothing' }),
  }),
  balances: z
    .array(z.object({ kind: z.string(), minor: MoneyText }))
    .openapi({ description: 'The ledger by kind of account; the sum is 0' }),
  waiting: z
    .array(
      z.object({
        callId: z.string(),
        dsoId: z.string(),
        disputes: z.array(DisputeView),
        held: z.array(RestView),
      }),
    )
    .openapi({ description: 'Calls of which something waits for a decision' }),
})

const getMoney = createRoute({
  method: 'get',
  path: '/v1/operator/money',
  summary: 'The state of the money: alarm, backlog, balances, what waits for a decision',
  ...forRoles('operator'),
  responses: { 200: answers(MoneyView, 'As it is now') },
})

/** What the operator looks at first. */
export function moneyRoutes({ ports }: ApiContext, outbox: OutboxWatch) {
  return new OpenAPIHono<ApiEnv>().openapi(getMoney, async (c) => {
    const survey = await surveyMoney(ports)
    return c.json(moneyView(survey, outbox.see(survey.backlog)), 200)
  })
}

function moneyView(
  { books, backlog, balances, waiting }: MoneySurvey,
  { isStuck: stuck, oldestSeconds }: Backlog,
): z.infer<typeof MoneyView> {
  const { comparedAt, differences, since } = books
  return {
    books: {
      agree: differences.length === 0,
      comparedAt: atOrNull(comparedAt),
      differences: [...differences],
      since: atOrNull(since),
    },
    backlog: backlog.map(({ businessKey: key, intent, state, hash }) => ({
      key,
      kind: intent.kind,
      state: state === 'sent' ? 'sent' : 'pending',
      hash,
    })),
    sender: { stuck, oldestSeconds: Math.floor(oldestSeconds) },
    balances: balances.map(({ kind, balance }) => ({ kind, minor: balance.toString() })),
    waiting: waiting.map(({ callId, dsoId, disputes, rests }) => ({
      callId,
      dsoId,
      disputes: disputes.map(disputeView),
      held: rests.map((rest) => restView(rest, false)),
    })),
  }
}

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type MoneySurvey, surveyMoney } from '#lifecycle/survey-money.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { DisputeView, disputeView, RestView, restView } from '../dispute-view.ts'
import { answers, At, atOrNull, MoneyText } from '../schemas.ts'

const MoneyView = z.object({
  books: z
    .object({
      agree: z.boolean(),
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
export function moneyRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>().openapi(getMoney, async (c) =>
    c.json(moneyView(await surveyMoney(ports)), 200),
  )
}

function moneyView({ books, backlog, balances, waiting }: MoneySurvey): z.infer<typeof MoneyView> {
  const { differences, since } = books
  return {
    books: {
      agree: differences.length === 0,
      differences: [...differences],
      since: atOrNull(since),
    },
    backlog: backlog.map(({ businessKey: key, intent, state, hash }) => ({
      key,
      kind: intent.kind,
      state: state === 'sent' ? 'sent' : 'pending',
      hash,
    })),
    balances: balances.map(({ kind, balance }) => ({ kind, minor: balance.toString() })),
    waiting: waiting.map(({ callId, dsoId, disputes, rests }) => ({
      callId,
      dsoId,
      disputes: disputes.map(disputeView),
      held: rests.map((rest) => restView(rest, false)),
    })),
  }
}

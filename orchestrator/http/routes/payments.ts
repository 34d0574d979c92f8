import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { endToEndId, type Payment } from '#domain/payment-order.ts'
import { givePaymentFile } from '#lifecycle/give-payment-file.ts'
import { returnPayment } from '#lifecycle/return-payment.ts'
import { hasAgentAccount, setAgentAccount } from '#lifecycle/set-agent-account.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { pain001 } from '../documents/pain001.ts'
import { notFound } from '../problem.ts'
import { answers, takes, WholeText } from '../schemas.ts'

const CentsText = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})$/, 'whole cents such as "500"')
  .openapi({ example: '500' })
  .transform((text) => BigInt(text))

const PaymentView = z.object({
  endToEndId: z.string(),
  epoch: z.int(),
  payee: z.string().openapi({ description: 'owner: or aggregator: and its id' }),
  cents: z.string(),
  state: z.enum(['ordered', 'returned']),
  reason: z.string().nullable().openapi({ description: 'Why it came back' }),
})

const AgentAccountView = z.object({
  hasAccount: z.boolean(),
  minimumPayoutCents: z.string(),
})

const getAccount = createRoute({
  method: 'get',
  path: '/v1/agent/account',
  summary: 'Whether you have named the account that pays, and your minimum payout',
  ...forRoles('agent'),
  responses: { 200: answers(AgentAccountView, 'The number itself is never shown') },
})

const putAccount = createRoute({
  method: 'put',
  path: '/v1/agent/account',
  summary: 'Name the account that pays, and the least that is paid out at once',
  ...forRoles('agent'),
  request: takes(
    z.strictObject({
      iban: z.string().max(60),
      name: z.string().min(1).max(100),
      minimumPayoutCents: CentsText.optional().openapi({
        description: 'Below this an amount is carried to the next payout; "1" if nothing is said',
      }),
    }),
  ),
  responses: { 200: answers(AgentAccountView, 'What counts from now on') },
})

const getFile = createRoute({
  method: 'get',
  path: '/v1/payouts/epochs/{epoch}/pain001',
  summary: 'The SEPA credit transfers of a payout epoch, for your bank',
  description:
    'ISO 20022 pain.001.001.09. From the first time on the payments count as handed over: the ' +
    'same epoch is always the same file with the same MsgId. It holds account numbers.',
  ...forRoles('agent'),
  request: { params: z.object({ epoch: WholeText }) },
  responses: {
    200: { content: { 'application/xml': { schema: z.string() } }, description: 'The file' },
    204: { description: 'This epoch pays nobody through the bank' },
  },
})

const getPayments = createRoute({
  method: 'get',
  path: '/v1/payouts/epochs/{epoch}/payments',
  summary: 'The payments of an epoch and what became of them, without account numbers',
  ...forRoles('agent', 'operator'),
  request: { params: z.object({ epoch: WholeText }) },
  responses: { 200: answers(z.array(PaymentView), 'Ordered by payee') },
})

const putReturn = createRoute({
  method: 'put',
  path: '/v1/payouts/payments/{endToEndId}/return',
  summary: 'The bank sent this payment back: its amount is on the payee’s account again',
  description:
    'May be sent again. After a reason that lies in the account (AC01, AC03, AC04, AC06, MD07) ' +
    'nothing more is paid to it until the payee names another one.',
  ...forRoles('agent'),
  request: {
    params: z.object({ endToEndId: z.string().max(35) }),
    ...takes(z.strictObject({ reason: z.string().max(10).openapi({ example: 'AC01' }) })),
  },
  responses: { 200: answers(PaymentView, 'The payment') },
})

/** How the payout agent pays: its account, an epoch's file for its bank, and what came back. */
export function paymentRoutes({ ports }: ApiContext) {
  const settings = async (id: Parameters<typeof hasAgentAccount>[1]) => {
    const agent = await ports.store.transaction((tx) => tx.organisations.find(id))
    return {
      hasAccount: await hasAgentAccount(ports, id),
      minimumPayoutCents: (agent?.minimumPayoutCents ?? 1n).toString(),
    }
  }
  return new OpenAPIHono<ApiEnv>()
    .openapi(getAccount, async (c) => c.json(await settings(c.get('key').organisationId), 200))
    .openapi(putAccount, async (c) => {
      const { organisationId } = c.get('key')
      const { minimumPayoutCents = 1n, ...account } = c.req.valid('json')
      await setAgentAccount(ports, organisationId, { account, minimumPayoutCents })
      return c.json(await settings(organisationId), 200)
    })
    .openapi(getFile, async (c) => {
      const { epoch } = c.req.valid('param')
      const content = await givePaymentFile(ports, c.get('key').organisationId, epoch)
      if (content === null) return c.body(null, 204)
      return c.body(pain001(content), 200, {
        'content-type': 'application/xml',
        'content-disposition': `attachment; filename="${content.messageId}.xml"`,
      })
    })
    .openapi(getPayments, async (c) => {
      const { epoch } = c.req.valid('param')
      const { known, payments } = await ports.store.transaction(async (tx) => ({
        known: await tx.payouts.find(epoch),
        payments: await tx.payments.list({ epoch }),
      }))
      if (known === null) throw notFound()
      return c.json(payments.map(paymentView), 200)
    })
    .openapi(putReturn, async (c) => {
      const reference = c.req.valid('param').endToEndId
      const payment = await returnPayment(ports, reference, c.req.valid('json').reason)
      return c.json(paymentView(payment), 200)
    })
}

function paymentView(payment: Payment): z.infer<typeof PaymentView> {
  const { epoch, payee, cents, state, reason } = payment
  return { endToEndId: endToEndId(payment), epoch, payee, cents: cents.toString(), state, reason }
}

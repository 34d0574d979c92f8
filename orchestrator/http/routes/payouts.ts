import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { answers, At, at, MoneyText, WholeText } from '../schemas.ts'

const AgentReceipt = z.object({
  epoch: z.int(),
  ownerId: z.string(),
  amountMinor: MoneyText,
  paidCents: z.string(),
  carriedMinor: MoneyText,
  lines: z.array(z.object({ callId: z.string(), amountMinor: MoneyText })),
})

const EpochView = z.object({
  epoch: z.int(),
  state: z.enum(['proposed', 'posted', 'active', 'paid']),
  createdAt: At,
  root: z.string(),
  totalMinor: MoneyText,
  callIds: z.array(z.string()),
  accounts: z.array(z.object({ index: z.int(), account: z.string(), cumulativeMinor: MoneyText })),
})

const getReceipts = createRoute({
  method: 'get',
  path: '/v1/payouts/receipts',
  summary: "The owners behind the payout agent's leaf; the sum of their amounts is the leaf",
  ...forRoles('agent', 'operator'),
  request: { query: z.strictObject({ epoch: WholeText.optional() }) },
  responses: { 200: answers(z.array(AgentReceipt), 'Receipts that the agent pays') },
})

const getEpochs = createRoute({
  method: 'get',
  path: '/v1/payouts/epochs',
  summary: 'Payout epochs, newest first',
  ...forRoles('agent', 'operator'),
  responses: { 200: answers(z.array(EpochView), 'Epochs') },
})

/** What the payout agent works from. Account numbers are handed over another way, never here. */
export function payoutRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(getReceipts, async (c) => {
      const { epoch } = c.req.valid('query')
      const receipts = await ports.store.transaction((tx) =>
        tx.payouts.receipts(epoch === undefined ? {} : { epoch }),
      )
      const shown = receipts.filter(({ route }) => route === 'agent')
      return c.json(
        shown.map((receipt) => ({
          epoch: receipt.epoch,
          ownerId: receipt.ownerId,
          amountMinor: receipt.amount.toString(),
          paidCents: receipt.paidCents.toString(),
          carriedMinor: receipt.carried.toString(),
          lines: receipt.lines.map(({ callId, amount }) => ({
            callId,
            amountMinor: amount.toString(),
          })),
        })),
        200,
      )
    })
    .openapi(getEpochs, async (c) => {
      const epochs = await ports.store.transaction((tx) => tx.payouts.list())
      return c.json(
        epochs.map((epoch) => ({
          epoch: epoch.epoch,
          state: epoch.state,
          createdAt: at(epoch.createdAt),
          root: epoch.root,
          totalMinor: epoch.newTotal.toString(),
          callIds: [...epoch.callIds],
          accounts: epoch.accounts.map(({ index, account, cumulative }) => ({
            index,
            account,
            cumulativeMinor: cumulative.toString(),
          })),
        })),
        200,
      )
    })
}

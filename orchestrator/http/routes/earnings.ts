import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { PayoutReceipt } from '#domain/payout.ts'
import { type EarningsLine, explainEarnings } from '#lifecycle/explain-earnings.ts'
import { giveReceipt } from '#lifecycle/give-receipt.ts'
import { type ApiEnv, forRoles, ownerOf } from '../auth.ts'
import { LINE_REASONS } from '../call-schemas.ts'
import type { ApiContext } from '../context.ts'
import { ResourceView, resourceViews } from '../resource-view.ts'
import { notFound } from '../problem.ts'
import {
  answers,
  CallIdText,
  exactly,
  MoneyText,
  OwnerIdText,
  WholeText,
  Window,
  windowView,
} from '../schemas.ts'

const ReceiptView = z.object({
  epoch: z.int(),
  route: z.enum(['agent', 'wallet']),
  amountMinor: MoneyText,
  paidCents: z.string().openapi({ description: 'Whole cents paid by SEPA with this receipt' }),
  carriedMinor: MoneyText,
  lines: z.array(z.object({ callId: z.string(), amountMinor: MoneyText })),
})

const LineView = z.object({
  callId: z.string(),
  resourceId: z.string(),
  window: Window,
  orderedWh: z.int(),
  deliveredWh: z.int(),
  wh: z.int().openapi({ description: 'What counts for the money' }),
  minor: MoneyText,
  status: z.enum(['being-verified', 'to-be-paid', 'paid', 'held', 'not-paid']),
  heldMinor: MoneyText.openapi({ description: 'Earned by the figures and still in escrow' }),
  reason: z.enum([...LINE_REASONS, 'refunded']),
  sentence: z.string(),
  afterWindow: z
    .string()
    .nullable()
    .openapi({ description: 'How it came back; null: at once, as the window ended' }),
  receipt: ReceiptView.nullable(),
})
const Earnings = z.object({
  totalMinor: MoneyText.openapi({ description: 'Of what is paid or due' }),
  currency: z.literal('EUR'),
  minorPerUnit: z.literal('1000000'),
  lines: z.array(LineView),
})

const ownerResources = createRoute({
  method: 'get',
  path: '/v1/owner/resources',
  summary: 'Your devices',
  ...forRoles('owner'),
  responses: { 200: answers(z.array(ResourceView), 'Ordered by id') },
})
const ownerEarnings = createRoute({
  method: 'get',
  path: '/v1/owner/earnings',
  summary: 'What you earned and why, newest first',
  ...forRoles('owner'),
  responses: { 200: answers(Earnings, 'Your lines') },
})
const aggregatorResources = createRoute({
  method: 'get',
  path: '/v1/aggregator/resources',
  summary: 'Your resources with their connections',
  ...forRoles('aggregator'),
  responses: { 200: answers(z.array(ResourceView), 'Ordered by id') },
})
const aggregatorEarnings = createRoute({
  method: 'get',
  path: '/v1/aggregator/earnings',
  summary: 'Your share of what your owners earned, newest first',
  ...forRoles('aggregator'),
  responses: { 200: answers(Earnings, 'Your lines') },
})

const VersionQuery = z.strictObject({
  version: WholeText.optional().openapi({ description: "Absent: the call's own settlement" }),
})
const ownerReceipt = createRoute({
  method: 'get',
  path: '/v1/owner/receipts/{callId}',
  summary: 'Your lines of a call with their proofs',
  description:
    'Keep the bytes as they come: `gridcall verify --receipt FILE` recomputes the root from them ' +
    'and compares it with what the pool holds. Where a later round settled what was on hold, ' +
    '`supersededBy` names the version to ask for.',
  ...forRoles('owner'),
  request: { params: z.object({ callId: CallIdText }), query: VersionQuery },
  responses: { 200: answers(z.unknown(), 'Canonical JSON') },
})
const aggregatorReceipt = createRoute({
  method: 'get',
  path: '/v1/aggregator/owners/{ownerId}/receipts/{callId}',
  summary: "The receipt of one of your owners, as that owner's own",
  ...forRoles('aggregator'),
  request: { params: z.object({ ownerId: OwnerIdText, callId: CallIdText }), query: VersionQuery },
  responses: { 200: answers(z.unknown(), 'Canonical JSON') },
})

/** What owners and aggregators have and earn. */
export function earningsRoutes(context: ApiContext) {
  const { ports } = context
  return new OpenAPIHono<ApiEnv>()
    .openapi(ownerResources, async (c) => {
      const ownerId = ownerOf(c.get('key'))
      const views = await ports.store.transaction(async (tx) =>
        resourceViews(context, tx, await tx.resources.list({ ownerId })),
      )
      return c.json(views, 200)
    })
    .openapi(ownerEarnings, async (c) => {
      const ownerId = ownerOf(c.get('key'))
      const lines = await explainEarnings(ports, { kind: 'owner', ownerId })
      return c.json(earningsView(lines), 200)
    })
    .openapi(aggregatorResources, async (c) => {
      const aggregatorId = c.get('key').organisationId
      const views = await ports.store.transaction(async (tx) =>
        resourceViews(context, tx, await tx.resources.list({ aggregatorId })),
      )
      return c.json(views, 200)
    })
    .openapi(aggregatorEarnings, async (c) => {
      const aggregatorId = c.get('key').organisationId
      const lines = await explainEarnings(ports, { kind: 'aggregator', aggregatorId })
      return c.json(earningsView(lines), 200)
    })
    .openapi(ownerReceipt, async (c) => {
      const { callId } = c.req.valid('param')
      const asker = { kind: 'owner', ownerId: ownerOf(c.get('key')) } as const
      const { version = null } = c.req.valid('query')
      const receipt = await giveReceipt(ports, callId, asker, version)
      if (receipt === null) throw notFound()
      return exactly(c, receipt)
    })
    .openapi(aggregatorReceipt, async (c) => {
      const { callId, ownerId } = c.req.valid('param')
      const aggregatorId = c.get('key').organisationId
      const asker = { kind: 'aggregator', aggregatorId, ownerId } as const
      const { version = null } = c.req.valid('query')
      const receipt = await giveReceipt(ports, callId, asker, version)
      if (receipt === null) throw notFound()
      return exactly(c, receipt)
    })
}

function earningsView(lines: readonly EarningsLine[]): z.infer<typeof Earnings> {
  const due = lines.filter(({ status }) => status === 'paid' || status === 'to-be-paid')
  return {
    totalMinor: due.reduce((sum, line) => sum + line.amount, 0n).toString(),
    currency: 'EUR',
    minorPerUnit: '1000000',
    lines: lines.map(({ window, payableWh, amount, held, receipt, ...line }) => ({
      ...line,
      window: windowView(window),
      wh: payableWh,
      minor: amount.toString(),
      heldMinor: held.toString(),
      receipt: receipt === null ? null : receiptView(receipt),
    })),
  }
}

function receiptView(receipt: PayoutReceipt): z.infer<typeof ReceiptView> {
  return {
    epoch: receipt.epoch,
    route: receipt.route,
    amountMinor: receipt.amount.toString(),
    paidCents: receipt.paidCents.toString(),
    carriedMinor: receipt.carried.toString(),
    lines: receipt.lines.map(({ callId, amount }) => ({ callId, amountMinor: amount.toString() })),
  }
}

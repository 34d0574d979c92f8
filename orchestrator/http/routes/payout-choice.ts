import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { aggregatorAccount, ownerAccount } from '#domain/bank-account.ts'
import type { PayoutChoice } from '#domain/resource.ts'
import { changePayout } from '#lifecycle/change-payout.ts'
import { eraseAccount } from '#lifecycle/erase-account.ts'
import { explainPayout } from '#lifecycle/explain-payout.ts'
import { rotateAccountKey } from '#lifecycle/rotate-account-key.ts'
import { setAggregatorAccount } from '#lifecycle/set-agent-account.ts'
import { type ApiEnv, forRoles, ownerOf } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { notFound } from '../problem.ts'
import {
  AddressText,
  answers,
  At,
  at,
  atOrNull,
  MoneyText,
  OwnerIdText,
  takes,
} from '../schemas.ts'

const ChoiceView = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('agent') }),
  z.object({ kind: z.literal('wallet'), address: z.string() }),
])
const PayoutView = z.object({
  payout: ChoiceView,
  announced: z.object({ payout: ChoiceView, from: At }).nullable(),
  account: z.enum(['none', 'named', 'waiting', 'refused', 'erased']),
  accountFrom: At.nullable().openapi({ description: 'When an announced account takes effect' }),
  onAccountMinor: MoneyText,
  putOffMinor: MoneyText.openapi({
    description: 'What the pool could not pay to your wallet; it stays yours and is tried again',
  }),
  minimumPayoutCents: z.string(),
  payments: z.array(
    z.object({
      epoch: z.int(),
      cents: z.string(),
      state: z.enum(['ordered', 'returned']),
      reason: z.string().nullable(),
    }),
  ),
  sentence: z.string(),
})
const Nothing = { 204: { description: 'Done; doing it again changes nothing' } }
const AccountBody = z.strictObject({
  iban: z.string().max(60),
  name: z.string().max(100).optional(),
})

const getPayout = createRoute({
  method: 'get',
  path: '/v1/owner/payout',
  summary: 'How you are paid, what is kept for you and what was sent',
  ...forRoles('owner'),
  responses: { 200: answers(PayoutView, 'Without the account number') },
})
const putPayout = createRoute({
  method: 'put',
  path: '/v1/owner/payout',
  summary: 'Choose where your money goes; it takes effect after 48 hours',
  description:
    'Nothing is signed and nothing costs gas. What was announced before is taken back, also by ' +
    'choosing again what counts already.',
  ...forRoles('owner'),
  request: takes(
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('agent'),
        iban: z.string().max(60).optional().openapi({ description: 'Absent: the known account' }),
        name: z.string().max(100).optional(),
      }),
      z.strictObject({ kind: z.literal('wallet'), address: AddressText }),
    ]),
  ),
  responses: { 200: answers(PayoutView, 'What counts now, and what is announced') },
})
const deleteOwn = createRoute({
  method: 'delete',
  path: '/v1/owner/payout-account',
  summary: 'Erase your account number for good; what you earned stays yours',
  ...forRoles('owner'),
  responses: Nothing,
})
const deleteOwners = createRoute({
  method: 'delete',
  path: '/v1/owners/{id}/payout-account',
  summary: 'Erase the account number of one of your owners, at their wish',
  ...forRoles('aggregator'),
  request: { params: z.object({ id: OwnerIdText }) },
  responses: Nothing,
})
const putAggregator = createRoute({
  method: 'put',
  path: '/v1/aggregator/payout-account',
  summary: 'Where your share goes; without an account it stays with the payout agent',
  ...forRoles('aggregator'),
  request: takes(AccountBody),
  responses: Nothing,
})
const deleteAggregator = createRoute({
  method: 'delete',
  path: '/v1/aggregator/payout-account',
  summary: 'Erase your account number for good',
  ...forRoles('aggregator'),
  responses: Nothing,
})
const postRotation = createRoute({
  method: 'post',
  path: '/v1/operator/account-key-rotations',
  summary: 'Make a new key for bank accounts and seal them all under it',
  ...forRoles('operator'),
  request: takes(z.strictObject({})),
  responses: {
    200: answers(z.object({ keyId: z.string(), accounts: z.int() }), 'The new key’s id'),
  },
})

/** Where money goes: chosen by whom it belongs to, without a signature and without gas. */
export function payoutChoiceRoutes({ ports }: ApiContext) {
  const viewOf = async (id: Parameters<typeof explainPayout>[1]) => {
    const found = await explainPayout(ports, id)
    const { payout, announced, accountFrom, onAccount, putOff, payments, ...rest } = found
    return {
      ...rest,
      payout: choiceView(payout),
      announced:
        announced === null
          ? null
          : { payout: choiceView(announced.payout), from: at(announced.from) },
      accountFrom: atOrNull(accountFrom),
      onAccountMinor: onAccount.toString(),
      putOffMinor: putOff.toString(),
      minimumPayoutCents: rest.minimumPayoutCents.toString(),
      payments: payments.map(({ epoch, cents, state, reason }) => ({
        epoch,
        cents: cents.toString(),
        state,
        reason,
      })),
    }
  }
  return new OpenAPIHono<ApiEnv>()
    .openapi(getPayout, async (c) => c.json(await viewOf(ownerOf(c.get('key'))), 200))
    .openapi(putPayout, async (c) => {
      const id = ownerOf(c.get('key'))
      await changePayout(ports, id, c.req.valid('json'))
      return c.json(await viewOf(id), 200)
    })
    .openapi(deleteOwn, async (c) => {
      await eraseAccount(ports, ownerAccount(ownerOf(c.get('key'))))
      return c.body(null, 204)
    })
    .openapi(deleteOwners, async (c) => {
      const { id } = c.req.valid('param')
      const owner = await ports.store.transaction((tx) => tx.resources.owner(id))
      if (owner?.aggregatorId !== c.get('key').organisationId) throw notFound()
      await eraseAccount(ports, ownerAccount(id))
      return c.body(null, 204)
    })
    .openapi(putAggregator, async (c) => {
      await setAggregatorAccount(ports, c.get('key').organisationId, c.req.valid('json'))
      return c.body(null, 204)
    })
    .openapi(deleteAggregator, async (c) => {
      await eraseAccount(ports, aggregatorAccount(c.get('key').organisationId))
      return c.body(null, 204)
    })
    .openapi(postRotation, async (c) => c.json(await rotateAccountKey(ports), 200))
}

function choiceView(choice: PayoutChoice): z.infer<typeof ChoiceView> {
  return choice.kind === 'agent' ? { kind: 'agent' } : { kind: 'wallet', address: choice.address }
}

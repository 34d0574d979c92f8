import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Address, Hex } from '#domain/ids.ts'
import { type PoolRequest, availableOf, poolStateOf } from '#domain/pool-books.ts'
import { recordBankMovement } from '#lifecycle/record-deposit.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { notFound } from '../problem.ts'
import { AddressText, answers, takes } from '../schemas.ts'

/** All but owners: what is locked tells of a call, and a call may begin in silence. */
const KNOW_OF_CALLS = ['operator', 'dso', 'aggregator', 'verifier', 'agent', 'arbiter'] as const
const Minor = z.string().openapi({ description: 'Micro-EUR', example: '1000000' })

const Pool = z.object({
  chainId: z.int().openapi({ description: '0: no chain has it' }),
  pool: z.string(),
  token: z.string().openapi({ description: 'Under which address payers sign payment orders' }),
  tokenBalance: Minor,
  locked: Minor,
  allocatable: Minor,
  totalAllocated: Minor,
  totalClaimed: Minor,
  credits: Minor,
  bonds: Minor,
  liveRoot: z.string(),
  currentEpoch: z.int(),
  head: z
    .object({ entry: z.int(), hash: z.string() })
    .nullable()
    .openapi({ description: 'The last entry of the journal; its hash vouches for all before it' }),
})

const Proposal = z.object({
  requestId: z.string(),
  round: z.int(),
  evidenceRoot: z.string(),
  bundleHash: z.string(),
  linesRoot: z.string(),
  payoutTotal: Minor,
  feeTotal: Minor,
  heldTotal: Minor,
  deliveredWh: z.int(),
})

const Request = z.object({
  state: z.enum(['funded', 'proposed', 'final', 'partly-final', 'cancelled', 'refunded']),
  payer: z.string(),
  amount: Minor,
  payout: Minor,
  fee: Minor,
  held: Minor,
  round: z.int(),
  proposals: z.array(Proposal).openapi({ description: 'Every round, oldest first' }),
})

const getPool = createRoute({
  method: 'get',
  path: '/v1/ledger',
  summary: 'The pool that stands on no chain: its identity and what it holds',
  description: 'Not found where money is on a chain.',
  ...forRoles(...KNOW_OF_CALLS),
  responses: { 200: answers(Pool, 'The pool') },
})

const getRequest = createRoute({
  method: 'get',
  path: '/v1/ledger/requests/{id}',
  summary: 'A request of that pool, or what one held, with all that was proposed for it',
  ...forRoles(...KNOW_OF_CALLS, 'owner'),
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: { 200: answers(Request, 'The request') },
})

const getAccounts = createRoute({
  method: 'get',
  path: '/v1/operator/ledger/accounts',
  summary: 'Every account of the ledger without a chain',
  ...forRoles('operator'),
  responses: {
    200: answers(
      z.array(
        z.object({
          account: z.string(),
          debitsPending: Minor,
          debitsPosted: Minor,
          creditsPending: Minor,
          creditsPosted: Minor,
          available: Minor,
        }),
      ),
      'By name',
    ),
  },
})

const postMovement = createRoute({
  method: 'post',
  path: '/v1/operator/ledger/bank-movements',
  summary: "Book a line of the bank's statement: money into or out of the escrow account",
  ...forRoles('operator'),
  request: takes(
    z.strictObject({
      direction: z.enum(['in', 'out']).openapi({ description: "Seen from the bank's account" }),
      account: AddressText.openapi({ description: 'Whose money it is' }),
      amountMinor: z
        .string()
        .regex(/^[1-9]\d{0,17}$/, 'a whole number of micro-EUR above 0')
        .openapi({ example: '1000000' }),
      reference: z
        .string()
        .regex(/^[A-Za-z0-9/?:().,'+ -]{1,70}$/, '1 to 70 characters of SEPA')
        .openapi({ description: "The bank's own; the same one is booked once" }),
    }),
  ),
  responses: {
    200: answers(
      z.object({ account: z.string(), balanceMinor: Minor }),
      'What the party has at its disposal',
    ),
  },
})

/** What anyone could read from a chain, and what the bank tells the operator. */
export function ledgerRoutes({ ports }: ApiContext) {
  const { store } = ports
  return new OpenAPIHono<ApiEnv>()
    .openapi(getPool, async (c) => {
      const found = await store.transaction(async ({ pool, chain }) => {
        await pool.lock()
        const setup = await pool.setup()
        const state = poolStateOf(await pool.accounts(), await pool.epochs())
        return { setup, state, head: await chain.cursor() }
      })
      const { setup, state, head } = found
      if (setup === null) throw notFound()
      const { chainId, pool, token } = setup
      const money = {
        tokenBalance: String(state.tokenBalance),
        locked: String(state.locked),
        allocatable: String(state.allocatable),
        totalAllocated: String(state.totalAllocated),
        totalClaimed: String(state.totalClaimed),
        credits: String(state.credits),
        bonds: String(state.bonds),
      }
      const { liveRoot, currentEpoch } = state
      const last = head && { entry: head.block, hash: head.hash }
      return c.json({ chainId, pool, token, ...money, liveRoot, currentEpoch, head: last }, 200)
    })
    .openapi(getRequest, async (c) => {
      const { id } = c.req.valid('param')
      const found = await store.transaction(({ pool }) => pool.request(id as Hex))
      if (found === null) throw notFound()
      return c.json(requestView(found), 200)
    })
    .openapi(getAccounts, async (c) => {
      const accounts = await store.transaction(({ pool }) => pool.accounts())
      return c.json(
        accounts.map((account) => ({
          account: account.account,
          debitsPending: String(account.debitsPending),
          debitsPosted: String(account.debitsPosted),
          creditsPending: String(account.creditsPending),
          creditsPosted: String(account.creditsPosted),
          available: String(availableOf(account)),
        })),
        200,
      )
    })
    .openapi(postMovement, async (c) => {
      const { direction, account, amountMinor, reference } = c.req.valid('json')
      const amount = BigInt(amountMinor)
      const movement = { direction, account: account as Address, amount, reference }
      const { balance } = await recordBankMovement(ports, movement)
      return c.json({ account, balanceMinor: String(balance) }, 200)
    })
}

function requestView(request: PoolRequest): z.infer<typeof Request> {
  const { state, payer, amount, payout, fee, held, round, proposals } = request
  return {
    state,
    payer,
    amount: String(amount),
    payout: String(payout),
    fee: String(fee),
    held: String(held),
    round,
    proposals: proposals.map((proposal) => ({
      ...proposal,
      payoutTotal: String(proposal.payoutTotal),
      feeTotal: String(proposal.feeTotal),
      heldTotal: String(proposal.heldTotal),
    })),
  }
}

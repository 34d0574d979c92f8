import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { reconcileChain, saveBooks } from '#lifecycle/reconcile-chain.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import { transactionView } from '../call-view.ts'
import { TransactionView } from '../call-schemas.ts'
import type { ApiContext } from '../context.ts'
import { notFound } from '../problem.ts'
import { answers, At, at, atOrNull, exactly, takes } from '../schemas.ts'

const Parties = z.object({
  chainId: z.int(),
  genesisHash: z.string(),
  pool: z.string(),
  token: z.string(),
  registry: z.string(),
  feeReceiver: z.string(),
  relayer: z.string(),
  verifierSetId: z.int(),
  verifiers: z.array(z.string()),
  quorum: z.int(),
  disputeWindowSeconds: z.int(),
  epochWindowSeconds: z.int(),
  heldWindowSeconds: z.int(),
  refundGraceSeconds: z.int(),
  arbiter: z.string().nullable(),
  payers: z.array(z.object({ dsoId: z.string(), address: z.string().nullable() })),
  agents: z.array(z.string()),
})

const SetpointView = z.object({
  resourceId: z.string(),
  callId: z.string(),
  version: z.int(),
  powerW: z.int().nullable().openapi({ description: "null: the device's own default" }),
  validFrom: At,
  validUntil: At,
  orderedAt: At,
  acknowledgedAt: At.nullable(),
  effectiveAt: At.nullable(),
  effectiveW: z.int().nullable(),
  strategy: z.string().nullable(),
  observedAt: At.nullable(),
  observedW: z.int().nullable(),
  refusal: z.string().nullable(),
  atDefault: z.boolean().openapi({ description: 'Read back: the device is at its default' }),
})

const getReconciliation = createRoute({
  method: 'get',
  path: '/v1/operator/reconciliation',
  summary: 'Do database, chain events and token balances agree?',
  ...forRoles('operator'),
  responses: {
    200: answers(
      z.object({ reconciled: z.boolean(), differences: z.array(z.string()) }),
      'One sentence per difference',
    ),
  },
})
const getBooks = createRoute({
  method: 'get',
  path: '/v1/operator/books',
  summary: 'All events, counters, epochs and postings at one block, to be checked without us',
  ...forRoles('operator'),
  responses: { 200: answers(z.unknown(), 'Canonical JSON, for chain reconcile --offline') },
})
const getParties = createRoute({
  method: 'get',
  path: '/v1/operator/parties',
  summary: 'Contracts and the addresses of the parties',
  ...forRoles('operator'),
  responses: { 200: answers(Parties, 'Addresses') },
})
const getTransactions = createRoute({
  method: 'get',
  path: '/v1/operator/transactions',
  summary: 'Every event read from the chain, oldest first',
  ...forRoles('operator'),
  responses: { 200: answers(z.array(TransactionView), 'Events with their transactions') },
})
const getSetpoints = createRoute({
  method: 'get',
  path: '/v1/operator/setpoints',
  summary: 'The newest setpoint of each resource and what the device says',
  ...forRoles('operator'),
  responses: { 200: answers(z.array(SetpointView), 'One per resource') },
})
const GatewayView = z.object({
  id: z.string(),
  publicKey: z.string().openapi({ description: 'Under which it signs readings' }),
  ocppUrl: z.string().nullable().openapi({ description: 'Charge points append their identity' }),
  seenAt: At.openapi({ description: 'When it renewed its lease last' }),
  devices: z.int().openapi({ description: 'Devices whose setpoints it applies' }),
})
const getGateways = createRoute({
  method: 'get',
  path: '/v1/operator/gateways',
  summary: 'Who signs readings, and how many devices each holds',
  ...forRoles('operator'),
  responses: { 200: answers(z.array(GatewayView), 'By name') },
})
const postClock = createRoute({
  method: 'post',
  path: '/v1/operator/clock',
  summary: 'Start the business clock of the demo; in real use there is no such thing',
  ...forRoles('operator'),
  request: takes(z.strictObject({})),
  responses: {
    200: answers(
      z.object({
        now: At,
        speed: z.number(),
        anchor: z.object({ wallMs: z.number(), businessMs: z.number(), speed: z.number() }),
      }),
      'The clock runs',
    ),
  },
})

/** What the operator of the service looks at. */
export function operatorRoutes({ ports, startClock }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(getReconciliation, async (c) => {
      const { reconciled, differences } = await reconcileChain(ports)
      return c.json({ reconciled, differences: [...differences] }, 200)
    })
    .openapi(getBooks, async (c) => exactly(c, await saveBooks(ports)))
    .openapi(getParties, async (c) => {
      const { olderSets: _older, ...parties } = ports.rail.parties
      const organisations = await ports.store.transaction((tx) => tx.organisations.list())
      return c.json(
        {
          ...parties,
          verifiers: [...parties.verifiers],
          payers: organisations
            .filter(({ kind }) => kind === 'dso')
            .map(({ id, address }) => ({ dsoId: id, address })),
          agents: organisations.flatMap(({ kind, address }) =>
            kind === 'agent' && address !== null ? [address] : [],
          ),
        },
        200,
      )
    })
    .openapi(getTransactions, async (c) => {
      const events = await ports.store.transaction((tx) => tx.chain.events())
      return c.json(events.map(transactionView), 200)
    })
    .openapi(getSetpoints, async (c) => {
      const rows = await ports.store.transaction((tx) => tx.setpoints.current())
      return c.json(rows.map(setpointView), 200)
    })
    .openapi(getGateways, async (c) => {
      const { gateways, owners } = await ports.store.transaction(async (tx) => ({
        gateways: await tx.gateways.list(),
        owners: await tx.gateways.owners(),
      }))
      const held = owners.filter(({ isHeld }) => isHeld)
      return c.json(
        gateways.map(({ id, publicKey, ocppUrl, seenAt }) => ({
          id,
          publicKey,
          ocppUrl,
          seenAt: at(seenAt),
          devices: held.filter(({ gatewayId }) => gatewayId === id).length,
        })),
        200,
      )
    })
    .openapi(postClock, async (c) => {
      if (startClock === null) throw notFound()
      const anchor = await startClock()
      return c.json({ now: at(ports.clock.now()), speed: ports.clock.speed, anchor }, 200)
    })
}

function setpointView(row: SetpointRow): z.infer<typeof SetpointView> {
  const { resourceId, callId, version, powerW, effectiveW, refusal } = row
  return {
    resourceId,
    callId,
    version,
    powerW,
    validFrom: at(row.validFrom),
    validUntil: at(row.validUntil),
    orderedAt: at(row.orderedAt),
    acknowledgedAt: atOrNull(row.acknowledgedAt),
    effectiveAt: atOrNull(row.effectiveAt),
    effectiveW,
    strategy: row.strategy,
    observedAt: atOrNull(row.observedAt),
    observedW: row.observedW,
    refusal,
    atDefault: powerW === null && row.effectiveAt !== null && effectiveW === null,
  }
}

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { VerificationTask } from '#domain/evidence.ts'
import type { Address } from '#domain/ids.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import { receiveRefusal } from '#lifecycle/receive-refusal.ts'
import { verificationTasks } from '#lifecycle/verification-tasks.ts'
import type { ApiKey } from '#ports.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { notFound } from '../problem.ts'
import {
  AddressText,
  answers,
  CallIdText,
  exactly,
  HexText,
  MoneyText,
  takes,
  WholeText,
} from '../schemas.ts'

const SettlementStatement = z.object({
  requestId: z.string(),
  round: z.int(),
  evidenceRoot: z.string(),
  bundleHash: z.string(),
  linesRoot: z.string(),
  payoutTotal: MoneyText,
  feeTotal: MoneyText,
  heldTotal: MoneyText,
  deliveredWh: z.int(),
})
const EpochStatement = z.object({
  epoch: z.int(),
  prevRoot: z.string(),
  topHash: z.string(),
  newTotal: MoneyText,
  requestIdsHash: z.string(),
  dataHash: z.string(),
})
const Account = z.object({ index: z.int(), account: z.string(), cumulative: MoneyText })
const Share = z.object({
  payee: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('owner'), ownerId: z.string() }),
    z.object({ kind: z.literal('aggregator'), aggregatorId: z.string() }),
  ]),
  callId: z.string(),
  amount: MoneyText,
  wallet: z.string().nullable(),
})
const EpochData = z.object({
  previous: z.array(Account),
  accounts: z.array(Account),
  shares: z.array(Share),
  calls: z.array(z.object({ callId: z.string(), version: z.int(), requestId: z.string() })),
})
const Task = z.discriminatedUnion('subject', [
  z.object({
    subject: z.literal('settlement'),
    subjectId: z.string(),
    version: z.int(),
    statement: SettlementStatement,
  }),
  z.object({
    subject: z.literal('epoch'),
    subjectId: z.string(),
    version: z.int(),
    statement: EpochStatement,
    data: EpochData,
  }),
])

const Subject = {
  subject: z.enum(['settlement', 'epoch']),
  subjectId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}$/, 'a call id or an epoch'),
  version: z.int().min(0),
  verifier: AddressText.optional().openapi({ description: 'Your own address' }),
}
const Taken = z.object({ taken: z.literal(true) })

const getTasks = createRoute({
  method: 'get',
  path: '/v1/verification/tasks',
  summary: 'What you have neither signed nor refused yet',
  ...forRoles('verifier'),
  responses: { 200: answers(z.array(Task), 'Tasks') },
})

const getBundle = createRoute({
  method: 'get',
  path: '/v1/verification/bundles/{callId}/{version}',
  summary: 'An evidence bundle, byte for byte',
  ...forRoles('verifier'),
  request: {
    params: z.object({ callId: CallIdText, version: WholeText }),
  },
  responses: { 200: answers(z.unknown(), 'Canonical JSON') },
})

const postAttestation = createRoute({
  method: 'post',
  path: '/v1/verification/attestations',
  summary: 'Sign a settlement or an epoch that you recomputed',
  description: 'The first of each verifier stays; sending it again changes nothing.',
  ...forRoles('verifier'),
  request: takes(z.strictObject({ ...Subject, signature: HexText })),
  responses: { 200: answers(Taken, 'It was checked and kept') },
})

const postRefusal = createRoute({
  method: 'post',
  path: '/v1/verification/refusals',
  summary: 'Refuse to sign, naming the line that differs',
  ...forRoles('verifier'),
  request: takes(
    z.strictObject({
      ...Subject,
      line: z.string().min(1).max(300),
      expected: z.string().max(4000),
      got: z.string().max(4000),
    }),
  ),
  responses: { 200: answers(Taken, 'It was kept, and the DSO is told') },
})

/** What verifiers pull and push; they know no database. */
export function verificationRoutes({ ports }: ApiContext) {
  return new OpenAPIHono<ApiEnv>()
    .openapi(getTasks, async (c) => {
      const tasks = await verificationTasks(ports, await addressOf(c.get('key')))
      return c.json(tasks.map(taskView), 200)
    })
    .openapi(getBundle, async (c) => {
      const { callId, version } = c.req.valid('param')
      const bundle = await ports.store.transaction((tx) => tx.evidence.load(callId, version))
      if (bundle === null) throw notFound()
      return exactly(c, bundle)
    })
    .openapi(postAttestation, async (c) => {
      const { verifier: claimed, ...attestation } = c.req.valid('json')
      const verifier = await ownAddress(c.get('key'), claimed)
      await receiveAttestation(ports, { ...attestation, verifier })
      return c.json({ taken: true as const }, 200)
    })
    .openapi(postRefusal, async (c) => {
      const { verifier: claimed, ...refusal } = c.req.valid('json')
      const verifier = await ownAddress(c.get('key'), claimed)
      await receiveRefusal(ports, { ...refusal, verifier })
      return c.json({ taken: true as const }, 200)
    })

  async function addressOf({ organisationId }: ApiKey): Promise<Address> {
    const party = await ports.store.transaction((tx) => tx.organisations.find(organisationId))
    if (party?.address == null) {
      throw new DomainError('wrong-state', `${organisationId} has no address to sign with`)
    }
    return party.address
  }

  /** A verifier speaks for itself only. */
  async function ownAddress(key: ApiKey, claimed: Address | undefined): Promise<Address> {
    const address = await addressOf(key)
    if (claimed !== undefined && claimed.toLowerCase() !== address.toLowerCase()) {
      throw fieldError('bad-attestation', 'verifier', `your own address ${address}`, claimed)
    }
    return address
  }
}

function taskView(task: VerificationTask): z.infer<typeof Task> {
  const { subject, subjectId, version } = task
  if (task.subject === 'settlement') {
    const { payoutTotal, feeTotal, heldTotal, ...statement } = task.statement
    const totals = {
      payoutTotal: payoutTotal.toString(),
      feeTotal: feeTotal.toString(),
      heldTotal: heldTotal.toString(),
    }
    return { subject: 'settlement', subjectId, version, statement: { ...statement, ...totals } }
  }
  if (subject !== 'epoch') throw new Error(`no view for a ${subject}`)
  const { newTotal, ...statement } = task.statement
  const { previous, accounts, shares, calls } = task.data
  return {
    subject: 'epoch',
    subjectId,
    version,
    statement: { ...statement, newTotal: newTotal.toString() },
    data: {
      previous: previous.map(accountView),
      accounts: accounts.map(accountView),
      shares: shares.map((share) => ({ ...share, amount: share.amount.toString() })),
      calls: calls.map((call) => ({ ...call })),
    },
  }
}

function accountView(account: {
  readonly index: number
  readonly account: string
  readonly cumulative: bigint
}): z.infer<typeof Account> {
  return { ...account, cumulative: account.cumulative.toString() }
}

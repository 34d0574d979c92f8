import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { checkAddress } from '#domain/enrolment.ts'
import { fieldError } from '#domain/errors.ts'
import type { SettlementStatement } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import type { PoolAct } from '#domain/pool-acts.ts'
import { type ApiEnv, forRoles } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { AddressText, answers, takes } from '../schemas.ts'

const Word = z.string().regex(/^0x[0-9a-f]{64}$/, '0x and 64 hexadecimal digits')
const Signature = z.string().regex(/^0x[0-9a-fA-F]{130}$/, '0x and 130 hexadecimal digits')
const Signatures = z.array(Signature).min(1).max(255)
const Minor = z.string().regex(/^\d{1,20}$/, 'a whole number of micro-EUR')

const Statement = z.strictObject({
  requestId: Word,
  round: z.int().min(1).max(255),
  evidenceRoot: Word,
  bundleHash: Word,
  linesRoot: Word,
  payoutTotal: Minor,
  feeTotal: Minor,
  heldTotal: Minor,
  deliveredWh: z.int(),
})

const PartyAct = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('challenge').openapi({ description: 'Holds what a proposal pays, for a bond' }),
    requestId: Word,
    challenger: AddressText,
    signature: Signature,
  }),
  z.strictObject({
    kind: z.literal('challengeEquivocation'),
    one: Statement,
    signaturesOne: Signatures,
    other: Statement,
    signaturesOther: Signatures,
  }),
  z.strictObject({
    kind: z.literal('proveEquivocation'),
    setId: z.int().min(1),
    one: Statement,
    signatureOne: Signature,
    other: Statement,
    signatureOther: Signature,
  }),
  z.strictObject({ kind: z.literal('returnUnallocated'), requestId: Word }),
  z.strictObject({ kind: z.literal('withdrawCredit'), account: AddressText }),
])

const OperatorAct = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('addVerifierSet'),
    verifiers: z.array(AddressText).min(1).max(255),
    quorum: z.int().min(1).max(255),
  }),
  z.strictObject({ kind: z.literal('pause'), seconds: z.int().min(0).max(604_800) }),
  z.strictObject({ kind: z.literal('rearmPause') }),
])

const done = answers(z.object({ entry: z.string() }), 'Its entry in the journal')

const postPartyAct = createRoute({
  method: 'post',
  path: '/v1/ledger/acts',
  summary: 'What anyone does at a pool on a chain: a challenge, a proof, an exit, a credit',
  description: 'What is signed or proved counts, not who brings it.',
  ...forRoles('operator', 'dso', 'aggregator', 'verifier', 'agent', 'arbiter'),
  request: takes(PartyAct),
  responses: { 200: done },
})

const postOperatorAct = createRoute({
  method: 'post',
  path: '/v1/operator/ledger/acts',
  summary: 'Other verifiers for what is opened from now on, or a pause',
  ...forRoles('operator'),
  request: takes(OperatorAct),
  responses: { 200: done },
})

/** What others than the service do at a pool that stands on no chain. */
export function ledgerActRoutes({ ports }: ApiContext) {
  const { rail, clock } = ports
  const act = async (asked: PoolAct) => {
    if (rail.act === undefined) {
      throw fieldError('wrong-state', 'rail', 'the ledger without a chain', 'a chain')
    }
    return { entry: await rail.act(asked) }
  }
  return new OpenAPIHono<ApiEnv>()
    .openapi(postPartyAct, async (c) => c.json(await act(partyAct(c.req.valid('json'))), 200))
    .openapi(postOperatorAct, async (c) => {
      const body = c.req.valid('json')
      if (body.kind === 'pause') {
        const until = Math.floor(clock.now() / 1000) + body.seconds
        return c.json(await act({ kind: 'pause', until }), 200)
      }
      if (body.kind === 'rearmPause') return c.json(await act(body), 200)
      const { quorum, verifiers } = body
      const members = verifiers.map((each, i) => checkAddress(`verifiers[${i}]`, each))
      return c.json(await act({ kind: 'addVerifierSet', quorum, verifiers: members }), 200)
    })
}

function partyAct(body: z.infer<typeof PartyAct>): PoolAct {
  switch (body.kind) {
    case 'challenge': {
      const challenger = checkAddress('challenger', body.challenger)
      return { ...body, challenger } as PoolAct
    }
    case 'withdrawCredit':
      return { ...body, account: checkAddress('account', body.account) }
    case 'returnUnallocated':
      return body as PoolAct
    case 'challengeEquivocation':
    case 'proveEquivocation':
      return { ...body, one: statement(body.one), other: statement(body.other) } as PoolAct
  }
}

function statement(body: z.infer<typeof Statement>): SettlementStatement {
  const { requestId, evidenceRoot, bundleHash, linesRoot, round, deliveredWh } = body
  return {
    requestId: requestId as Hex,
    round,
    evidenceRoot: evidenceRoot as Hex,
    bundleHash: bundleHash as Hex,
    linesRoot: linesRoot as Hex,
    payoutTotal: BigInt(body.payoutTotal),
    feeTotal: BigInt(body.feeTotal),
    heldTotal: BigInt(body.heldTotal),
    deliveredWh,
  }
}

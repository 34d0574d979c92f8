import { afterAll, beforeAll, expect, it } from 'vitest'
import { callId, type Hex, organisationId, ownerId } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import type { PayoutEpoch, PayoutShare } from '#domain/payout.ts'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import { advancePayouts } from '#lifecycle/advance-payouts.ts'
import { epochData, epochStatement } from '#lifecycle/epoch-data.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import type { PayoutRail, Ports } from '#ports.ts'
import { anOrganisation } from '../../support/builders.ts'
import { freezeAccount } from './support/frozen-account.ts'
import {
  EUR,
  type World,
  ZERO_HASH,
  journalOf,
  makeWorld,
  minedCount,
  openIntent,
  proposeIntent,
  settleDown,
  settlementOf,
  termsOf,
} from './support/world.ts'

const AGENT: Hex = `0x${'1'.repeat(40)}`
const WALLET: Hex = `0x${'2'.repeat(40)}`
const ANNA = ownerId('anna')

let world: World
let rail: PayoutRail
let ports: Ports
const journal = () => journalOf(world.store)

beforeAll(async () => {
  world = await makeWorld()
  rail = await world.open()
  const wakeUps = { wakeCall: async () => undefined, notify: async () => undefined }
  ports = { ...world, rail, wakeUps, timer: undefined } as unknown as Ports
  await world.store.transaction((tx) =>
    tx.organisations.save(anOrganisation('agent', { kind: 'agent', address: AGENT })),
  )
}, 30_000)
afterAll(() => world.chain.stop())

/** A request over 100 EUR that is final: 80 for the payees, 4 the fee. */
async function finalRequest(): Promise<Hex> {
  const terms = termsOf(world)
  const requestId = rail.requestId(terms)
  await journal().intend('open', await openIntent(world, terms))
  await settleDown(rail, 1)
  world.clock.to(terms.deliverEnd / 1000)
  await journal().intend('propose', await proposeIntent(world, settlementOf(requestId)))
  await settleDown(rail, 1)
  world.clock.forward(601)
  await journal().intend('finalize', { kind: 'finalize', requestId })
  await settleDown(rail, 1)
  return requestId
}

/** An epoch over it: 50 EUR through the agent, 30 to a wallet; signed by two verifiers. */
async function signedEpoch(requestId: Hex): Promise<void> {
  const call = callId('call-1')
  const aggregatorId = organisationId('agg')
  const shares: PayoutShare[] = [
    { payee: { kind: 'aggregator', aggregatorId }, callId: call, amount: euro(50n), wallet: null },
    { payee: { kind: 'owner', ownerId: ANNA }, callId: call, amount: euro(30n), wallet: WALLET },
  ]
  const accounts = [
    { index: 0, account: AGENT, cumulative: euro(50n) },
    { index: 1, account: WALLET, cumulative: euro(30n) },
  ]
  const { topHash, root } = buildPayoutTree(accounts)
  const epoch: PayoutEpoch = {
    epoch: 1,
    callIds: [call],
    requestIds: [requestId],
    prevRoot: ZERO_HASH,
    topHash,
    root,
    newTotal: euro(80n),
    accounts,
    shares,
    state: 'proposed',
    createdAt: world.clock.now(),
  }
  await world.store.transaction(async (tx) => {
    await tx.payouts.save(epoch)
    const at = world.clock.now()
    const split = [
      { account: 'owner:anna', amount: euro(30n), at },
      { account: 'aggregator:agg', amount: euro(50n), at },
      { account: 'dso:dso', amount: euro(-80n), at },
    ]
    await tx.ledger.post('settle:call-1', split)
    const statement = epochStatement(epoch, await epochData(tx, epoch))
    for (const attestor of world.attestors.slice(0, 2)) {
      const signature = await attestor.signEpoch(statement)
      const of = { subject: 'epoch', subjectId: '1', version: 1 } as const
      await tx.attestations.save({ ...of, verifier: attestor.address, signature })
    }
  })
}

const euro = (amount: bigint) => microEur(amount * EUR)

async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await advancePayouts(ports)
    await rail.advance()
  }
  await advancePayouts(ports)
}

async function money() {
  return world.store.transaction(async (tx) => ({
    state: (await tx.payouts.find(1))?.state,
    agent: await tx.ledger.balance('agent'),
    wallet: await tx.ledger.balance(`wallet:${WALLET}`),
    putOff: await tx.ledger.balance('put-off:1'),
  }))
}

const differing = async () =>
  (await reconcileChain(ports)).differences.filter((each) => !/no call of the database/.test(each))

it('a frozen wallet waits, nobody else does; the service tries again and it has all, once', async () => {
  const thaw = await freezeAccount(world.chain, world.identity.token, WALLET)
  await signedEpoch(await finalRequest())
  await rounds(2)
  world.clock.forward(301)
  await rounds(4)
  expect(await money()).toEqual({
    state: 'paid',
    agent: 50n * EUR,
    wallet: 0n,
    putOff: 30n * EUR,
  })
  expect(await differing()).toEqual([])

  world.clock.forward(301) // twice the window after the epoch was made
  await rounds(2)
  expect(await journal().events('PayoutDeferred')).toHaveLength(2)
  expect(await money()).toMatchObject({ putOff: 30n * EUR })

  await thaw()
  world.clock.forward(601)
  await rounds(2)
  expect(await money()).toEqual({ state: 'paid', agent: 50n * EUR, wallet: 30n * EUR, putOff: 0n })
  expect(await differing()).toEqual([])
  world.clock.forward(30 * 86_400)
  await rounds(2)
  const paid = await journal().events('Paid')
  expect(paid.map(({ index, amount }) => [index, amount])).toEqual([
    [0, 50n * EUR],
    [1, 30n * EUR],
  ])

  // What an older database still asks for costs no transaction: it is done.
  const [epoch] = await world.store.transaction((tx) => tx.payouts.list())
  const sent = await minedCount(world, world.parties.relayer.address)
  const chunk = buildPayoutTree(epoch?.accounts ?? []).chunk(0, 4)
  await journal().intend('from yesterday', { kind: 'payChunk', epoch: 1, ...chunk })
  await settleDown(rail, 2)
  const last = paid.at(-1)?.transactionHash
  expect(await journal().intent('from yesterday')).toMatchObject({ state: 'mined', hash: last })
  expect(await minedCount(world, world.parties.relayer.address)).toBe(sent)
}, 60_000)

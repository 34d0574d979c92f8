import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PayoutRail } from '#ports.ts'
import {
  EUR,
  type World,
  journalOf,
  makeWorld,
  openIntent,
  settleDown,
  termsOf,
} from './support/world.ts'

let world: World
let rail: PayoutRail

beforeAll(async () => {
  world = await makeWorld()
  rail = await world.open()
}, 30_000)

afterAll(() => world.chain.stop())

it('verifiers who never sign cannot keep the escrow: the DSO gets it back', async () => {
  const journal = journalOf(world.store)
  const { address } = world.parties.dso
  const terms = termsOf(world)
  const requestId = rail.requestId(terms)
  await journal.intend('open', await openIntent(world, terms))
  await settleDown(rail, 1)
  await journal.intend('refund', { kind: 'refundExpired', requestId })
  world.clock.to(terms.settleBy / 1000 + 120)
  await settleDown(rail)
  expect((await journal.intent('refund')).state).toBe('pending') // the grace of 120 s is not over

  world.clock.forward(1)
  await settleDown(rail)
  expect(await journal.events('RequestRefunded')).toMatchObject([{ requestId, amount: 100n * EUR }])
  await journal.intend('withdraw', { kind: 'withdrawCredit', account: address })
  await settleDown(rail, 1)
  expect(await journal.events('CreditWithdrawn')).toMatchObject([
    { account: address, amount: 100n * EUR },
  ])
  expect(await rail.poolState()).toMatchObject({ tokenBalance: 0n, locked: 0n, credits: 0n })
})

import { afterAll, beforeAll, describe } from 'vitest'
import { epochTests, paymentTests } from './support/payouts-conformance.ts'
import { type RailWorld, evmWorld, ledgerWorld } from './support/rail-world.ts'
import {
  cancellingTests,
  finalisingTests,
  openingTests,
  proposingTests,
} from './support/requests-conformance.ts'
import { refundTests, restTests } from './support/rests-conformance.ts'

const rails: Record<string, () => Promise<RailWorld>> = {
  'a chain': () => evmWorld(),
  'a ledger in PostgreSQL': () => ledgerWorld('postgres'),
  'a ledger in memory': () => ledgerWorld('memory'),
}

const topics: Record<string, (open: () => RailWorld) => void> = {
  'a request': openingTests,
  'a request that is taken back': cancellingTests,
  'a settlement': proposingTests,
  'the split': finalisingTests,
  'what is held': restTests,
  'a request that nobody settles': refundTests,
  'a payout epoch': epochTests,
  'a payment': paymentTests,
}

describe.each(Object.keys(rails))('the rail on %s', (name) => {
  let world: RailWorld
  beforeAll(async () => {
    world = await rails[name]!()
  }, 60_000)
  afterAll(() => world.close())
  for (const [topic, tests] of Object.entries(topics)) describe(topic, () => tests(() => world))
})

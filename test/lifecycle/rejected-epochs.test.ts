import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkChainFile } from '#domain/chain-file.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { reconcileChain, saveBooks } from '#lifecycle/reconcile-chain.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'

const HOUR = 3600
const battery = aResource('battery', 'battery', 200_000n)
let world: World

beforeEach(async () => {
  const program = aProgram({ epochSeconds: HOUR })
  world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
  await world.boot()
  await enrolAll(world, [battery], program)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
})
afterEach(() => world.stop())

async function settled(start: Instant, key: string): Promise<void> {
  await world.passTo(addSeconds(start, -600))
  const window = { start, end: addSeconds(start, 900) }
  const request = aRequest([2000], { window, periods: [{ start, powerW: 2000 }] })
  const { call } = await requestFlexibility(world.ports(), dso, key, request)
  await world.passTo(addSeconds(start, -240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(addSeconds(start, 1800), () => runVerifiers(world))
}

const pass = (seconds: number) =>
  world.passTo(addSeconds(world.clock.now(), seconds), () => runVerifiers(world))
const epochs = () => world.store.transaction((tx) => tx.payouts.list())

async function untilPosted(): Promise<void> {
  for (let i = 0; i < 300 && (await epochs())[0]?.state !== 'posted'; i += 1) await pass(15)
  expect(await epochs()).toMatchObject([{ epoch: 1, state: 'posted' }])
}

async function expectAgreement(): Promise<void> {
  expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })
  expect(checkChainFile(await saveBooks(world.ports()))).toEqual([])
}

it('an epoch that was proved wrong waits for what changes it, and is signed anew and paid', async () => {
  await settled(WINDOW_START, 'key-1')
  await untilPosted()
  await world.rail.rejectEpoch()
  await pass(HOUR)
  // The very same again the pool refuses for good: nothing is sent.
  expect(world.pool.pending).toBeNull()
  expect(await epochs()).toMatchObject([{ epoch: 1, state: 'posted' }])
  await expectAgreement()

  await settled(addSeconds(WINDOW_START, 4 * HOUR), 'key-2')
  await pass(2 * HOUR)
  const [epoch] = await epochs()
  expect(epoch).toMatchObject({ epoch: 1, version: 2, state: 'paid' })
  expect(epoch?.callIds).toHaveLength(2)
  const payouts = [...world.pool.requests.values()].map(({ payout }) => payout)
  const agent = await world.store.transaction((tx) => tx.ledger.balance('agent'))
  expect(agent).toBe(payouts.reduce((sum, payout) => sum + payout, 0n))
  expect(payouts.every((payout) => payout > 0n)).toBe(true)
  await expectAgreement()
})

it('so it is by a database from before the post', async () => {
  await settled(WINDOW_START, 'key-1')
  await untilPosted()
  await world.rail.rejectEpoch()
  await world.store.transaction(async (tx) => {
    const [epoch] = await tx.payouts.list()
    if (epoch) await tx.payouts.save({ ...epoch, state: 'proposed' })
  })
  await settled(addSeconds(WINDOW_START, 4 * HOUR), 'key-2')
  await pass(2 * HOUR)
  expect(await epochs()).toMatchObject([{ epoch: 1, version: 2, state: 'paid' }])
  await expectAgreement()
})

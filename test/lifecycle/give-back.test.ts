import { afterEach, beforeEach, expect, it } from 'vitest'
import { simulatedSignature } from '#adapters/simulated/rail.ts'
import type { CallId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { cancelCall } from '#lifecycle/cancel-call.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
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

let world: World
let id: CallId
const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

/** An ordered call: its escrow is locked, its window has not begun. */
beforeEach(async () => {
  const program = aProgram()
  world = createWorld({ start: at(-1200), ...program })
  await world.boot()
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [battery], program)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  id = (await requestFlexibility(world.ports(), dso, 'key-1', aRequest([3000]))).call.id
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), id)
  await world.passTo(at(-120))
  expect(world.pool.balance).toBeGreaterThan(0n)
})
afterEach(() => world.stop())

const state = () => world.store.transaction(async (tx) => (await tx.calls.lock(id)).state)

async function expectAllIsBack(): Promise<void> {
  expect(world.pool.balance).toBe(0n)
  const dsoBalance = await world.store.transaction(async (tx) =>
    (await tx.ledger.balances()).find(({ account }) => account === `dso:${dso}`),
  )
  expect(dsoBalance?.balance).toBe(0n)
  expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })
}

it('a call that one verifier alone signs is refunded at the deadline, and the money handed out', async () => {
  await world.passTo(at(900 + 1800), () => runVerifiers(world, [0]))
  expect(await state()).toBe('measured')
  await world.passTo(at(900 + 1890))
  expect(await state()).toBe('refunded')
  await expectAllIsBack()
})

it('a call cancelled before its window gives the escrow back, and hands it out', async () => {
  const { escrow } = await world.store.transaction((tx) => tx.calls.lock(id))
  if (!escrow) throw new Error('an ordered call has an escrow')
  const { requestId, terms } = escrow
  await expect(cancelCall(world.ports(), dso, id, null)).rejects.toThrow(/a signature of/)
  await cancelCall(world.ports(), dso, id, simulatedSignature(terms.payer, { cancel: requestId }))
  expect(await state()).toBe('cancelled')
  await world.passTo(at(-30))
  await expectAllIsBack()
  await world.passTo(at(60))
  expect(world.driver.device(aResource('battery', 'battery', 1n).id).received).toEqual([])
})

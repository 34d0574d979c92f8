import { afterEach, describe, expect, it } from 'vitest'
import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import type { Address, OwnerId } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
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

const A: Address = `0x${'aa'.repeat(20)}`
const B: Address = `0x${'bb'.repeat(20)}`
/** The second call's window, some hours after the first. */
const LATER = 4 * 3600

let world: World
afterEach(() => world.stop())

/** An owner with wallet A, whose first call is paid. */
async function paidOnce(): Promise<void> {
  const program = aProgram()
  world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
  await world.boot()
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [battery], program)
  await world.store.transaction(async (tx) => {
    const owner = await tx.resources.owner(battery.ownerId as OwnerId)
    if (!owner) throw new Error('no owner')
    await tx.resources.saveOwner({ ...owner, payout: { kind: 'wallet', address: A } })
  })
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await call(WINDOW_START, 'key-1')
}

async function call(start: Instant, key: string): Promise<void> {
  await world.passTo(addSeconds(start, -600))
  const request = aRequest([2000, 2000], {
    window: { start, end: addSeconds(start, 1800) },
    periods: [0, 900].map((after) => ({ start: addSeconds(start, after), powerW: 2000 })),
  })
  const asked = await requestFlexibility(world.ports(), dso, key, request)
  await world.passTo(addSeconds(start, -240))
  await acceptAsDso(world.ports(), asked.call.id)
  await world.passTo(addSeconds(start, 3600), () => runVerifiers(world))
}

const accounts = async () => {
  const [latest] = await world.store.transaction((tx) => tx.payouts.list())
  return latest
}

/** Seconds from the first window's start. */
const announce = (from: number) =>
  world.rail.announceRecipient(A, B, addSeconds(WINDOW_START, from) / 1000)

async function paidTo(): Promise<(readonly [Address, bigint])[]> {
  const events = await world.store.transaction((tx) => tx.chain.events({ kind: 'Paid' }))
  return events.flatMap((e) => (e.kind === 'Paid' && e.index === 1 ? [[e.account, e.amount]] : []))
}

describe('an owner with a wallet of its own', () => {
  it('is paid there as before while another address still waits', async () => {
    await paidOnce()
    await announce(LATER + 48 * 3600)
    await call(addSeconds(WINDOW_START, LATER), 'key-2')
    const latest = await accounts()
    expect(latest).toMatchObject({ epoch: 2, state: 'paid' })
    expect(latest?.moves).toBeUndefined()
    expect((await paidTo()).map(([to]) => to)).toEqual([A, A])
  })

  it('is paid at the new address from the next epoch on, at the index it has', async () => {
    await paidOnce()
    await announce(LATER - 1800)
    await call(addSeconds(WINDOW_START, LATER), 'key-2')
    const latest = await accounts()
    expect(latest).toMatchObject({ state: 'paid', moves: [{ index: 1, account: A, to: B }] })
    const [first, second] = await paidTo()
    expect([first?.[0], second?.[0]]).toEqual([A, B])
    const [agent, owner, ...more] = latest?.accounts ?? []
    expect(more).toEqual([])
    expect(agent?.account).toBe(SIMULATED_PARTIES.agent)
    expect(owner).toEqual({
      index: 1,
      account: B,
      cumulative: (first?.[1] ?? 0n) + (second?.[1] ?? 0n),
    })
    const { differences } = await reconcileChain(world.ports())
    expect(differences).toEqual([])
  })

  it('is not moved by a service that makes it up: verifiers refuse the epoch', async () => {
    await paidOnce()
    await announce(LATER - 1800)
    world.rail.isRecipient = async () => false // what the chain says
    await call(addSeconds(WINDOW_START, LATER), 'key-2')
    const latest = await accounts()
    expect(latest).toMatchObject({ epoch: 2, state: 'proposed' })
    const refusals = await world.store.transaction((tx) => tx.attestations.refusals('epoch', '2'))
    expect(refusals.map(({ line }) => line)).toContain('payout address at index 1')
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { checkBooks, lastComparison, standingDifferences } from '#lifecycle/check-books.ts'
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
let hidden: () => Promise<number>

beforeEach(async () => {
  const program = aProgram()
  hidden = async () => 0
  world = createWorld({
    start: addSeconds(WINDOW_START, -1200),
    ...program,
    interpose: (ports, driver) => {
      const rail = { ...ports.rail, readAgain: () => hidden() }
      return { ports: { ...ports, rail }, driver }
    },
  })
  await world.boot()
  const battery = aResource('battery', 'battery', 200_000n)
  await enrolAll(world, [battery], program)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  await requestFlexibility(world.ports(), dso, 'key-1', aRequest([2000, 2000]))
  await world.passTo(addSeconds(WINDOW_START, -240))
  const [call] = await world.store.transaction((tx) => tx.calls.list())
  if (!call) throw new Error('no call')
  await acceptAsDso(world.ports(), call.id)
})
afterEach(() => world.stop())

const pass = (seconds: number) =>
  world.passTo(addSeconds(WINDOW_START, seconds), () => runVerifiers(world))

/** Somebody moves money in the ledger that no event tells of. */
function misbook(key: string, amount: bigint): Promise<void> {
  const at = world.clock.now()
  return world.store.transaction((tx) =>
    tx.ledger.post(key, [
      { account: 'escrow:nobody', amount, at },
      { account: 'fee', amount: -amount, at },
    ]),
  )
}

async function now() {
  return world.store.transaction(async (tx) => {
    const events = (await tx.events.after(0, 10_000)).filter(({ kind }) =>
      ['books-differ', 'books-agree'].includes(kind),
    )
    const [epoch] = await tx.payouts.list()
    const intents = (await tx.chain.open()).map(({ businessKey }) => businessKey)
    return { events, epoch, intents, standing: await standingDifferences(tx) }
  })
}

describe('books that differ', () => {
  it('are known to be uncompared before the first time', async () => {
    expect(await world.store.transaction(lastComparison)).toBeNull()
  })

  it('raise the alarm once, keep new epochs from being posted, and end it when they agree', async () => {
    await pass(60)
    await misbook('wrong', 7n)
    const difference = /^escrows in the ledger against the events: (\d+) against (\d+)$/
    const found = await checkBooks(world.ports(), 0)
    expect(found).toMatchObject({
      reconciled: false,
      differences: [expect.stringMatching(difference)],
    })
    await checkBooks(world.ports(), 0)
    const compared = await world.store.transaction(lastComparison)
    expect(compared).toBe(world.clock.now())
    const alarm = await now()
    expect(alarm.standing).toEqual(found.differences)
    expect(alarm.events).toMatchObject([
      { kind: 'books-differ', notice: true, organisationIds: [] },
    ])
    expect(alarm.events[0]?.message).toContain(found.differences[0])

    await pass(5400)
    const paused = await now()
    expect(paused.epoch).toMatchObject({ epoch: 1, state: 'proposed' })
    expect(paused.intents).not.toContain('post-epoch:1')
    const state = await world.rail.poolState()
    expect(state).toMatchObject({ locked: 0n, totalClaimed: 0n }) // finalising went on

    await misbook('corrected', -7n)
    expect(await checkBooks(world.ports(), 0)).toEqual({ reconciled: true, differences: [] })
    expect((await now()).events.map(({ kind }) => kind)).toEqual(['books-differ', 'books-agree'])
    await pass(7200)
    expect((await now()).epoch).toMatchObject({ epoch: 1, state: 'paid' })
    expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })
  })

  it('let go on what was posted before: its leaves are paid', async () => {
    const { disputeWindowSeconds, graceSeconds, epochSeconds } = aProgram()
    let seconds = 1800 + graceSeconds + disputeWindowSeconds
    for (; (await now()).epoch?.state !== 'posted'; seconds += 30) {
      expect(seconds).toBeLessThan(1800 + 2 * epochSeconds + 7200)
      await pass(seconds)
    }
    await misbook('wrong', 7n)
    await checkBooks(world.ports(), 0)
    await pass(seconds + 3600)
    expect((await now()).epoch).toMatchObject({ epoch: 1, state: 'paid' })
  })

  it('raise no alarm when only logs had been left out, and they are found', async () => {
    await pass(60)
    const key = 'wrong'
    await misbook(key, 7n)
    hidden = async () => {
      await misbook('what was missing', -7n)
      return 1
    }
    expect(await checkBooks(world.ports(), 0)).toMatchObject({ reconciled: true })
    expect((await now()).events).toEqual([])
  })

  it('raise no alarm while a difference is another one at each look', async () => {
    await pass(60)
    let n = 0n
    const ports = world.ports()
    const timer = { ...ports.timer, sleep: () => misbook(`on its way ${(n += 1n)}`, n) }
    await misbook('on its way', 1n)
    expect(await checkBooks({ ...ports, timer }, 0)).toMatchObject({ reconciled: true })
    expect((await now()).events).toEqual([])
  })
})

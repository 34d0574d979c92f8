import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ChainEvent } from '#domain/chain.ts'
import { microEur } from '#domain/money.ts'
import { addSeconds } from '#domain/time.ts'
import { adoptEpoch } from '#lifecycle/adopt-epoch.ts'
import { advancePayouts } from '#lifecycle/advance-payouts.ts'
import { epochData, epochStatement } from '#lifecycle/epoch-data.ts'
import { newEpoch, payablesOf } from '#lifecycle/open-epoch.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { PayoutRail, Ports } from '#ports.ts'
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

const battery = aResource('battery', 'battery', 200_000n)
/** The window is measured, signed and final by then; the epoch's boundary has not come. */
const SETTLED = 1800 + 420
const PAID = 4500

let today: World
let yesterday: World

/** A world that has lived as far as so many seconds after its window's start. */
async function lived(seconds: number, beforeIt?: (world: World) => Promise<void>): Promise<World> {
  const program = aProgram({ epochSeconds: 3600 })
  const world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
  await world.boot()
  await enrolAll(world, [battery], program)
  await beforeIt?.(world)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const asked = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([2000, 2000]))
  await world.passTo(addSeconds(WINDOW_START, -240))
  await acceptAsDso(world.ports(), asked.call.id)
  await world.passTo(addSeconds(WINDOW_START, seconds), () => runVerifiers(world))
  return world
}

const eventsOf = (world: World) => world.store.transaction((tx) => tx.chain.events())
const epochsOf = (world: World) => world.store.transaction((tx) => tx.payouts.list())
const intentsOf = async (world: World) =>
  (await world.store.transaction((tx) => tx.chain.open())).map(({ businessKey }) => businessKey)

/** The ports of yesterday's database on today's chain, which is read from where that one stands. */
async function onTodaysChain(told: PayoutRail['postedEpoch']): Promise<Ports> {
  const all = await eventsOf(today)
  const last = all.at(-1) as ChainEvent
  await yesterday.store.transaction((tx) =>
    tx.chain.record(all, { block: last.block, hash: last.blockHash }),
  )
  const ports = yesterday.ports()
  const clock = { speed: 1, now: () => today.clock.now() }
  const rail = { ...ports.rail, poolState: () => today.rail.poolState() }
  return { ...ports, clock, rail: told === undefined ? rail : { ...rail, postedEpoch: told } }
}

/** What the transaction that posted the epoch holds. */
const asPosted: PayoutRail['postedEpoch'] = ({ epoch: number }) =>
  today.store.transaction(async (tx) => {
    const epoch = await tx.payouts.find(number)
    if (epoch === null) return null
    const statement = epochStatement(epoch, await epochData(tx, epoch))
    return { statement, requestIds: epoch.requestIds }
  })

beforeAll(async () => {
  today = await lived(PAID)
  expect(await epochsOf(today)).toMatchObject([{ epoch: 1, state: 'paid' }])
})
afterEach(() => yesterday.stop())
afterAll(() => today.stop())

describe('a database from before an epoch that the chain has', () => {
  it('opens no other one while nobody can tell what was posted, and says what differs', async () => {
    yesterday = await lived(SETTLED)
    for (const told of [undefined, async () => null]) {
      const ports = await onTodaysChain(told)
      await advancePayouts(ports)
      expect(await epochsOf(yesterday)).toEqual([])
      expect(await intentsOf(yesterday)).toEqual([])
      const { differences } = await reconcileChain(ports)
      expect(differences).toContain('epoch 1 is on the chain and not in the database')
    }
  })

  it('takes none over that its own books make differently', async () => {
    const asWallet = async (world: World) => {
      await world.store.transaction(async (tx) => {
        const owner = await tx.resources.owner(battery.ownerId)
        if (!owner) throw new Error('no owner')
        const address = `0x${'aa'.repeat(20)}` as const
        await tx.resources.saveOwner({ ...owner, payout: { kind: 'wallet', address } })
      })
    }
    yesterday = await lived(SETTLED, asWallet)
    const ports = await onTodaysChain(asPosted)
    await advancePayouts(ports)
    expect(await epochsOf(yesterday)).toEqual([])
    expect(await intentsOf(yesterday)).toEqual([])
  })

  it('takes none over whose calls it has not', async () => {
    yesterday = await lived(1800) // not settled yet: it has the call, and not its result
    const ports = await onTodaysChain(asPosted)
    await advancePayouts(ports)
    expect(await epochsOf(yesterday)).toEqual([])
    const { differences } = await reconcileChain(ports)
    expect(differences.length).toBeGreaterThan(0)
  })

  it('takes over the one that it would have made: paid once, and all books agree', async () => {
    yesterday = await lived(SETTLED)
    const ports = await onTodaysChain(asPosted)
    for (let round = 0; round < 4; round += 1) await advancePayouts(ports)
    const [mine] = await epochsOf(yesterday)
    const [theirs] = await epochsOf(today)
    const { createdAt: _c, ...made } = theirs ?? { createdAt: null }
    expect(mine).toMatchObject(made)
    const credits = /^withdraw:1:/ // what these pay out is what is left of them: nothing
    expect((await intentsOf(yesterday)).filter((key) => !credits.test(key))).toEqual([])
    const { differences } = await reconcileChain(ports)
    expect(differences).toEqual([])
    const receipts = (world: World) =>
      world.store.transaction((tx) => tx.payouts.receipts({ ownerId: battery.ownerId }))
    expect(await receipts(yesterday)).toEqual(await receipts(today))
  })

  it('books the epoch before it first: else nobody in that one would ever be paid', async () => {
    yesterday = await lived(SETTLED)
    const root = `0x${'22'.repeat(32)}` as const
    const nobody = { callIds: [], requestIds: [], accounts: [], shares: [], newTotal: microEur(0n) }
    const hashes = { prevRoot: root, topHash: root, root }
    const createdAt = yesterday.clock.now()
    const first = { epoch: 1, ...nobody, ...hashes, createdAt } as const
    const second = await yesterday.store.transaction(async (tx) => {
      await tx.payouts.save({ ...first, state: 'active' })
      const made = await newEpoch(
        tx,
        await payablesOf(tx),
        { ...first, state: 'active' },
        createdAt,
      )
      const last = (await tx.chain.events()).at(-1) as ChainEvent
      const block = last.block + 1
      const at = { transactionHash: root, logIndex: 0, block, blockHash: root }
      const activeFrom = createdAt / 1000 + 60
      const { epoch, newTotal } = made
      const posted = { kind: 'EpochPosted', epoch, root: made.root, newTotal, activeFrom, ...at }
      await tx.chain.record([posted as ChainEvent], { block, hash: root })
      return { made, statement: epochStatement(made, await epochData(tx, made)) }
    })
    const { requestIds } = second.made
    const ports = yesterday.ports()
    const postedEpoch = async () => ({ statement: second.statement, requestIds })
    const restored = { ...ports, rail: { ...ports.rail, postedEpoch } }
    await adoptEpoch(restored)
    expect(await epochsOf(yesterday)).toMatchObject([{ epoch: 1, state: 'active' }])
    await yesterday.store.transaction((tx) => tx.payouts.save({ ...first, state: 'paid' }))
    await adoptEpoch(restored)
    expect(await epochsOf(yesterday)).toMatchObject([
      { epoch: 2, state: 'posted', root: second.made.root },
      { epoch: 1, state: 'paid' },
    ])
  })

  it('drops an epoch of its own that was not posted for the one that was', async () => {
    yesterday = await lived(SETTLED)
    await yesterday.passTo(addSeconds(WINDOW_START, 3600 + 60)) // nobody signs
    const [proposed] = await epochsOf(yesterday)
    expect(proposed).toMatchObject({ epoch: 1, state: 'proposed' })
    if (!proposed) throw new Error('no epoch')
    const another = { ...proposed, root: `0x${'11'.repeat(32)}` as const }
    await yesterday.store.transaction((tx) => tx.payouts.save(another))
    const ports = await onTodaysChain(asPosted)
    for (let round = 0; round < 4; round += 1) await advancePayouts(ports)
    const [mine] = await epochsOf(yesterday)
    const [theirs] = await epochsOf(today)
    expect(mine).toMatchObject({ state: 'paid', root: theirs?.root })
  })
})

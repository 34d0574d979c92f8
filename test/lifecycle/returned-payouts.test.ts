import { afterEach, describe, expect, it } from 'vitest'
import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { checkChainFile } from '#domain/chain-file.ts'
import type { CallId, Hex } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
import { explainPayout } from '#lifecycle/explain-payout.ts'
import { invoiceDso } from '#lifecycle/invoice-dso.ts'
import { reconcileChain, saveBooks } from '#lifecycle/reconcile-chain.ts'
import { reconcileProgram } from '#lifecycle/reconcile-program.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { stateEarnings } from '#lifecycle/state-earnings.ts'
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

const MONTH = '2026-01'
const HOUR = 3600
const YEAR = 366 * 24 * HOUR
const battery = aResource('battery', 'battery', 200_000n)
const aggregator = { kind: 'aggregator', aggregatorId: battery.aggregatorId } as const
const owner = { kind: 'owner', ownerId: battery.ownerId } as const

let world: World
afterEach(() => world.stop())

async function begin(): Promise<void> {
  const program = aProgram({ epochSeconds: HOUR })
  world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
  await world.boot()
  await enrolAll(world, [battery], program)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
}

/** A call that is measured, signed and final. */
async function settled(start: Instant, key: string): Promise<{ id: CallId; requestId: Hex }> {
  await world.passTo(addSeconds(start, -600))
  const window = { start, end: addSeconds(start, 900) }
  const periods = [{ start, powerW: 2000 }]
  const asked = await requestFlexibility(
    world.ports(),
    dso,
    key,
    aRequest([2000], { window, periods }),
  )
  await world.passTo(addSeconds(start, -240))
  await acceptAsDso(world.ports(), asked.call.id)
  await world.passTo(addSeconds(start, 1800), () => runVerifiers(world))
  const call = await world.store.transaction((tx) => tx.calls.find(asked.call.id))
  expect(['settled', 'paid']).toContain(call?.state)
  return { id: asked.call.id, requestId: call?.escrow?.requestId as Hex }
}

/** As if the payout had been final for a year; the world's clock cannot pass one in steps. */
async function giveBack(requestId: Hex): Promise<void> {
  await expect(world.rail.returnUnallocated(requestId)).rejects.toThrow('TooEarly')
  const request = world.pool.requests.get(requestId)
  if (!request) throw new Error('no request')
  request.windowEnd -= YEAR
  await world.rail.returnUnallocated(requestId)
}

const pass = (seconds: number, meanwhile = () => runVerifiers(world)) =>
  world.passTo(addSeconds(world.clock.now(), seconds), meanwhile)
const epochs = () => world.store.transaction((tx) => tx.payouts.list())
const balance = (account: string) => world.store.transaction((tx) => tx.ledger.balance(account))
const payoutOf = (requestId: Hex) => world.pool.requests.get(requestId)?.payout ?? 0n

async function expectAgreement(): Promise<void> {
  expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })
  expect(checkChainFile(await saveBooks(world.ports()))).toEqual([])
  const { statement, reconciled } = await reconcileProgram(world.ports(), dso, MONTH)
  expect([reconciled, statement.words[0]]).toEqual([true, expect.stringMatching(/nothing differs/)])
}

describe('a payout that the pool gave back', () => {
  it('is in no epoch: the next call’s is paid, and all books agree', async () => {
    await begin()
    const first = await settled(WINDOW_START, 'key-1')
    const payout = payoutOf(first.requestId)
    expect(payout).toBeGreaterThan(0n)
    const back = await balance(`dso:${dso}`)
    await giveBack(first.requestId)
    await pass(HOUR) // over the epoch's boundary
    expect(await epochs()).toEqual([])
    expect(await balance(`owner:${battery.ownerId}`)).toBe(0n)
    expect(await balance(`aggregator:${battery.aggregatorId}`)).toBe(0n)
    expect(await balance(`dso:${dso}`)).toBe(back + payout)
    expect(world.pool.credits.has(SIMULATED_PARTIES.payer)).toBe(false) // handed out to the DSO
    await expectAgreement()

    const second = await settled(addSeconds(WINDOW_START, 3 * HOUR), 'key-2')
    await pass(2 * HOUR)
    expect(await epochs()).toMatchObject([
      { epoch: 1, state: 'paid', requestIds: [second.requestId] },
    ])
    expect(await balance('agent')).toBe(payoutOf(second.requestId))
    await expectAgreement()
  })

  it('is promised to nobody: owner, aggregator and DSO read that it went back', async () => {
    await begin()
    const { id, requestId } = await settled(WINDOW_START, 'key-1')
    const payout = payoutOf(requestId)
    for (const earner of [owner, aggregator]) {
      expect(await explainEarnings(world.ports(), earner)).toMatchObject([{ status: 'to-be-paid' }])
    }
    await giveBack(requestId)
    for (const earner of [owner, aggregator]) {
      const [line] = await explainEarnings(world.ports(), earner)
      expect(line).toMatchObject({ amount: 0n, status: 'not-paid', reason: 'refunded' })
      expect(line?.sentence).toMatch(/went back to the DSO: no payout counted it for a year\.$/)
    }
    await world.settleDown()
    const { tables, words } = await stateEarnings(world.ports(), battery.ownerId, MONTH)
    const sums = tables.find(({ record }) => record === 'total')?.rows ?? []
    expect(sums.every(([, amount]) => amount === 0n)).toBe(true)
    expect(words.join(' ')).toMatch(/Your devices earned 0\.00/)
    const { sentence } = await explainPayout(world.ports(), battery.ownerId)
    expect(sentence).toBe('Nothing is waiting for you.')
    const invoice = await invoiceDso(world.ports(), dso, MONTH, '')
    const call = invoice.tables.find(({ record }) => record === 'call')
    const cell = (key: string) => call?.rows[0]?.[call.columns.findIndex((c) => c.key === key)]
    expect(cell('payout_eur')).toBe(0n)
    const kept = (cell('escrow_eur') as bigint) - (cell('fee_eur') as bigint)
    expect(cell('refund_eur')).toBe(kept)
    await world.settleDown()
    const told = await world.store.transaction((tx) => tx.events.after(0, 10_000))
    const news = told.filter(({ kind }) => kind === 'payout-returned')
    expect(news.map(({ callId, ownerId }) => ({ callId, ownerId }))).toEqual([
      { callId: id, ownerId: null },
      { callId: null, ownerId: battery.ownerId },
    ])
    expect(news[0]).toMatchObject({ notice: true, data: { amount: payout.toString() } })
  })

  it('leaves an epoch that was proposed with it, which is signed anew and paid', async () => {
    await begin()
    const first = await settled(WINDOW_START, 'key-1')
    await pass(HOUR, () => runVerifiers(world, [0])) // one of three signs, which is no quorum
    expect(await epochs()).toMatchObject([{ state: 'proposed', requestIds: [first.requestId] }])
    await giveBack(first.requestId)
    await pass(HOUR) // it waits, whoever signs it: there is nothing else to be paid
    expect(await epochs()).toMatchObject([{ state: 'proposed', requestIds: [first.requestId] }])
    expect(world.pool.pending).toBeNull()
    await expectAgreement()

    const second = await settled(addSeconds(WINDOW_START, 4 * HOUR), 'key-2')
    await pass(HOUR)
    expect(await epochs()).toMatchObject([
      { epoch: 1, version: 2, state: 'paid', requestIds: [second.requestId] },
    ])
    expect(await balance('agent')).toBe(payoutOf(second.requestId))
    expect(await balance(`owner:${battery.ownerId}`)).toBe(0n)
    await expectAgreement()
  })
})

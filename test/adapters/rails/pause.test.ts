/** The operator's pause of a ledger without a chain, with the whole service around it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { availableOf, creditOf, walletOf } from '#domain/pool-books.ts'
import { addSeconds } from '#domain/time.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { aProgram, WINDOW_START } from '../../support/builders.ts'
import { createLedgerWorld, DEPOSIT, type LedgerWorld } from '../../support/ledger-call.ts'

const HOUR = 3600
const GRACE = HOUR
const LONGEST = GRACE / 2
const WINDOW = 1800
/** When a settlement has to be proposed where nothing is paused, seconds after the window began. */
const SETTLE_BY = WINDOW + aProgram().settleBySeconds

let folder: string
let ledger: LedgerWorld
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridcall-pause-'))
  ledger = await createLedgerWorld(folder, { refundGraceSeconds: GRACE })
})
afterEach(async () => {
  await ledger.world.stop()
  await rm(folder, { recursive: true })
})

const silent = async () => undefined
const seconds = () => Math.floor(ledger.world.clock.now() / 1000)
const pause = (until: number) => ledger.rail.act?.({ kind: 'pause', until })
const passTo = (after: number, meanwhile = ledger.verify) =>
  ledger.world.passTo(addSeconds(WINDOW_START, after), meanwhile)

/** The call, and what the ledger says of its request. */
async function standing(id: Awaited<ReturnType<LedgerWorld['order']>>) {
  return ledger.world.store.transaction(async (tx) => {
    const { state, escrow } = await tx.calls.lock(id)
    if (escrow === null) throw new Error('no escrow')
    const { requestId, terms } = escrow
    const request = await tx.pool.request(requestId)
    const credit = availableOf(await tx.pool.account(creditOf(terms.payer)))
    const wallet = availableOf(await tx.pool.account(walletOf(terms.payer)))
    const refund = await tx.chain.intent(`refund:${id}`)
    return { state, request: request?.state, credit, wallet, refund, amount: terms.amount }
  })
}

it('is half the grace at most, and lets a settlement whose deadline it covers come after it', async () => {
  const id = await ledger.order()
  await passTo(SETTLE_BY - 600, silent)
  await expect(pause(seconds() + LONGEST + 1)).rejects.toThrow(/^PauseTooLong: /)
  await pause(seconds() + LONGEST)
  await passTo(SETTLE_BY + 120)
  // It is signed, and waits; nobody asks for the refund, which the grace keeps off.
  expect(await standing(id)).toMatchObject({ state: 'measured', request: 'funded', refund: null })
  await passTo(SETTLE_BY - 600 + LONGEST + 600)
  expect(await standing(id)).toMatchObject({ state: 'paid', request: 'final', refund: null })
  expect(await reconcileChain(ledger.world.ports())).toEqual({ reconciled: true, differences: [] })
})

it('stops no payout of an epoch that is posted, and nothing that is owed', async () => {
  const id = await ledger.order()
  const epoch = async () => (await ledger.world.store.transaction((tx) => tx.payouts.list()))[0]
  let after = WINDOW
  while ((await epoch())?.state !== 'posted' && after < 2 * HOUR) {
    after += 30
    await passTo(after)
  }
  expect(await epoch()).toMatchObject({ epoch: 1, state: 'posted' })
  await pause(seconds() + LONGEST)
  await passTo(after + 600)
  expect(await epoch()).toMatchObject({ epoch: 1, state: 'paid' })
  const { state, credit, request } = await standing(id)
  expect({ state, credit, request }).toEqual({ state: 'paid', credit: 0n, request: 'final' })
  await expect(pause(seconds() + LONGEST)).rejects.toThrow(/^PauseTooLong: /) // it was one budget
})

it('stops no refund, however often it is allowed again and again begun', async () => {
  const id = await ledger.order()
  const { amount } = await standing(id)
  for (let after = WINDOW; after < SETTLE_BY + GRACE; after += LONGEST / 2) {
    await passTo(after, silent)
    await ledger.rail.act?.({ kind: 'rearmPause' })
    await pause(seconds() + LONGEST)
    expect(await standing(id)).toMatchObject({ request: 'funded', wallet: DEPOSIT - amount })
  }
  await passTo(SETTLE_BY + GRACE + 60, silent)
  const { state, request, credit, wallet } = await standing(id)
  expect({ state, request, credit }).toEqual({ state: 'refunded', request: 'refunded', credit: 0n })
  expect(wallet).toBe(DEPOSIT)
})

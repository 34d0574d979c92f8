import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { checkChainFile } from '#domain/chain-file.ts'
import type { Address } from '#domain/ids.ts'
import { putOffAccount, TRIES_MAX } from '#domain/put-off.ts'
import type { Organisation } from '#domain/resource.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { changePayout } from '#lifecycle/change-payout.ts'
import { explainPayout } from '#lifecycle/explain-payout.ts'
import { givePaymentFile } from '#lifecycle/give-payment-file.ts'
import { reconcileChain, saveBooks } from '#lifecycle/reconcile-chain.ts'
import { reconcileProgram } from '#lifecycle/reconcile-program.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { setAgentAccount } from '#lifecycle/set-agent-account.ts'
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

const WALLET: Address = `0x${'aa'.repeat(20)}`
const MONTH = '2026-01'
const HOUR = 3600
const own = aResource('own', 'battery', 200_000n)
const other = aResource('other', 'battery', 200_000n)

let world: World

/** Two batteries: the owner of one is paid to a wallet, the other through the agent. */
async function begin(changes: Partial<ReturnType<typeof aProgram>> = {}): Promise<void> {
  const program = aProgram(changes)
  world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
  await world.boot()
  await enrolAll(world, [own, other], program)
  await world.store.transaction(async (tx) => {
    const owner = await tx.resources.owner(own.ownerId)
    if (!owner) throw new Error('no owner')
    await tx.resources.saveOwner({ ...owner, payout: { kind: 'wallet', address: WALLET } })
  })
  for (const battery of [own, other]) plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
}

/** A call that is ordered: its window begins in four minutes. */
async function order(start: Instant, key: string): Promise<void> {
  await world.passTo(addSeconds(start, -600))
  const asked = await requestFlexibility(
    world.ports(),
    dso,
    key,
    aRequest([8000], {
      window: { start, end: addSeconds(start, 900) },
      periods: [{ start, powerW: 8000 }],
    }),
  )
  await world.passTo(addSeconds(start, -240))
  await acceptAsDso(world.ports(), asked.call.id)
}

async function call(start: Instant, key: string): Promise<void> {
  await order(start, key)
  await world.passTo(addSeconds(start, 1800), () => runVerifiers(world))
}

const wait = (seconds: number) =>
  world.passTo(addSeconds(world.clock.now(), seconds), () => runVerifiers(world))

async function books() {
  return world.store.transaction(async (tx) => {
    const [latest] = await tx.payouts.list()
    const leaf = latest?.accounts.find(({ account }) => account === WALLET)
    const paid = await tx.chain.events({ kind: 'Paid' })
    const tried = await tx.chain.events({ kind: 'PayoutDeferred' })
    return {
      epoch: latest?.epoch,
      state: latest?.state,
      cumulative: leaf?.cumulative ?? 0n,
      paid: paid.flatMap((e) => (e.kind === 'Paid' && e.account === WALLET ? [e.amount] : [])),
      tries: tried.length,
      putOff: await tx.ledger.balance(putOffAccount(leaf?.index ?? 0)),
      wallet: await tx.ledger.balance(`wallet:${WALLET}`),
      told: (await tx.events.after(0, 10_000)).filter(({ ownerId }) => ownerId === own.ownerId),
    }
  })
}

async function expectAgreement(): Promise<void> {
  expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })
  expect(checkChainFile(await saveBooks(world.ports()))).toEqual([])
  const { statement, reconciled } = await reconcileProgram(world.ports(), dso, MONTH)
  expect([reconciled, statement.words[0]]).toEqual([true, expect.stringMatching(/nothing differs/)])
}

/** The rows of an owner's statement, as texts and amounts by column. */
async function stated(record: string, ownerId = own.ownerId) {
  const { words, tables } = await stateEarnings(world.ports(), ownerId, MONTH)
  const table = tables.find((each) => each.record === record)
  const rows = (table?.rows ?? []).map((row) =>
    Object.fromEntries((table?.columns ?? []).map(({ key }, i) => [key, row[i]])),
  )
  return { words: words.join(' '), rows }
}

describe('a wallet that cannot be paid', () => {
  beforeEach(async () => {
    await begin({ epochSeconds: 120 })
    world.pool.frozen.add(WALLET)
    await call(WINDOW_START, 'key-1')
  })
  afterEach(() => world.stop())

  it('stays owed: nobody else waits, all books agree, and its owner reads so', async () => {
    const { epoch, state, paid, cumulative, putOff, wallet, told } = await books()
    expect({ epoch, state, paid }).toEqual({ epoch: 1, state: 'paid', paid: [] })
    expect(putOff).toBe(cumulative)
    expect(putOff).toBeGreaterThan(0n)
    expect(wallet).toBe(0n)
    expect(told.map(({ kind }) => kind)).toContain('payout-put-off')
    expect(told.map(({ kind }) => kind)).not.toContain('payout-paid')
    await expectAgreement()
    const { rows, words } = await stated('payout')
    expect(rows).toMatchObject([
      { wallet_eur: 0n, put_off_eur: putOff, status: 'put off: your wallet could not be paid' },
    ])
    expect(words).toContain('it stays yours and waits in the pool')
    const { sentence, putOff: shown } = await explainPayout(world.ports(), own.ownerId)
    expect(shown).toBe(putOff)
    expect(sentence).toContain('could not be paid to your wallet')
    expect((await explainPayout(world.ports(), other.ownerId)).putOff).toBe(0n)
    await world.store.transaction(async (tx) => {
      const owner = await tx.resources.owner(own.ownerId)
      if (owner) await tx.resources.saveOwner({ ...owner, payout: { kind: 'agent' } })
    })
    const byAgent = await explainPayout(world.ports(), own.ownerId)
    expect(byAgent).toMatchObject({ payout: { kind: 'agent' }, putOff })
    expect(byAgent.sentence).toContain('could not be paid to the wallet that you had named')
  })

  it('is paid with the next epoch, all of it and once', async () => {
    world.pool.frozen.delete(WALLET)
    const before = await books()
    await call(addSeconds(WINDOW_START, HOUR), 'key-2')
    const { epoch, state, paid, cumulative, putOff, wallet } = await books()
    expect({ epoch, state, putOff }).toEqual({ epoch: 2, state: 'paid', putOff: 0n })
    expect(cumulative).toBeGreaterThan(before.cumulative)
    expect(paid.reduce((sum, amount) => sum + amount, 0n)).toBe(cumulative)
    expect(wallet).toBe(cumulative)
    await expectAgreement()
    const { rows, words } = await stated('payout')
    expect(rows.map(({ put_off_eur: waits }) => waits)).toEqual([0n, 0n])
    expect(words).not.toContain('waits in the pool')
  })

  it('is tried again without a new epoch, later and later, and not for ever', async () => {
    await wait(9 * HOUR) // 120 s doubled seven times are over within
    const { tries, putOff, cumulative } = await books()
    expect(tries).toBe(TRIES_MAX)
    expect(putOff).toBe(cumulative)
    await expectAgreement()
  })

  it('is booked as paid when it claims its money itself', async () => {
    const { cumulative, putOff } = await books()
    const [latest] = await world.store.transaction((tx) => tx.payouts.list())
    const leaf = latest?.accounts.find(({ account }) => account === WALLET)
    await world.rail.claim(leaf?.index ?? -1, WALLET, cumulative)
    await world.settleDown()
    const after = await books()
    expect(after).toMatchObject({ paid: [putOff], putOff: 0n, wallet: cumulative })
    expect(after.told.at(-1)).toMatchObject({ kind: 'payout-paid' })
    await expectAgreement()
    await world.settleDown()
    expect((await books()).told).toHaveLength(after.told.length) // told once
  })

  it('is booked epoch by epoch where it claims in two before the service looks again', async () => {
    await order(addSeconds(WINDOW_START, HOUR), 'key-2')
    for (let i = 0; i < 100 && (await books()).state !== 'posted'; i += 1) await wait(30)
    expect(await books()).toMatchObject({ epoch: 2, state: 'posted' })
    const [second, first] = await world.store.transaction((tx) => tx.payouts.list())
    const claim = async (epoch: typeof first) => {
      const leaf = epoch?.accounts.find(({ account }) => account === WALLET)
      await world.rail.claim(leaf?.index ?? -1, WALLET, leaf?.cumulative ?? 0n)
    }
    await claim(first)
    if (world.pool.pending) world.pool.pending.activeFrom = 0
    await world.store.transaction((tx) =>
      tx.chain.intend('activate-epoch:2', { kind: 'activateEpoch', epoch: 2 }),
    )
    await world.rail.advance()
    await claim(second)
    await wait(300)
    const { epoch, state, paid, cumulative, putOff, wallet } = await books()
    expect({ epoch, state, putOff }).toEqual({ epoch: 2, state: 'paid', putOff: 0n })
    expect(paid).toHaveLength(2)
    expect(wallet).toBe(cumulative)
    await expectAgreement()
  })
})

describe('an agent that cannot be paid', () => {
  const iban = 'NL91ABNA0417164300'
  let agent: Organisation

  beforeEach(async () => {
    await begin({ epochSeconds: HOUR })
    const [found] = await world.store.transaction((tx) => tx.organisations.list('agent'))
    if (!found) throw new Error('no agent')
    agent = found
    await changePayout(world.ports(), other.ownerId, { kind: 'agent', iban, name: 'Anna B' })
    const account = { iban: 'GB33BUKB20201555555555', name: 'Trust' }
    await setAgentAccount(world.ports(), agent.id, { account, minimumPayoutCents: 1n })
    world.pool.frozen.add(SIMULATED_PARTIES.agent)
    await call(WINDOW_START, 'key-1')
    await wait(HOUR)
  })
  afterEach(() => world.stop())

  const paidCents = async (epoch: number) => {
    const file = await givePaymentFile(world.ports(), agent.id, epoch)
    return file?.transfers.find(({ creditor }) => creditor.iban === iban)?.cents ?? null
  }
  const earned = async (epochs: number) => {
    const ownerId = other.ownerId
    const receipts = await world.store.transaction((tx) => tx.payouts.receipts({ ownerId }))
    expect(receipts).toHaveLength(epochs)
    return receipts.reduce((sum, { amount }) => sum + amount, 0n)
  }
  const told = async () => {
    const all = await world.store.transaction((tx) => tx.events.after(0, 10_000))
    return all.filter(({ ownerId }) => ownerId === other.ownerId).map(({ kind }) => kind)
  }

  it('pays nobody from what it has not got', async () => {
    expect(await books()).toMatchObject({ epoch: 1, state: 'paid' })
    expect(await givePaymentFile(world.ports(), agent.id, 1)).toBeNull()
    expect(await told()).toContain('payout-put-off')
    expect(await told()).not.toContain('payout-paid')
    await expectAgreement()
  })

  it('has it with the next epoch, and pays both', async () => {
    await call(addSeconds(WINDOW_START, 3 * HOUR), 'key-2')
    world.pool.frozen.delete(SIMULATED_PARTIES.agent) // after it was tried for once more
    await wait(HOUR)
    expect(await paidCents(1)).toBeNull()
    expect(await paidCents(2)).toBe((await earned(2)) / 10_000n)
    await expectAgreement()
  })

  it('pays once it has it, without another epoch, and no cent twice', async () => {
    world.pool.frozen.delete(SIMULATED_PARTIES.agent)
    await wait(2 * HOUR)
    expect(await books()).toMatchObject({ epoch: 1, state: 'paid' })
    const first = await earned(1)
    expect(first).toBeGreaterThan(10_000n)
    expect(await paidCents(1)).toBe(first / 10_000n)
    expect((await told()).filter((kind) => kind === 'payout-paid')).toHaveLength(1)
    await expectAgreement()
    const { rows } = await stated('payout', other.ownerId)
    const [paid, carried] = [(first / 10_000n) * 10_000n, first % 10_000n]
    const status = 'sent to your bank'
    expect(rows).toMatchObject([{ paid_eur: paid, carried_eur: carried, status }])
    await wait(2 * HOUR)
    expect(await paidCents(1)).toBe(first / 10_000n)

    await call(addSeconds(WINDOW_START, 7 * HOUR), 'key-2')
    await wait(HOUR)
    const [one, two] = [await paidCents(1), await paidCents(2)]
    expect((one ?? 0n) + (two ?? 0n)).toBe((await earned(2)) / 10_000n)
    await expectAgreement()
  })
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ownerAccount } from '#domain/bank-account.ts'
import { callId, organisationId, ownerId } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { addShares, sharesOf } from '#domain/payout.ts'
import { payoutChoiceAt } from '#domain/resource.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import { changePayout, PAYOUT_DELAY_SECONDS } from '#lifecycle/change-payout.ts'
import { eraseAccount } from '#lifecycle/erase-account.ts'
import { explainPayout } from '#lifecycle/explain-payout.ts'
import { givePaymentFile } from '#lifecycle/give-payment-file.ts'
import { registerOwner } from '#lifecycle/register-owner.ts'
import { rotateAccountKey } from '#lifecycle/rotate-account-key.ts'
import { setAgentAccount, setAggregatorAccount } from '#lifecycle/set-agent-account.ts'
import type { Ports } from '#ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { anOrganisation, aProgram, WINDOW_START } from '../support/builders.ts'
import { paidEpoch } from '../support/paid-epoch.ts'

const ANNA = ownerId('anna')
const AGG = organisationId('agg-1')
const BANK = organisationId('bank')
const MINE = 'NL91ABNA0417164300'
const NEW = 'DE89370400440532013000'
const WALLETS = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`] as const

let world: World
let ports: Ports
let now: Instant
beforeEach(async () => {
  world = createWorld({ start: WINDOW_START, ...aProgram() })
  await world.boot()
  now = WINDOW_START
  ports = { ...world.ports(), clock: { speed: 1, now: () => now } }
  await ports.store.transaction(async (tx) => {
    await tx.organisations.save(anOrganisation(AGG, { kind: 'aggregator' }))
    await tx.organisations.save(anOrganisation(BANK, { kind: 'agent', address: WALLETS[0] }))
  })
  await registerOwner(ports, AGG, { id: ANNA, payout: { kind: 'agent', iban: MINE } })
  const account = { iban: 'GB33BUKB20201555555555', name: 'Trust' }
  await setAgentAccount(ports, BANK, { account, minimumPayoutCents: 500n })
})
afterEach(() => world.stop())

const pass = (seconds: number) => {
  now = addSeconds(now, seconds)
}
const choiceNow = async () => {
  const owner = await ports.store.transaction((tx) => tx.resources.owner(ANNA))
  return owner && payoutChoiceAt(owner, now)
}
const paidTo = async (epoch: number) =>
  (await givePaymentFile(ports, BANK, epoch))?.transfers.map(({ creditor, cents }) => [
    creditor.iban,
    cents,
  ])
const explained = () => explainPayout(ports, ANNA)

describe('where an owner’s money goes', () => {
  test('is not changed by a wrong account number or address, nor to an account nobody knows', async () => {
    const change = (input: Parameters<typeof changePayout>[2]) => changePayout(ports, ANNA, input)
    await expect(change({ kind: 'agent', iban: `${MINE}1` })).rejects.toThrow('18 characters')
    await expect(change({ kind: 'wallet', address: '0x12' })).rejects.toThrow('address')
    await eraseAccount(ports, ownerAccount(ANNA))
    await expect(change({ kind: 'agent' })).rejects.toThrow('give its IBAN')
    expect(await choiceNow()).toEqual({ kind: 'agent' })
  })

  test('changes 48 hours after it was announced, and the owner is told at once', async () => {
    await changePayout(ports, ANNA, { kind: 'wallet', address: WALLETS[0] })
    const events = await ports.store.transaction((tx) => tx.events.after(0, 100))
    expect(events.at(-1)).toMatchObject({ kind: 'payout-changed', ownerId: ANNA })
    expect(events.at(-1)?.message).toMatch(/from 2026-.* to a wallet .* if that was not you/)
    pass(PAYOUT_DELAY_SECONDS - 1)
    expect(await choiceNow()).toEqual({ kind: 'agent' })
    expect((await explained()).announced).toMatchObject({ payout: { kind: 'wallet' } })
    pass(1)
    expect(await choiceNow()).toEqual({ kind: 'wallet', address: WALLETS[0] })
    expect((await explained()).announced).toBeNull()
  })

  test('what a stranger announced is taken back by saying what counts', async () => {
    await changePayout(ports, ANNA, { kind: 'agent', iban: NEW })
    await changePayout(ports, ANNA, { kind: 'wallet', address: WALLETS[0] })
    await changePayout(ports, ANNA, { kind: 'agent' })
    pass(PAYOUT_DELAY_SECONDS)
    expect(await choiceNow()).toEqual({ kind: 'agent' })
    await paidEpoch(ports, [['anna', 6_000_000n]])
    expect(await paidTo(1)).toEqual([[MINE, 600n]])
  })

  test('a new account is paid to from its day on; what was ordered before stays as it was', async () => {
    await paidEpoch(ports, [['anna', 6_000_000n]])
    const before = await paidTo(1)
    await changePayout(ports, ANNA, { kind: 'agent', iban: NEW })
    expect((await explained()).accountFrom).toBe(addSeconds(now, PAYOUT_DELAY_SECONDS))
    await paidEpoch(ports, [['anna', 7_000_000n]])
    pass(PAYOUT_DELAY_SECONDS)
    await paidEpoch(ports, [['anna', 8_000_000n]])
    expect(before).toEqual([[MINE, 600n]])
    expect([await paidTo(1), await paidTo(2), await paidTo(3)]).toEqual([
      before,
      [[MINE, 700n]],
      [[NEW, 800n]],
    ])
  })

  test('who goes to a wallet gets what was below the minimum through the bank, without one', async () => {
    await paidEpoch(ports, [['anna', 1_234_567n]])
    expect((await explained()).sentence).toBe(
      '1.234567 EUR is kept on your account and carried forward until it is 5.00 EUR.',
    )
    await changePayout(ports, ANNA, { kind: 'wallet', address: WALLETS[0] })
    pass(PAYOUT_DELAY_SECONDS)
    await paidEpoch(ports, [])
    expect(await paidTo(2)).toEqual([[MINE, 123n]])
    expect((await explained()).onAccount).toBe(4567n)
  })

  test('each wallet keeps the index that it was first paid at, whoever comes and goes', () => {
    const line = { ownerId: ANNA, aggregatorId: AGG, ownerAmount: 5n, aggregatorAmount: 0n }
    const sharesTo = (address: (typeof WALLETS)[number]) =>
      sharesOf(callId('call-1'), [line] as never, () => ({ kind: 'wallet', address }))
    const agent = `0x${'cc'.repeat(20)}` as const
    const first = addShares([], sharesTo(WALLETS[0]), agent)
    const second = addShares(first, sharesTo(WALLETS[1]), agent)
    const third = addShares(second, sharesTo(WALLETS[0]), agent)
    expect(third.map(({ index, account, cumulative }) => [index, account, cumulative])).toEqual([
      [0, agent, 0n],
      [1, WALLETS[0], 10n],
      [2, WALLETS[1], 5n],
    ])
  })
})

describe('an account number that is erased', () => {
  test('takes no money with it: what was not handed over is on account again', async () => {
    await paidEpoch(ports, [['anna', 6_000_001n]])
    await eraseAccount(ports, ownerAccount(ANNA))
    await eraseAccount(ports, ownerAccount(ANNA))
    expect(await paidTo(1)).toBeUndefined()
    expect(await explained()).toMatchObject({
      account: 'erased',
      onAccount: microEur(6_000_001n),
      sentence: '6.000001 EUR is kept on your account until a bank account of yours is known.',
    })
    await changePayout(ports, ANNA, { kind: 'agent', iban: NEW })
    expect((await explained()).account).toBe('erased') // the new one waits its 48 hours
    pass(PAYOUT_DELAY_SECONDS)
    await paidEpoch(ports, [])
    expect(await paidTo(2)).toEqual([[NEW, 600n]])
  })

  test('leaves the file that the agent has taken alone, which cannot be made again', async () => {
    await paidEpoch(ports, [['anna', 6_000_000n]])
    expect(await paidTo(1)).toEqual([[MINE, 600n]])
    await eraseAccount(ports, ownerAccount(ANNA))
    expect((await explained()).onAccount).toBe(0n)
    await expect(paidTo(1)).rejects.toThrow('was erased after the file was taken')
  })
})

test('a new key opens every account, and the old one is forgotten', async () => {
  const { keyId, accounts } = await rotateAccountKey(ports)
  const kept = await ports.store.transaction((tx) => tx.accounts.list())
  expect(accounts).toBe(2)
  expect(new Set(kept.map((account) => account.keyId))).toEqual(new Set([keyId]))
  await paidEpoch(ports, [['anna', 6_000_000n]])
  expect(await paidTo(1)).toEqual([[MINE, 600n]])
})

test('an aggregator’s share stays on account until it names one, and goes all at once then', async () => {
  await paidEpoch(ports, [['agg:agg-1', 6_000_000n]])
  expect(await paidTo(1)).toBeUndefined()
  await setAggregatorAccount(ports, AGG, { iban: NEW, name: 'Sun Pool' })
  await paidEpoch(ports, [['agg:agg-1', 1_000_000n]])
  const file = await givePaymentFile(ports, BANK, 2)
  expect(file?.transfers).toMatchObject([
    { cents: 700n, creditor: { iban: NEW, name: 'Sun Pool' } },
  ])
  expect(file?.createdAt).toBe(instant(now))
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { euros } from '#domain/money.ts'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import { WINDOW_START } from '../../support/builders.ts'
import { type EvidenceFile, liveThroughCall } from './support/evidence-story.ts'
import { type Told, feed } from './support/feed-evidence.ts'
import { type RailWorld, evmWorld, ledgerWorld, makeParties } from './support/rail-world.ts'

/*
 * One evidence file, made by a simulated call, is settled, paid and refunded on real contracts and
 * in PostgreSQL. Nobody compares with a third figure of ours: either with the file, or one rail with
 * the other, to the minor unit.
 */
let file: EvidenceFile
let worlds: readonly RailWorld[] = []
let onChain: Told
let onLedger: Told

beforeAll(async () => {
  const parties = makeParties()
  file = await liveThroughCall()
  worlds = await Promise.all([
    evmWorld({ parties, start: WINDOW_START / 1000 - 3600 }),
    ledgerWorld('postgres', { parties }),
  ])
  const [chain, ledger] = worlds as [RailWorld, RailWorld]
  onChain = await feed(chain, file)
  onLedger = await feed(ledger, file)
}, 60_000)

afterAll(async () => {
  for (const world of worlds) await world.close()
})

describe('the evidence', () => {
  it('has a line that is disputed, one that nothing was delivered for, a true-up, and dust', () => {
    const [first, second, last] = file.bundles
    expect(file.bundles.map(({ rest }) => rest?.fromVersion)).toEqual([undefined, undefined, 2])
    const reasons = second?.settlement.lines.map(({ reason, heldFor }) => heldFor ?? reason)
    expect(reasons).toEqual([['disputed-by-aggregator'], 'not-obeying', 'paid'])
    expect(first?.settlement.lines.map(({ held }) => held > 0n)).toEqual([true, false, true])
    expect(last?.settlement.refund).toBeGreaterThan(0n)
    for (const { settlement } of file.bundles) {
      expect(euros(settlement.refund)).toMatch(/\.\d{5,6} EUR$/) // no whole cents: dust is in it
    }
    expect(file.epochs.map(({ accounts }) => accounts.length)).toEqual([2, 2])
  })
})

describe.each([
  ['a chain', () => onChain],
  ['a ledger in PostgreSQL', () => onLedger],
])('on %s', (_name, told) => {
  it('its amounts are split as the evidence says, to the minor unit', () => {
    const [, second, last] = file.bundles
    if (second === undefined || last === undefined) throw new Error('the file has no two rounds')
    const { amount } = second.escrow.terms
    const split = ({ settlement }: typeof second) => {
      const { payout, fee, held, refund } = settlement
      return { payout, fee, held, refund }
    }
    expect(told().splits).toEqual([split(second), split(last)])
    const rest = split(last)
    expect(told().held).toEqual([last.rest?.amount])
    const { payout, fee, refund } = split(second)
    expect(told().escrow).toBe(amount)
    expect(payout + fee + refund + rest.payout + rest.fee + rest.refund).toBe(amount)
    expect(told().withdrawn).toEqual([refund + rest.refund, fee + rest.fee])
  })

  it('every leaf is paid what it earned, under the roots that the lifecycle made', () => {
    const [one, two] = file.epochs
    if (one === undefined || two === undefined) throw new Error('the file has no two epochs')
    const before = new Map(one.accounts.map(({ index, cumulative }) => [index, cumulative]))
    const second = two.accounts.map(({ index, cumulative }) => [
      2,
      index,
      cumulative - (before.get(index) ?? 0n),
    ])
    const first = one.accounts.map(({ index, cumulative }) => [1, index, cumulative])
    expect(told().paid).toEqual([...first, ...second])
    expect(told().roots).toEqual([one.root, two.root])
    expect(told().roots).toEqual([one, two].map((each) => buildPayoutTree(each.accounts).root))
  })

  it('nothing is left in the pool', () => {
    const { tokenBalance, locked, allocatable, credits, bonds } = told().states.at(-1)!
    expect([tokenBalance, locked, allocatable, credits, bonds]).toEqual([0n, 0n, 0n, 0n, 0n])
  })
})

describe('the two rails', () => {
  it('hold the same amounts after every step', () => {
    expect(onLedger.states).toHaveLength(14)
    expect(onLedger.states).toEqual(onChain.states)
  })

  it('tell the same of every step, under their own names for the request', () => {
    expect(onLedger.events).toEqual(onChain.events)
    expect(Object.keys(onChain.events)).toEqual(
      expect.arrayContaining(['RequestFinalized', 'RestHeld', 'Paid', 'CreditWithdrawn']),
    )
  })
})

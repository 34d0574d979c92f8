import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { roundIdOf } from '#domain/escrow.ts'
import type { SettlementStatement } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import type { PayoutRail } from '#ports.ts'
import {
  EUR,
  type World,
  journalOf,
  makeWorld,
  openIntent,
  proposeIntent,
  settleDown,
  settlementOf,
  termsOf,
  wallTimer,
} from './support/world.ts'

let world: World
let rail: PayoutRail
const journal = () => journalOf(world.store)

beforeAll(async () => {
  world = await makeWorld()
  rail = await world.open()
}, 30_000)

afterAll(() => world.chain.stop())

/** A request whose first settlement holds 10 EUR, final; returns the id of what was held. */
async function heldRest(name: string): Promise<{ requestId: Hex; restId: Hex }> {
  const at = world.clock.seconds()
  const deliverStart = ((at + 60) * 1000) as never
  const deliverEnd = ((at + 120) * 1000) as never
  const settleBy = ((at + 9000) * 1000) as never
  const terms = termsOf(world, { deliverStart, deliverEnd, settleBy })
  const requestId = rail.requestId(terms)
  await journal().intend(`open:${name}`, await openIntent(world, terms))
  await settleDown(rail, 1)
  world.clock.forward(120)
  const statement = settlementOf(requestId, { payoutTotal: 70n * EUR, heldTotal: 10n * EUR })
  await journal().intend(`propose:${name}`, await proposeIntent(world, statement))
  await settleDown(rail, 1)
  world.clock.forward(600)
  await journal().intend(`finalize:${name}`, { kind: 'finalize', requestId })
  await settleDown(rail, 1)
  return { requestId, restId: roundIdOf(requestId, 2) }
}

function secondRound(restId: Hex, changes: Partial<SettlementStatement> = {}) {
  const money = { payoutTotal: 9n * EUR, feeTotal: EUR / 2n }
  return settlementOf(restId, { round: 2, ...money, ...changes })
}

async function refusalOf(key: string): Promise<string | null> {
  await settleDown(rail)
  const { state, reason } = await journal().intent(key)
  expect(state).toBe('reverted')
  return reason
}

describe('what a settlement holds', () => {
  it('stays in escrow while the rest of the money goes its way, and the chain says so', async () => {
    const { requestId, restId } = await heldRest('first')
    expect(await journal().events('RequestFinalized')).toMatchObject([
      { requestId, payout: 70n * EUR, fee: 4n * EUR, held: 10n * EUR, refund: 16n * EUR },
    ])
    const settleBy = world.clock.seconds() + 3600
    expect(await journal().events('RestHeld')).toMatchObject([
      { requestId, restId, round: 2, amount: 10n * EUR, settleBy },
    ])
    expect(await rail.poolState()).toMatchObject({ locked: 10n * EUR, allocatable: 70n * EUR })
    const { identity, chain } = world
    const reader = createEscrowReader({ rpcUrl: chain.url, timer: wallTimer, identity })
    const rest = { amount: 10n * EUR, payout: 0n, round: 1 }
    expect(await reader.escrow(restId)).toEqual(rest)
  })

  it('is not settled by the ordinary quorum, nor by more than was held', async () => {
    const restId = roundIdOf(rail.requestId(termsOf(world)), 2)
    await journal().intend('unknown', await proposeIntent(world, secondRound(restId), 3))
    expect(await refusalOf('unknown')).toMatch(/^WrongState: .* found None, expected Funded$/)
    const { restId: known } = await heldRest('refused')
    await journal().intend('two', await proposeIntent(world, secondRound(known), 2))
    expect(await refusalOf('two')).toBe('QuorumNotReached: given 2, needed 3')
    const much = secondRound(known, { payoutTotal: 10n * EUR })
    await journal().intend('much', await proposeIntent(world, much, 3))
    expect(await refusalOf('much')).toBe('ExceedsEscrow: asked 10500000, amount 10000000')
  })

  it('is settled by one verifier more than the quorum', async () => {
    const { restId } = await heldRest('verifiers')
    const before = await rail.poolState()
    await journal().intend('three', await proposeIntent(world, secondRound(restId), 3))
    await settleDown(rail, 1)
    world.clock.forward(600)
    await journal().intend('end three', { kind: 'finalize', requestId: restId })
    await settleDown(rail, 1)
    const after = await rail.poolState()
    expect(after.locked).toBe(before.locked - 10n * EUR)
    expect(after.allocatable).toBe(before.allocatable + 9n * EUR)
    expect(after.credits).toBe(before.credits + EUR)
  })

  it("is settled by the arbiter's word alone", async () => {
    const { restId } = await heldRest('arbiter')
    const statement = secondRound(restId, { payoutTotal: 0n, feeTotal: 0n })
    const arbiter = createAttestor(world.parties.arbiter.key, world.identity)
    const signatures = [await arbiter.signSettlement(statement)]
    await journal().intend('word', { kind: 'proposeSettlement', statement, signatures })
    await settleDown(rail, 1)
    expect((await journal().intent('word')).state).toBe('mined')
  })

  it('goes back to the DSO when nobody decides in time', async () => {
    const { restId } = await heldRest('silence')
    await journal().intend('back', { kind: 'refundExpired', requestId: restId })
    await settleDown(rail, 1)
    expect((await journal().intent('back')).state).toBe('pending') // before the deadline
    world.clock.forward(3600 + 121)
    await settleDown(rail, 1)
    const refunded = await journal().events('RequestRefunded')
    expect(refunded.map(({ requestId, amount }) => [requestId, amount])).toEqual([
      [restId, 10n * EUR],
    ])
  })

  it('may grow while the window is open, and a proposal that was replaced counts as done', async () => {
    const at = world.clock.seconds()
    const deliverStart = ((at + 60) * 1000) as never
    const deliverEnd = ((at + 120) * 1000) as never
    const settleBy = ((at + 9000) * 1000) as never
    const terms = termsOf(world, { deliverStart, deliverEnd, settleBy })
    const requestId = rail.requestId(terms)
    await journal().intend('open:grow', await openIntent(world, terms))
    await settleDown(rail, 1)
    world.clock.forward(120)
    await journal().intend('round 1', await proposeIntent(world, settlementOf(requestId)))
    await settleDown(rail, 1)
    const more = settlementOf(requestId, { round: 2, payoutTotal: 80n * EUR + 1n })
    await journal().intend('more', await proposeIntent(world, more))
    expect(await refusalOf('more')).toBe(`MayOnlyHold: id ${requestId}`)
    const holding = { round: 2, payoutTotal: 75n * EUR, heldTotal: 6n * EUR }
    const held = settlementOf(requestId, holding)
    await journal().intend('round 2', await proposeIntent(world, held))
    await settleDown(rail, 1)
    const again = await proposeIntent(world, settlementOf(requestId), 3)
    await journal().intend('round 1 again', again)
    await settleDown(rail, 1)
    const { hash } = await journal().intent('round 1')
    expect(await journal().intent('round 1 again')).toMatchObject({ state: 'mined', hash })
    const rounds = (await journal().events('SettlementProposed')).slice(-2)
    expect(rounds.map((each) => [each.round, each.heldTotal])).toEqual([
      [1, 0n],
      [2, 6n * EUR],
    ])
    expect(rounds[1]?.windowEnd).toBe(rounds[0]?.windowEnd)
  })
})

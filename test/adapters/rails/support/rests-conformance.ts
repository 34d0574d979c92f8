import { expect, it } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { signAuthorisation } from '#adapters/evm/dso-signing.ts'
import { roundIdOf } from '#domain/escrow.ts'
import { EUR, settlementOf } from '../../evm/support/world.ts'
import { makeParties, type RailWorld } from './rail-world.ts'
import {
  advance,
  ask,
  events,
  finalised,
  opened,
  proposal,
  proposed,
  refusal,
  rowOf,
  termsNow,
} from './steps.ts'

export function restTests(open: () => RailWorld): void {
  const heldRest = async () => {
    const requestId = await finalised(open(), { payoutTotal: 70n * EUR, heldTotal: 10n * EUR })
    return { requestId, restId: roundIdOf(requestId, 2) }
  }
  const money = { round: 2, payoutTotal: 9n * EUR, feeTotal: EUR / 2n }

  it('stays in escrow for as long as was agreed, and the rest goes its way', async () => {
    const world = open()
    const before = await world.rail.poolState()
    const { requestId, restId } = await heldRest()
    const settleBy = world.clock.seconds() + 3600
    const told = { requestId, restId, round: 2, amount: 10n * EUR, settleBy }
    expect((await events(world, 'RestHeld')).at(-1)).toEqual({ kind: 'RestHeld', ...told })
    const after = await world.rail.poolState()
    expect(after.locked - before.locked).toBe(10n * EUR)
  })

  it('is not settled by those who held it, nor by more than was held', async () => {
    const world = open()
    const { restId } = await heldRest()
    const two = await ask(world, await proposal(world, settlementOf(restId, money)))
    expect(two.reason).toBe('QuorumNotReached: given 2, needed 3')
    const much = settlementOf(restId, { ...money, payoutTotal: 10n * EUR })
    const row = await ask(world, await proposal(world, much, world.attestors))
    expect(row.reason).toBe('ExceedsEscrow: asked 10500000, amount 10000000')
    const single = await ask(
      world,
      await proposal(world, settlementOf(restId, money), [world.attestors[0]!]),
    )
    expect(single.reason).toBe('QuorumNotReached: given 1, needed 3')
  })

  it('is settled by one verifier more than the quorum', async () => {
    const world = open()
    const { restId } = await heldRest()
    const intent = await proposal(world, settlementOf(restId, money), world.attestors)
    expect((await ask(world, intent)).state).toBe('mined')
    world.clock.forward(600)
    expect((await ask(world, { kind: 'finalize', requestId: restId })).state).toBe('mined')
    const split = { payout: 9n * EUR, fee: EUR / 2n, held: 0n, refund: EUR / 2n }
    expect((await events(world, 'RequestFinalized')).at(-1)).toMatchObject(split)
  })

  it('is settled by the arbiter alone; what is held again keeps the first deadline', async () => {
    const world = open()
    const { restId } = await heldRest()
    const settleBy = world.clock.seconds() + 3600
    const arbiter = createAttestor(world.arbiter.key, world.identity)
    const again = settlementOf(restId, { ...money, payoutTotal: 5n * EUR, heldTotal: 4n * EUR })
    expect((await ask(world, await proposal(world, again, [arbiter]))).state).toBe('mined')
    world.clock.forward(600)
    await ask(world, { kind: 'finalize', requestId: restId })
    const told = { requestId: restId, round: 3, amount: 4n * EUR, settleBy }
    expect((await events(world, 'RestHeld')).at(-1)).toMatchObject(told)
  })

  it('is not the arbiter’s before anything is held', async () => {
    const world = open()
    const requestId = await opened(world)
    world.clock.forward(120)
    const arbiter = createAttestor(world.arbiter.key, world.identity)
    const row = await ask(world, await proposal(world, settlementOf(requestId), [arbiter]))
    expect(row.reason).toBe('QuorumNotReached: given 1, needed 2')
  })

  it('goes back to the payer when its time is over', async () => {
    const world = open()
    const { restId } = await heldRest()
    const before = await world.rail.poolState()
    const row = await ask(world, { kind: 'refundExpired', requestId: restId })
    expect(row.state).toBe('pending')
    world.clock.forward(3600 + 120)
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('pending')
    world.clock.forward(1)
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('mined')
    const after = await world.rail.poolState()
    expect(after.credits - before.credits).toBe(10n * EUR)
  })
}

export function refundTests(open: () => RailWorld): void {
  it('is nobody’s while it can still be settled', async () => {
    const world = open()
    const requestId = await opened(world)
    const row = await ask(world, { kind: 'refundExpired', requestId })
    expect(row.state).toBe('pending')
    world.clock.forward(9000 + 120)
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('pending')
    world.clock.forward(1)
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('mined')
    const told = { kind: 'RequestRefunded', requestId, amount: 100n * EUR }
    expect((await events(world, 'RequestRefunded')).at(-1)).toEqual(told)
    const late = await ask(world, await proposal(world, settlementOf(requestId)))
    expect(refusal(late)).toBe('WrongState')
    expect((await ask(world, { kind: 'refundExpired', requestId })).hash).toBe(
      (await rowOf(world, row.businessKey)).hash,
    )
  })

  it('does not touch what is proposed or final', async () => {
    const world = open()
    const requestId = await proposed(world)
    expect(refusal(await ask(world, { kind: 'refundExpired', requestId }))).toBe('WrongState')
  })

  it('and signatures of another pool open nothing here', async () => {
    const world = open()
    const terms = termsNow(world)
    const pool = makeParties().dso.address
    const elsewhere = { ...world.identity, pool }
    const { signature } = await signAuthorisation(world.dso.key, terms, elsewhere)
    const authorisation = { validAfter: 0, validBefore: 2 ** 40, signature }
    const row = await ask(world, { kind: 'openRequest', terms, authorisation })
    expect(refusal(row)).toBe('NotSignedByPayer')
  })
}

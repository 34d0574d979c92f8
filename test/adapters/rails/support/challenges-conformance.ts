import { privateKeyToAccount } from 'viem/accounts'
import { expect, it } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { LEDGER_MONEY } from '#adapters/ledger-rail/signatures.ts'
import { roundIdOf } from '#domain/escrow.ts'
import type { SettlementStatement } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import { challengeTypedData } from '#domain/pool-messages.ts'
import { EUR, settlementOf } from '../../evm/support/world.ts'
import type { Party, RailWorld } from './rail-world.ts'
import { advance, ask, events, finalised, opened, proposal, proposed, rowOf } from './steps.ts'

/** A chain knows who sends; a ledger looks at the signature. */
async function doubt(world: RailWorld, requestId: Hex, by: Party = world.doubter) {
  const { chainId, token: verifyingContract } = world.identity
  const money = { ...LEDGER_MONEY, chainId, verifyingContract }
  const words = { requestId, challenger: by.address, bond: world.bond }
  const data = challengeTypedData(money, words)
  const signature = await privateKeyToAccount(by.key).signTypedData(data as never)
  return world.act({ kind: 'challenge', requestId, challenger: by.address, signature })
}

/** 84 EUR are asked by a proposal, and 16 go back to the payer all the same. */
const ASKED = 84n * EUR

export function challengeTests(open: () => RailWorld): void {
  const decided = async (restId: Hex, changes: Partial<SettlementStatement>) => {
    const world = open()
    const statement = settlementOf(restId, { round: 2, ...changes })
    const row = await ask(world, await proposal(world, statement, world.attestors))
    expect(row.reason).toBeNull()
    world.clock.forward(600)
    expect((await ask(world, { kind: 'finalize', requestId: restId })).state).toBe('mined')
  }
  const challenged = async () => {
    const world = open()
    const requestId = await proposed(world)
    expect(await doubt(world, requestId)).toBeNull()
    world.clock.forward(600)
    expect((await ask(world, { kind: 'finalize', requestId })).state).toBe('mined')
    return { requestId, restId: roundIdOf(requestId, 2) }
  }

  it('is the payer’s never, nor of what is not proposed, late, or pays nobody', async () => {
    const world = open()
    const requestId = await proposed(world)
    expect(await doubt(world, requestId, world.dso)).toMatch(/^PayerMayNotChallenge: /)
    expect(await doubt(world, await opened(world))).toMatch(/^WrongState: .* expected Proposed$/)
    const nothing = await proposed(world, { payoutTotal: 0n, feeTotal: 0n })
    expect(await doubt(world, nothing)).toBe(`NothingToChallenge: id ${nothing}`)
    world.clock.forward(600)
    expect(await doubt(world, nothing)).toMatch(/^TooLate: /)
    expect((await world.rail.poolState()).bonds).toBe(0n)
  })

  it('holds payout and fee for a bond; who was right has it back', async () => {
    const world = open()
    const before = await world.rail.poolState()
    const { requestId, restId } = await challenged()
    const told = (await events(world, 'SettlementChallenged')).at(-1)
    const who = { challenger: world.doubter.address, amount: ASKED, bond: world.bond }
    expect(told).toEqual({ kind: 'SettlementChallenged', requestId, ...who })
    const split = { payout: 0n, fee: 0n, held: ASKED, refund: 16n * EUR }
    expect((await events(world, 'RequestFinalized')).at(-1)).toMatchObject(split)
    const held = await world.rail.poolState()
    expect([held.bonds, held.locked - before.locked]).toEqual([world.bond, ASKED])
    await decided(restId, { payoutTotal: 40n * EUR, feeTotal: 2n * EUR })
    const back = { kind: 'BondReturned', requestId: restId, challenger: world.doubter.address }
    expect((await events(world, 'BondReturned')).at(-1)).toEqual({ ...back, bond: world.bond })
    const withdraw = { kind: 'withdrawCredit', account: world.doubter.address } as const
    expect(await world.act(withdraw)).toBeNull()
    expect(await world.act(withdraw)).toBe(`NoCredit: account ${world.doubter.address}`)
    expect((await events(world, 'CreditWithdrawn')).at(-1)?.amount).toBe(world.bond)
    expect((await world.rail.poolState()).bonds).toBe(0n)
  })

  it('goes on with what is held again, and comes back when nobody confirms it', async () => {
    const world = open()
    const { restId } = await challenged()
    await decided(restId, { payoutTotal: 40n * EUR, feeTotal: 0n, heldTotal: 44n * EUR })
    expect((await world.rail.poolState()).bonds).toBe(world.bond)
    const last = roundIdOf(restId, 3)
    const row = await ask(world, { kind: 'refundExpired', requestId: last })
    world.clock.forward(3600 + 121)
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('mined')
    const told = { kind: 'BondReturned', requestId: last, bond: world.bond }
    expect((await events(world, 'BondReturned')).at(-1)).toMatchObject(told)
    await ask(world, { kind: 'withdrawCredit', account: world.doubter.address })
  })

  it('is lost where all is confirmed: the bond is the fee receiver’s', async () => {
    const world = open()
    const { restId } = await challenged()
    const before = await world.rail.poolState()
    await decided(restId, {})
    const told = { kind: 'BondForfeited', requestId: restId, bond: world.bond }
    expect((await events(world, 'BondForfeited')).at(-1)).toMatchObject(told)
    const after = await world.rail.poolState()
    expect(after.bonds).toBe(0n)
    expect(after.credits - before.credits).toBe(4n * EUR + world.bond)
    expect(after.tokenBalance).toBe(before.tokenBalance)
  })

  it('holds once: neither the request again nor what it held', async () => {
    const world = open()
    const requestId = await proposed(world)
    expect(await doubt(world, requestId)).toBeNull()
    expect(await doubt(world, requestId)).toBe(`NothingToChallenge: id ${requestId}`)
    world.clock.forward(600)
    await ask(world, { kind: 'finalize', requestId })
    const restId = roundIdOf(requestId, 2)
    const arbiter = createAttestor(world.arbiter.key, world.identity)
    const half = settlementOf(restId, { round: 2, payoutTotal: 40n * EUR, feeTotal: 2n * EUR })
    await ask(world, await proposal(world, half, [arbiter]))
    // There is no money for another stake, but that is asked for last.
    expect(await doubt(world, restId)).toBe(`NothingToChallenge: id ${restId}`)
  })

  it('needs no bond where a quorum signed two results', async () => {
    const world = open()
    const requestId = await proposed(world)
    const one = settlementOf(requestId)
    const other = { ...one, deliveredWh: 7 }
    const sign = (statement: SettlementStatement, count: number) =>
      Promise.all(world.attestors.slice(0, count).map((each) => each.signSettlement(statement)))
    const proof = async (statement = other, count = 2) =>
      world.act({
        kind: 'challengeEquivocation',
        one,
        signaturesOne: await sign(one, 2),
        other: statement,
        signaturesOther: await sign(statement, count),
      })
    expect(await proof(one)).toBe(`NoEquivocation: requestId ${requestId}, round 1`)
    const next = { ...other, round: 2 }
    expect(await proof(next)).toBe(`NoEquivocation: requestId ${requestId}, round 1`)
    expect(await proof(other, 1)).toBe('QuorumNotReached: given 1, needed 2')
    expect(await proof()).toBeNull()
    const told = { requestId, amount: ASKED, bond: 0n }
    expect((await events(world, 'SettlementChallenged')).at(-1)).toMatchObject(told)
    expect(await proof()).toBe(`NothingToChallenge: id ${requestId}`)
    await finalised(world) // others are not touched
  })
}

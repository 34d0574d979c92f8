import { afterEach, describe, expect, it } from 'vitest'
import { hashOf } from '#domain/canonical.ts'
import type { ChainEvent } from '#domain/chain.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
import {
  BATTERY,
  CHARGER,
  DSO_PARTY,
  type DisputedCall,
  measuredCall,
  OWNER,
} from '../support/disputed-call.ts'

const CHALLENGER: Address = `0x${hashOf({ party: 'challenger' }).slice(2, 42)}`
const BOND = 5_000_000n

let disputed: DisputedCall
afterEach(() => disputed.world.stop())

/** A call whose settlement is proposed and challenged; its dispute window is still open. */
async function challengedCall(options: { hasArbiter?: boolean } = {}): Promise<bigint> {
  disputed = await measuredCall(options)
  await disputed.pass(90)
  const { settlement } = await disputed.call()
  await challenge()
  return (settlement?.payout ?? 0n) + (settlement?.fee ?? 0n)
}

async function challenge(by = CHALLENGER): Promise<void> {
  await disputed.world.rail.challenge(await requestId(), by, BOND)
  await disputed.world.ports().wakeUps.notify('chain')
}

async function requestId(): Promise<Hex> {
  const { escrow } = await disputed.call()
  if (!escrow) throw new Error('no escrow')
  return escrow.requestId
}

async function eventsOf<K extends ChainEvent['kind']>(kind: K) {
  const events = await disputed.world.store.transaction((tx) => tx.chain.events({ kind }))
  return events as Extract<ChainEvent, { kind: K }>[]
}

const creditOf = (account: Address) =>
  disputed.world.rail.pool.credits.get(account.toLowerCase() as Address) ?? 0n

describe('a challenge is refused', () => {
  it('of a settlement that is not there, by the payer, and a second time', async () => {
    disputed = await measuredCall()
    await expect(challenge()).rejects.toThrow('WrongState')
    await disputed.pass(90)
    const { escrow } = await disputed.call()
    await expect(challenge(escrow?.terms.payer)).rejects.toThrow('PayerMayNotChallenge')
    await challenge()
    await expect(challenge()).rejects.toThrow('NothingToChallenge')
  })

  it('after the dispute window', async () => {
    disputed = await measuredCall()
    await disputed.pass(330)
    await expect(challenge()).rejects.toThrow('WrongState')
    expect((await disputed.call()).settlement?.held).toBe(0n)
  })
})

describe('a settlement that is challenged', () => {
  it('is on hold as a whole, told to everybody concerned, and the books balance', async () => {
    const asked = await challengedCall()
    await disputed.pass(240, [0, 1])
    const call = await disputed.call()
    expect(call.state).toBe('settled')
    expect(call.settlement).toMatchObject({ payout: 0n, fee: 0n, held: asked })
    expect(await disputed.books()).toMatchObject({ paid: 0n, fee: 0n, held: asked })
    const rest = await disputed.rest()
    expect(rest).toMatchObject({ amount: asked, challenged: true })
    expect(rest.lines.map((line) => line.resourceId).sort()).toEqual([BATTERY, CHARGER])
    const events = await disputed.world.store.transaction((tx) => tx.events.ofCall(disputed.id))
    const told = events.filter(({ kind }) => kind === 'settlement-challenged')
    expect(told).toMatchObject([{ notice: true, data: { bondMinor: BOND.toString() } }])
  })

  it('is told to the owner with the reason', async () => {
    await challengedCall()
    await disputed.pass(240, [0, 1])
    const earner = { kind: 'owner', ownerId: OWNER.ownerId as never } as const
    const [line] = await explainEarnings(disputed.world.ports(), earner)
    expect(line).toMatchObject({ status: 'held', amount: 0n, reason: 'held' })
    expect(line?.sentence).toContain('more verifiers have to confirm it')
  })

  it('is paid in full once one verifier more confirms it, and the bond is lost', async () => {
    const asked = await challengedCall({ hasArbiter: false })
    await disputed.pass(900, [0, 1]) // the quorum that signed it is not enough
    expect((await disputed.rest()).state).toBe('measured')
    await disputed.pass(900)
    const rest = await disputed.rest()
    expect(rest.state).toBe('paid')
    expect(rest.settlement?.lines.every((line) => line.held === 0n)).toBe(true)
    const { payout = 0n, fee = 0n } = rest.settlement ?? {}
    expect(payout + fee).toBe(asked)
    expect(await disputed.books()).toMatchObject({ paid: payout, fee, held: 0n })
    expect((await disputed.call()).state).toBe('paid')
    expect(await eventsOf('BondForfeited')).toMatchObject([{ requestId: rest.id, bond: BOND }])
    expect(creditOf(CHALLENGER)).toBe(0n)
  })

  it('goes back to the DSO when nobody confirms it, and so does the bond to who gave it', async () => {
    const asked = await challengedCall()
    const before = await disputed.books()
    await disputed.pass(5000, [0, 1])
    expect((await disputed.rest()).state).toBe('refunded')
    const after = await disputed.books()
    expect(after.refund).toBe(before.held)
    expect(after.refund).toBeGreaterThanOrEqual(asked)
    expect(await eventsOf('BondReturned')).toMatchObject([{ challenger: CHALLENGER, bond: BOND }])
    expect(creditOf(CHALLENGER)).toBe(BOND)
    expect((await disputed.call()).state).toBe('paid')
  })

  it('is paid in part where the arbiter says so: the challenger was right', async () => {
    await challengedCall()
    await disputed.pass(240)
    await disputed.decide((held) => held / 2n)
    await disputed.pass(900)
    expect((await disputed.rest()).state).toBe('paid')
    expect((await disputed.books()).held).toBe(0n)
    expect(creditOf(CHALLENGER)).toBe(BOND)
  })

  it('holds what a party disputed as well, whose dispute ends with the rest', async () => {
    disputed = await measuredCall({ hasArbiter: false })
    await disputed.pass(90)
    await disputed.dispute(DSO_PARTY)
    await challenge()
    await disputed.pass(2400)
    expect(await disputed.lineDispute()).toMatchObject({ state: 'decided', decidedBy: 'verifiers' })
    expect((await disputed.books()).held).toBe(0n)
  })

  it('comes out the same if a process dies after every step', async () => {
    await challengedCall({ hasArbiter: false })
    for (let i = 0; i < 60; i++) {
      await disputed.pass(30)
      await disputed.world.stop()
      await disputed.world.boot()
    }
    expect((await disputed.rest()).state).toBe('paid')
    expect((await disputed.books()).held).toBe(0n)
    const events = await disputed.world.store.transaction((tx) => tx.events.ofCall(disputed.id))
    expect(events.filter(({ kind }) => kind === 'settlement-challenged')).toHaveLength(1)
  })
})

describe('a verifier refuses', () => {
  it('a later round that says it was challenged where the pool held less', async () => {
    disputed = await measuredCall({ hasArbiter: false })
    await disputed.dispute(DSO_PARTY)
    await disputed.pass(330)
    await disputed.world.store.transaction(async (tx) => {
      const [rest] = await tx.rests.list({ callId: disputed.id })
      if (!rest) throw new Error('nothing is held')
      await tx.rests.save({ ...rest, challenged: true })
    })
    await disputed.pass(600)
    const refusals = await disputed.world.store.transaction((tx) =>
      tx.attestations.refusals('settlement', disputed.id),
    )
    expect(refusals.map(({ line }) => line)).toContain('lines that are held')
  })
})

import { generatePrivateKey } from 'viem/accounts'
import { expect, it } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import type { Attestor } from '#ports.ts'
import { EUR, settlementOf } from '../../evm/support/world.ts'
import type { RailWorld } from './rail-world.ts'
import {
  advance,
  ask,
  bookDifferences,
  epochIntent,
  events,
  finalised,
  leaf,
  opened,
  openIntent,
  proposal,
  refusal,
  rowOf,
  termsNow,
} from './steps.ts'

const YEAR = 365 * 86_400

/** The grace before a refund is 120 seconds; half of it bounds a pause. */
export function pauseTests(open: () => RailWorld): void {
  it('is no longer than half the grace, and no other follows by itself', async () => {
    const world = open()
    const now = world.clock.seconds()
    const long = `PauseTooLong: until ${now + 61}, limit ${now + 60}`
    expect(await world.act({ kind: 'pause', until: now + 61 })).toBe(long)
    expect(await world.act({ kind: 'pause', until: now + 60 })).toBeNull()
    expect(await world.act({ kind: 'pause', until: now })).toBeNull() // it can be shortened
    world.clock.forward(30)
    const again = `PauseTooLong: until ${now + 90}, limit ${now + 60}`
    expect(await world.act({ kind: 'pause', until: now + 90 })).toBe(again)
    expect(await world.act({ kind: 'rearmPause' })).toBeNull()
  })

  it('lets what is new wait until it is over', async () => {
    const world = open()
    const at = (seconds: number) => ((world.clock.seconds() + seconds) * 1000) as never
    const due = await opened(world)
    const final = await finalised(world)
    const until = world.clock.seconds() + 60
    expect(await world.act({ kind: 'pause', until })).toBeNull()
    const terms = termsNow(world, { deliverStart: at(200), deliverEnd: at(260) })
    const rows = [
      await ask(world, await openIntent(world, terms)),
      await ask(world, await proposal(world, settlementOf(due))),
      await ask(world, await epochIntent(world, [leaf(0, 'a', 80n * EUR)], [final])),
    ]
    expect(rows.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
    const credit = { kind: 'withdrawCredit', account: world.dso.address } as const
    expect((await ask(world, credit)).state).toBe('mined') // what is owed goes on
    world.clock.forward(60)
    await advance(world)
    const after = await Promise.all(rows.map(({ businessKey }) => rowOf(world, businessKey)))
    expect(after.map(({ state }) => state)).toEqual(['mined', 'mined', 'mined'])
    expect(await world.act({ kind: 'rearmPause' })).toBeNull()
    world.clock.forward(300)
    const { currentEpoch } = await world.rail.poolState()
    await ask(world, { kind: 'activateEpoch', epoch: currentEpoch + 1 })
  })
}

export function contradictionTests(open: () => RailWorld): void {
  it('is marked by whoever shows both signatures, once, and by nothing less', async () => {
    const world = open()
    const requestId = await opened(world)
    const one = settlementOf(requestId)
    const other = { ...one, deliveredWh: 7 }
    const [first, second] = world.attestors as [Attestor, Attestor]
    const stranger = createAttestor(world.dso.key, world.identity)
    const show = async (by: Attestor, and: Attestor = by, statement = other) =>
      world.act({
        kind: 'proveEquivocation',
        setId: 1,
        one,
        signatureOne: await by.signSettlement(one),
        other: statement,
        signatureOther: await and.signSettlement(statement),
      })
    const same = `NoEquivocation: requestId ${requestId}, round 1`
    expect(await show(first, first, one)).toBe(same)
    expect(await show(first, first, { ...other, round: 2 })).toBe(same)
    expect(await show(first, second)).toMatch(/^SignersDiffer: /)
    expect(await show(stranger)).toBe(`NotInSet: setId 1, signer ${stranger.address}`)
    expect(await show(first)).toBeNull()
    const told = { setId: 1, signer: first.address, requestId, round: 1 }
    expect((await events(world, 'VerifierEquivocated')).at(-1)).toMatchObject(told)
    expect(await show(first)).toBe(`SignerEquivocated: signer ${first.address}`)
  })
}

export function returnTests(open: () => RailWorld): void {
  it('goes back to its payer after a year, on anybody’s word, once', async () => {
    const world = open()
    const requestId = await finalised(world)
    const back = () => world.act({ kind: 'returnUnallocated', requestId })
    const early = await opened(world)
    const state = `WrongState: id ${early}, found Funded, expected Final`
    expect(await world.act({ kind: 'returnUnallocated', requestId: early })).toBe(state)
    world.clock.forward(YEAR - 1)
    expect(await back()).toMatch(/^TooEarly: /)
    world.clock.forward(1)
    const before = await world.rail.poolState()
    expect(await back()).toBeNull()
    const told = { kind: 'PayoutReturned', requestId, amount: 80n * EUR }
    expect((await events(world, 'PayoutReturned')).at(-1)).toEqual(told)
    const after = await world.rail.poolState()
    expect(before.allocatable - after.allocatable).toBe(80n * EUR)
    expect(after.credits - before.credits).toBe(80n * EUR)
    expect(await back()).toBe(`WrongState: id ${requestId}, found Refunded, expected Final`)
    const late = await ask(world, await epochIntent(world, [leaf(0, 'a', 80n * EUR)], [requestId]))
    expect(refusal(late)).toBe('WrongState')
  })

  it('stays where an epoch counts it', async () => {
    const world = open()
    const requestId = await finalised(world)
    const { totalAllocated, currentEpoch } = await world.rail.poolState()
    const all = [leaf(0, 'a', totalAllocated + 80n * EUR)]
    expect((await ask(world, await epochIntent(world, all, [requestId]))).state).toBe('mined')
    world.clock.forward(YEAR)
    const refused = `AlreadyAccounted: id ${requestId}`
    expect(await world.act({ kind: 'returnUnallocated', requestId })).toBe(refused)
    await ask(world, { kind: 'activateEpoch', epoch: currentEpoch + 1 })
  })
}

export function setTests(open: () => RailWorld): void {
  const ascending = (keys: readonly Attestor[]) =>
    keys.toSorted((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
  const add = (verifiers: readonly Attestor[], quorum: number) =>
    open().act({
      kind: 'addVerifierSet',
      verifiers: verifiers.map(({ address }) => address),
      quorum,
    })

  it('is refused without a quorum, out of order, and with whoever contradicted himself', async () => {
    const [first, second, third] = open().attestors as [Attestor, Attestor, Attestor]
    expect(await add([second, third], 0)).toBe('QuorumOutOfRange: quorum 0, signers 2')
    expect(await add([second, third], 3)).toBe('QuorumOutOfRange: quorum 3, signers 2')
    expect(await add([third, second], 1)).toMatch(/^SetNotAscending: /)
    expect(await add([second, second], 1)).toMatch(/^SetNotAscending: /)
    expect(await add([first, second], 1)).toBe(`SignerEquivocated: signer ${first.address}`)
  })

  it('settles what is opened from then on; what is open keeps its own', async () => {
    const world = open()
    const fresh = ascending([1, 2].map(() => createAttestor(generatePrivateKey(), world.identity)))
    const old = await opened(world)
    expect(await add(fresh, 2)).toBeNull()
    const late = await ask(world, await openIntent(world, termsNow(world)))
    expect(late.reason).toBe('VerifierSetNotCurrent: given 1, current 2')
    const next = await opened(world, { verifierSetId: 2 })
    world.clock.forward(120)
    const byOld = await ask(world, await proposal(world, settlementOf(next)))
    expect(byOld.reason).toMatch(/^NotAVerifier: setId 2, signer /)
    const byNew = await ask(world, await proposal(world, settlementOf(old), fresh))
    expect(byNew.reason).toMatch(/^NotAVerifier: setId 1, signer /)
    expect((await ask(world, await proposal(world, settlementOf(old)))).state).toBe('mined')
    expect((await ask(world, await proposal(world, settlementOf(next), fresh))).state).toBe('mined')
  })

  it('signs epochs, whoever signed what they count, and is known after a restart', async () => {
    const world = open()
    const again = await world.reopen()
    expect(again.parties).toMatchObject({ verifierSetId: 2, quorum: 2 })
    expect(again.parties.verifiers).toHaveLength(2)
    const { totalAllocated } = await world.rail.poolState()
    const none = [leaf(0, 'a', totalAllocated)]
    const byOld = await ask(world, await epochIntent(world, none, []))
    expect(byOld.reason).toMatch(/^NotAVerifier: setId 2, signer /)
    expect(await bookDifferences(world)).toEqual([]) // of the whole day
  })
}

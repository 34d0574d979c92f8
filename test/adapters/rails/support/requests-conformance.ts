import { getAddress } from 'viem'
import { expect, it } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { signCancellation } from '#adapters/evm/dso-signing.ts'
import { microEur } from '#domain/money.ts'
import { instant } from '#domain/time.ts'
import { EUR, settlementOf, word } from '../../evm/support/world.ts'
import { type RailWorld } from './rail-world.ts'
import {
  advance,
  ask,
  askAs,
  events,
  finalised,
  opened,
  openIntent,
  proposal,
  proposed,
  refusal,
  rowOf,
  termsNow,
} from './steps.ts'

export function openingTests(open: () => RailWorld): void {
  const openAs = async (
    changes: Parameters<typeof termsNow>[1],
    by = open().dso,
    validity = { validAfter: 0, validBefore: 2 ** 40 },
  ) => {
    const terms = termsNow(open(), changes)
    const signature = await open().sign(by, terms, validity)
    return ask(open(), { kind: 'openRequest', terms, authorisation: { ...validity, signature } })
  }

  it('is not opened on anybody else’s signature', async () => {
    const row = await openAs({}, open().fees)
    expect(refusal(row)).toBe('NotSignedByPayer')
  })

  it('is not opened on an order that has expired, and waits for one that is not yet valid', async () => {
    const world = open()
    const now = world.clock.seconds()
    const expired = { validAfter: 0, validBefore: now }
    expect(refusal(await openAs({}, world.dso, expired))).toBe('AuthorisationTime')
    const later = await openAs({}, world.dso, { validAfter: now + 20, validBefore: now + 50 })
    expect(later.state).toBe('pending')
    world.clock.forward(21)
    await advance(world)
    expect((await rowOf(world, later.businessKey)).state).toBe('mined')
  })

  it('is not opened for nothing, nor for more than is counted', async () => {
    expect(refusal(await openAs({ amount: microEur(0n) }))).toBe('AmountOutOfRange')
    const most = microEur(2n ** 64n)
    expect(refusal(await openAs({ amount: most }))).toBe('AmountOutOfRange')
  })

  it('is not opened with money that is not there', async () => {
    const much = microEur(1_000_000n * EUR)
    expect(refusal(await openAs({ amount: much }))).toBe('DepositTooSmall')
    const isTaken = async (amount: bigint) => {
      const intent = await openIntent(open(), termsNow(open(), { amount: microEur(amount) }))
      if (intent.kind !== 'openRequest') throw new Error('not an openRequest')
      return open().rail.verifyAuthorisation(intent.terms, intent.authorisation)
    }
    expect(await isTaken(much)).toBe(false) // nor does its acceptance pass
    expect(await isTaken(EUR)).toBe(true)
  })

  it('is not opened in disorder, too late, or for years', async () => {
    const at = (seconds: number) => instant((open().clock.seconds() + seconds) * 1000)
    for (const disorder of [
      { deliverStart: at(0) },
      { deliverEnd: at(60) },
      { settleBy: at(119) },
      { settleBy: at(731 * 86_400) },
    ]) {
      expect(refusal(await openAs(disorder))).toBe('BadSchedule')
    }
  })

  it('is not opened for verifiers that are not those of now', async () => {
    expect(refusal(await openAs({ verifierSetId: 2 }))).toBe('VerifierSetNotCurrent')
  })

  it('is opened once, however often it is asked for', async () => {
    const world = open()
    const before = await world.rail.poolState()
    const intent = await openIntent(world, termsNow(world))
    const first = await ask(world, intent)
    const again = await ask(world, intent)
    expect([first.state, again.state]).toEqual(['mined', 'mined'])
    expect(again.hash).toBe(first.hash)
    const after = await world.rail.poolState()
    expect(after.locked - before.locked).toBe(100n * EUR)
    expect(after.tokenBalance - before.tokenBalance).toBe(100n * EUR)
  })

  it('tells who paid how much into the pool', async () => {
    const world = open()
    const requestId = await opened(world)
    const found = (await events(world, 'RequestOpened')).at(-1)
    const payer = world.dso.address
    expect(found).toEqual({ kind: 'RequestOpened', requestId, payer, amount: 100n * EUR })
    const pool = getAddress(world.identity.pool)
    const transfer = { from: world.dso.address, to: pool, amount: 100n * EUR }
    expect((await events(world, 'Transfer')).at(-1)).toEqual({ kind: 'Transfer', ...transfer })
  })
}

export function cancellingTests(open: () => RailWorld): void {
  const cancelBy = async (requestId: `0x${string}`, key = open().dso.key) =>
    ask(open(), {
      kind: 'cancel',
      requestId,
      signature: await signCancellation(key, requestId, open().identity),
    })

  it('is not cancelled on anybody else’s signature, nor once delivery has begun', async () => {
    const world = open()
    const requestId = await opened(world)
    expect(refusal(await cancelBy(requestId, world.arbiter.key))).toBe('NotSignedByPayer')
    world.clock.forward(60)
    expect(refusal(await cancelBy(requestId))).toBe('TooLate')
  })

  it('is cancelled once, and its money is the payer’s credit', async () => {
    const world = open()
    const requestId = await opened(world)
    const before = await world.rail.poolState()
    expect((await cancelBy(requestId)).state).toBe('mined')
    const told = await events(world, 'RequestCancelled')
    expect((await cancelBy(requestId)).state).toBe('mined')
    expect(await events(world, 'RequestCancelled')).toEqual(told)
    const after = await world.rail.poolState()
    expect(before.locked - after.locked).toBe(100n * EUR)
    expect(after.credits - before.credits).toBe(100n * EUR)
    expect(after.tokenBalance).toBe(before.tokenBalance)
  })

  it('is not settled once it is cancelled', async () => {
    const world = open()
    const requestId = await opened(world)
    await cancelBy(requestId)
    world.clock.forward(120)
    const row = await ask(world, await proposal(world, settlementOf(requestId)))
    expect(row.reason).toBe(`WrongState: id ${requestId}, found Cancelled, expected Funded`)
  })
}

export function proposingTests(open: () => RailWorld): void {
  const delivered = async () => {
    const requestId = await opened(open())
    open().clock.forward(120)
    return requestId
  }
  const refused = async (...asked: Parameters<typeof proposal>) =>
    (await ask(open(), await proposal(...asked))).reason

  it('takes no fewer signatures than the quorum, nor one verifier twice', async () => {
    const world = open()
    const statement = settlementOf(await delivered())
    const [first, second] = world.attestors as [never, never]
    expect(await refused(world, statement, [first])).toBe('QuorumNotReached: given 1, needed 2')
    expect(await refused(world, statement, [first, first])).toMatch(/^SignersNotAscending: /)
    expect(await refused(world, statement, [second, first])).toMatch(/^SignersNotAscending: /)
  })

  it('takes no signature of a stranger, nor of a verifier over another pool or statement', async () => {
    const world = open()
    const { identity } = world
    const statement = settlementOf(await delivered())
    const stranger = createAttestor(world.dso.key, identity)
    const both = [world.attestors[0]!, stranger].sort((a, b) =>
      BigInt(a.address) < BigInt(b.address) ? -1 : 1,
    )
    expect(await refused(world, statement, both)).toMatch(/^NotAVerifier: setId 1, signer /)
    const elsewhere = await proposal(world, { ...statement, deliveredWh: 1 })
    const replayed = { ...elsewhere, statement } as typeof elsewhere
    expect((await ask(world, replayed)).reason).toMatch(/^(NotAVerifier|SignersNotAscending): /)
  })

  it('takes no bytes that are no signature', async () => {
    const statement = settlementOf(await delivered())
    const signatures = [word('1'), word('2')] as const
    const row = await ask(open(), { kind: 'proposeSettlement', statement, signatures })
    expect(row.reason).toBe('MalformedSignature: position 0')
  })

  it('waits for the end of delivery, and comes too late after its deadline', async () => {
    const world = open()
    const early = await opened(world)
    const late = await opened(world)
    const row = await ask(world, await proposal(world, settlementOf(early)))
    expect(row.state).toBe('pending')
    world.clock.forward(120)
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('mined')
    world.clock.forward(9000)
    expect(await refused(world, settlementOf(late))).toMatch(/^TooLate: /)
  })

  it('cannot give more than there is, begin before round 1, or settle what is not there', async () => {
    const world = open()
    const requestId = await delivered()
    const much = settlementOf(requestId, { payoutTotal: 97n * EUR })
    expect(await refused(world, much)).toBe('ExceedsEscrow: asked 101000000, amount 100000000')
    const none = settlementOf(requestId, { round: 0 })
    expect(await refused(world, none)).toBe('WrongRound: given 0, last 0')
    const nothing = settlementOf(word('9'))
    const state = `WrongState: id ${word('9')}, found None, expected Funded`
    expect(await refused(world, nothing)).toBe(state)
  })

  it('is taken once, and its window is told', async () => {
    const world = open()
    const requestId = await delivered()
    const intent = await proposal(world, settlementOf(requestId))
    const first = await ask(world, intent)
    const again = await ask(world, intent)
    expect([first.state, again.state, again.hash]).toEqual(['mined', 'mined', first.hash])
    const told = (await events(world, 'SettlementProposed')).filter(
      (event) => event.requestId === requestId,
    )
    const totals = { payoutTotal: 80n * EUR, feeTotal: 4n * EUR, heldTotal: 0n }
    const windowEnd = world.clock.seconds() + 600
    const round = { round: 1, evidenceRoot: word('b') }
    expect(told).toEqual([
      { kind: 'SettlementProposed', requestId, ...round, ...totals, windowEnd },
    ])
  })

  it('is replaced within its window by one that only holds more, without a new window', async () => {
    const world = open()
    const requestId = await proposed(world)
    const [first] = (await events(world, 'SettlementProposed')).slice(-1)
    world.clock.forward(100)
    const next = { round: 2, payoutTotal: 70n * EUR, heldTotal: 10n * EUR }
    const more = settlementOf(requestId, { ...next, payoutTotal: 81n * EUR, heldTotal: 0n })
    expect(await refused(world, more)).toBe(`MayOnlyHold: id ${requestId}`)
    const less = settlementOf(requestId, { ...next, heldTotal: 9n * EUR })
    expect(await refused(world, less)).toBe(`MayOnlyHold: id ${requestId}`)
    const row = await ask(world, await proposal(world, settlementOf(requestId, next)))
    expect(row.state).toBe('mined')
    const [second] = (await events(world, 'SettlementProposed')).slice(-1)
    expect(second).toMatchObject({ round: 2, heldTotal: 10n * EUR, windowEnd: first?.windowEnd })
    world.clock.forward(500)
    const third = settlementOf(requestId, { ...next, round: 3 })
    expect(await refused(world, third)).toMatch(/^TooLate: /)
  })
}

export function finalisingTests(open: () => RailWorld): void {
  it('waits for the end of the window, then splits the escrow to the millionth', async () => {
    const world = open()
    const odd = { payoutTotal: 80n * EUR + 1n, feeTotal: 4n * EUR + 3n }
    const requestId = await proposed(world, odd)
    const before = await world.rail.poolState()
    const row = await askAs(world, `finalize:${requestId}`, { kind: 'finalize', requestId })
    expect(row.state).toBe('pending')
    world.clock.forward(599)
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('pending')
    world.clock.forward(1)
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('mined')
    const { payoutTotal: payout, feeTotal: fee } = odd
    const refund = 16n * EUR - 4n
    const split = { payout, fee, held: 0n, refund }
    expect((await events(world, 'RequestFinalized')).at(-1)).toMatchObject({ requestId, ...split })
    const after = await world.rail.poolState()
    expect(after.allocatable - before.allocatable).toBe(payout)
    expect(after.credits - before.credits).toBe(fee + refund)
    expect(before.locked - after.locked).toBe(100n * EUR)
  })

  it('happens once', async () => {
    const world = open()
    const requestId = await finalised(world)
    const told = await events(world, 'RequestFinalized')
    expect((await ask(world, { kind: 'finalize', requestId })).state).toBe('mined')
    expect(await events(world, 'RequestFinalized')).toEqual(told)
    const early = await ask(world, { kind: 'finalize', requestId: await opened(world) })
    expect(refusal(early)).toBe('WrongState')
  })

  it('pays nobody where nothing was delivered', async () => {
    const world = open()
    const before = await world.rail.poolState()
    await finalised(world, { payoutTotal: 0n, feeTotal: 0n })
    const after = await world.rail.poolState()
    expect(after.credits - before.credits).toBe(100n * EUR)
    expect(after.allocatable).toBe(before.allocatable)
  })
}

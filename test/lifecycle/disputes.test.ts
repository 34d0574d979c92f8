import { afterEach, describe, expect, it } from 'vitest'
import { parseEvidence, type EvidenceBundle } from '#domain/evidence.ts'
import { organisationId, resourceId } from '#domain/ids.ts'
import { settleHeld } from '#lifecycle/settle-held.ts'
import { aProgram } from '../support/builders.ts'
import {
  AGGREGATOR,
  BATTERY,
  CHARGER,
  type DisputedCall,
  DSO_PARTY,
  measuredCall,
  OWNER,
} from '../support/disputed-call.ts'

let disputed: DisputedCall
afterEach(() => disputed.world.stop())

const lineOf = async (id = CHARGER) => {
  const line = (await disputed.call()).settlement?.lines.find((each) => each.resourceId === id)
  if (!line) throw new Error(`no line ${id}`)
  return line
}

describe('an objection is refused', () => {
  it('to a line that does not exist or belongs to somebody else', async () => {
    disputed = await measuredCall()
    await expect(disputed.dispute(DSO_PARTY, resourceId('nobody'))).rejects.toMatchObject({
      code: 'not-found',
      problems: [{ field: 'resourceId', got: 'nobody' }],
    })
    for (const stranger of [
      { ...DSO_PARTY, organisationId: organisationId('other-dso') },
      { ...AGGREGATOR, organisationId: organisationId('agg-2') },
    ]) {
      await expect(disputed.dispute(stranger)).rejects.toMatchObject({ code: 'not-found' })
    }
    await expect(disputed.dispute(OWNER, BATTERY)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('to a line that somebody else disputes already; the same party has its own back', async () => {
    disputed = await measuredCall()
    const first = await disputed.dispute(DSO_PARTY)
    expect(await disputed.dispute(DSO_PARTY)).toEqual(first)
    await expect(disputed.dispute(AGGREGATOR)).rejects.toMatchObject({ code: 'duplicate' })
    expect((await disputed.call()).evidence?.version).toBe(2)
  })

  it('once the last quarter of the window has begun, and once the call is settled', async () => {
    disputed = await measuredCall()
    await disputed.pass(90)
    expect((await disputed.call()).state).toBe('verified')
    await disputed.pass(150)
    await expect(disputed.dispute(DSO_PARTY)).rejects.toMatchObject({
      code: 'wrong-state',
      problems: [{ field: 'raisedAt' }],
    })
    await disputed.pass(60)
    expect((await disputed.call()).state).toBe('settled')
    await expect(disputed.dispute(DSO_PARTY)).rejects.toMatchObject({
      code: 'wrong-state',
      problems: [{ field: 'callId', got: 'settled' }],
    })
  })
})

describe('a line that is disputed', () => {
  it('is held while the others are paid, before anything is proposed', async () => {
    disputed = await measuredCall()
    const { gross } = await lineOf()
    const other = await lineOf(BATTERY)
    expect(gross).toBeGreaterThan(0n)
    await disputed.dispute(DSO_PARTY)
    expect(await lineOf()).toMatchObject({
      gross: 0n,
      held: gross,
      reason: 'held',
      heldFor: ['disputed-by-dso'],
    })
    expect(await lineOf(BATTERY)).toEqual(other)
    await disputed.pass(330)
    const call = await disputed.call()
    // The second version of its evidence, and the only one that was proposed.
    expect(call).toMatchObject({ state: 'settled', standing: { round: 2 } })
    const { held } = await disputed.books()
    expect(held).toBe(call.settlement?.held)
    expect(await disputed.balance(`held:${call.id}`)).toBe(held)
    expect((await disputed.lineDispute())?.state).toBe('held')
    await disputed.pass(600)
    expect((await disputed.call()).state).toBe('paid')
    expect((await disputed.rest()).state).toBe('held')
  })

  it('is held by a next round where the call stands proposed, and the window stays', async () => {
    disputed = await measuredCall()
    await disputed.pass(90)
    const [before] = await disputed.world.store.transaction((tx) =>
      tx.chain.events({ kind: 'SettlementProposed' }),
    )
    await disputed.dispute(OWNER)
    expect((await disputed.call()).state).toBe('measured')
    await disputed.pass(90)
    expect(await disputed.call()).toMatchObject({ state: 'verified', standing: { round: 2 } })
    const proposals = await disputed.world.store.transaction((tx) =>
      tx.chain.events({ kind: 'SettlementProposed' }),
    )
    expect(proposals).toMatchObject([
      { round: 1, heldTotal: 0n },
      { round: 2, windowEnd: before?.kind === 'SettlementProposed' ? before.windowEnd : null },
    ])
    await disputed.pass(180)
    expect(await disputed.rest()).toMatchObject({ round: 3, fromVersion: 2, state: 'held' })
    await disputed.books()
  })

  it('is paid as it was where the verifiers do not sign the held one before the window ends', async () => {
    disputed = await measuredCall()
    await disputed.pass(90)
    const { gross } = await lineOf()
    await disputed.dispute(DSO_PARTY)
    await disputed.pass(240, [0])
    const call = await disputed.call()
    expect(call).toMatchObject({ state: 'settled', evidence: { version: 1 } })
    expect((await lineOf()).gross).toBe(gross)
    expect(await disputed.rests()).toEqual([])
    expect((await disputed.lineDispute())?.state).toBe('too-late')
    await disputed.pass(600)
    expect((await disputed.call()).state).toBe('paid')
    expect((await disputed.books()).held).toBe(0n)
  })
})

describe('what is held ends', () => {
  it('by one verifier more, who measures it again, in the next payout', async () => {
    disputed = await measuredCall({ hasArbiter: false })
    const { gross, ownerAmount } = await lineOf()
    await disputed.dispute(DSO_PARTY)
    await disputed.pass(600)
    await disputed.pass(600, [0, 1])
    expect((await disputed.rest()).state).not.toBe('settled')
    await disputed.pass(900)
    expect(await disputed.rest()).toMatchObject({ state: 'paid', decisions: null })
    expect(await disputed.lineDispute()).toMatchObject({
      state: 'decided',
      decidedBy: 'verifiers',
      paid: gross,
    })
    const { held } = await disputed.books()
    expect(held).toBe(0n)
    expect(await disputed.balance(`held:${disputed.id}`)).toBe(0n)
    const receipts = await disputed.world.store.transaction((tx) =>
      tx.payouts.receipts({ ownerId: (OWNER.ownerId ?? '') as never }),
    )
    const amounts = receipts.map(({ amount }) => amount)
    expect(amounts).toEqual([ownerAmount])
  })

  it("by the arbiter's word, which its signature makes count", async () => {
    disputed = await measuredCall()
    await disputed.dispute(AGGREGATOR)
    await disputed.pass(330)
    const before = await disputed.books()
    await disputed.decide((held) => held / 3n)
    await disputed.pass(900)
    const { settlement, state } = await disputed.rest()
    expect(state).toBe('paid')
    const [line] = settlement?.lines ?? []
    expect(line?.gross).toBe((await lineOf()).held / 3n)
    expect(await disputed.lineDispute()).toMatchObject({
      decidedBy: 'arbiter',
      paid: line?.gross,
      note: 'as the meter says',
    })
    const after = await disputed.books()
    expect(after.paid).toBe(before.paid + (line?.gross ?? 0n))
    expect(after.held).toBe(0n)
  })

  it('with all of it back at the DSO where the arbiter says so, and no epoch is needed', async () => {
    disputed = await measuredCall()
    await disputed.dispute(DSO_PARTY)
    await disputed.pass(330)
    const before = await disputed.books()
    await disputed.decide(() => 0n)
    await disputed.pass(330)
    expect((await disputed.rest()).state).toBe('paid')
    const after = await disputed.books()
    expect(after).toEqual({ ...before, held: 0n, refund: before.refund + before.held })
  })

  it('with all of it back at the DSO when nobody decides in time', async () => {
    disputed = await measuredCall()
    await disputed.dispute(DSO_PARTY)
    await disputed.pass(330)
    const before = await disputed.books()
    await disputed.pass(4200, [0, 1]) // one verifier too few, and a silent arbiter
    expect((await disputed.rest()).state).toBe('refunded')
    expect(await disputed.lineDispute()).toMatchObject({
      state: 'decided',
      decidedBy: 'deadline',
      paid: 0n,
    })
    const after = await disputed.books()
    expect(after).toEqual({ ...before, held: 0n, refund: before.refund + before.held })
    const events = await disputed.world.store.transaction((tx) => tx.events.ofCall(disputed.id))
    expect(events.map(({ kind }) => kind)).toContain('held-refunded')
  })

  it('by the true-up where only a share was paid at first, with the rest of that share', async () => {
    const { paymentPolicy } = aProgram()
    const provisional = { ...paymentPolicy, provisionalShareBp: 7000, trueUpSeconds: 900 }
    disputed = await measuredCall({ hasArbiter: false }, { paymentPolicy: provisional })
    const first = await lineOf()
    expect(first.gross).toBe(((first.gross + first.held) * 7n) / 10n)
    await disputed.pass(600)
    const before = await disputed.books()
    expect((await disputed.rest()).state).toBe('held')
    await disputed.pass(1500)
    const { state, settlement } = await disputed.rest()
    expect(state).toBe('paid')
    const later = settlement?.lines.find(({ resourceId: id }) => id === CHARGER)
    expect(later?.gross).toBe(first.held)
    const after = await disputed.books()
    expect(after.held).toBe(0n)
    expect(after.paid).toBe(before.paid + (settlement?.payout ?? 0n))
  })

  it('the same if a process dies after every step and all is done twice', async () => {
    disputed = await measuredCall({ hasArbiter: false })
    await disputed.dispute(DSO_PARTY)
    for (let i = 0; i < 70; i++) {
      await disputed.pass(30)
      await settleHeld(disputed.world.ports())
      await disputed.world.stop()
      await disputed.world.boot()
    }
    expect((await disputed.books()).held).toBe(0n)
    expect((await disputed.rest()).state).toBe('paid')
    expect((await disputed.call()).state).toBe('paid')
  })
})

describe('a verifier refuses a later round', () => {
  it('that settles other lines than were held, naming them', async () => {
    disputed = await measuredCall({ hasArbiter: false })
    await disputed.dispute(DSO_PARTY)
    await disputed.pass(330)
    await disputed.world.store.transaction(async (tx) => {
      const [rest] = await tx.rests.list({ callId: disputed.id })
      if (!rest) throw new Error('nothing is held')
      const [line] = rest.lines
      if (!line) throw new Error('no line is held')
      await tx.rests.save({ ...rest, lines: [{ ...line, resourceId: BATTERY }] })
    })
    await disputed.pass(600)
    const refusals = await disputed.world.store.transaction((tx) =>
      tx.attestations.refusals('settlement', disputed.id),
    )
    expect(refusals.map(({ line }) => line)).toContain('lines that are held')
    expect((await disputed.rest()).state).toBe('measured')
  })

  it("carries its own terms, and the disputed line without anybody's words", async () => {
    disputed = await measuredCall({ hasArbiter: false })
    await disputed.dispute(DSO_PARTY)
    await disputed.pass(600)
    const { evidence, id } = await disputed.rest()
    const load = (version: number) =>
      disputed.world.store.transaction((tx) => tx.evidence.load(disputed.id, version))
    const second = (await load(2)) ?? ''
    expect((parseEvidence(second) as EvidenceBundle).disputed).toEqual([
      { resourceId: CHARGER, code: 'disputed-by-dso' },
    ])
    expect(second).not.toContain('it was not there')
    const third = parseEvidence((await load(evidence?.version ?? 0)) ?? '') as EvidenceBundle
    expect(third.rest).toMatchObject({ requestId: id, fromVersion: 2, round: 3 })
  })
})

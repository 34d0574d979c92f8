import { expect, test } from 'vitest'
import type { Dispute } from '#domain/dispute.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import { callId, resourceId } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import type { Store } from '#store-ports.ts'
import { AGGREGATOR, hexOf, minutes, NOW } from '../samples.ts'

function dispute(fields: Partial<Dispute> = {}): Dispute {
  return {
    callId: callId('call-1'),
    resourceId: resourceId('charger-1'),
    raisedBy: { role: 'aggregator', organisationId: AGGREGATOR, ownerId: null },
    reason: 'readings',
    text: 'the meter was away',
    raisedAt: NOW,
    state: 'open',
    decidedAt: null,
    decidedBy: null,
    paid: null,
    note: null,
    ...fields,
  }
}

function rest(byte: number, fields: Partial<HeldRest> = {}): HeldRest {
  return {
    id: hexOf(byte),
    heldBy: hexOf(byte + 100),
    callId: callId('call-1'),
    round: 2,
    amount: microEur(2n ** 70n),
    fromVersion: 1,
    lines: [{ resourceId: resourceId('charger-1'), paid: microEur(0n), held: microEur(7n) }],
    heldAt: NOW,
    settleBy: minutes(60),
    state: 'held',
    decisions: null,
    evidence: null,
    settlement: null,
    settledAt: null,
    triedAt: null,
    ...fields,
  }
}

export function heldTests(open: () => Store): void {
  test('a line has one dispute, which changes and comes back as it is', async () => {
    const store = open()
    const other = dispute({ resourceId: resourceId('battery-1') })
    const decided = { state: 'decided', decidedBy: 'arbiter', paid: microEur(2n ** 60n) } as const
    const later = dispute({ ...decided, decidedAt: minutes(5), note: 'seen' })
    await store.transaction(async (tx) => {
      await tx.disputes.save(dispute())
      await tx.disputes.save(other)
      await tx.disputes.save(dispute({ callId: callId('call-2') }))
      await tx.disputes.save(later)
    })
    await store.transaction(async (tx) => {
      expect(await tx.disputes.ofCall(callId('call-1'))).toEqual([other, later])
      expect(await tx.disputes.ofCall(callId('call-3'))).toEqual([])
    })
  })

  test('what is held is found by its id, its call and its state', async () => {
    const store = open()
    const third = rest(3, { round: 3, heldBy: hexOf(1) })
    const elsewhere = rest(2, { callId: callId('call-2') })
    await store.transaction(async (tx) => {
      for (const each of [third, rest(1), elsewhere]) await tx.rests.save(each)
      await tx.rests.save(rest(1, { state: 'refunded' }))
    })
    await store.transaction(async (tx) => {
      expect(await tx.rests.find(hexOf(3))).toEqual(third)
      expect(await tx.rests.find(hexOf(9))).toBeNull()
      expect(await tx.rests.list({})).toHaveLength(3)
      const ended = rest(1, { state: 'refunded' })
      expect(await tx.rests.list({ callId: callId('call-1') })).toEqual([ended, third])
      expect(await tx.rests.list({ states: ['held'] })).toEqual([third, elsewhere])
    })
  })
}

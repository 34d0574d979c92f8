import { describe, expect, test } from 'vitest'
import type { Dispute, Disputes, HeldRest } from '#dashboards/api.ts'
import { holdStory, openRest, outcome } from '#dashboards/shared/dispute-words.ts'

const ZONE = 'Europe/Amsterdam'

function aRest(changes: Partial<HeldRest> = {}): HeldRest {
  return {
    id: '0x01',
    round: 2,
    state: 'held',
    amountMinor: '214200',
    settleBy: '2026-02-13T16:21:00Z',
    challenged: false,
    lines: [{ resourceId: 'charger-1', heldMinor: '210000' }],
    ...changes,
  }
}

function aDispute(changes: Partial<Dispute> = {}): Dispute {
  return {
    resourceId: 'charger-1',
    raisedBy: 'owner',
    reason: 'delivery',
    text: 'The car was away.',
    raisedAt: '2026-01-14T16:18:00Z',
    state: 'held',
    decidedAt: null,
    decidedBy: null,
    paidMinor: null,
    note: null,
    ...changes,
  }
}
const decided = { state: 'decided', decidedAt: '2026-01-20T08:00:00Z' } as const

test('what is on hold is the line’s own, with its end and what happens then', () => {
  expect(holdStory(aRest(), 'charger-1', ZONE)).toMatch(
    /^€0\.21 is on hold\. .* until Fri, 13 Feb 2026, 17:21\. .* goes back to the grid operator\.$/,
  )
})

test('a round that has ended holds nothing, and another line’s is not this one’s', () => {
  const of = (...held: HeldRest[]): Disputes => ({ disputableUntil: null, disputes: [], held })
  for (const state of ['settled', 'paid', 'refunded'] as const) {
    expect(openRest(of(aRest({ state })), 'charger-1')).toBeNull()
  }
  expect(openRest(of(aRest()), 'charger-2')).toBeNull()
  const later = aRest({ round: 3 })
  expect(openRest(of(aRest({ state: 'settled' }), later), 'charger-1')).toBe(later)
})

describe('how an objection ends', () => {
  test.each([
    ['not yet', aDispute(), null],
    ['too late', aDispute({ state: 'too-late' }), 'the result stands as it was'],
    ['at the deadline', aDispute({ ...decided, decidedBy: 'deadline' }), 'Nobody had decided by'],
    [
      'by the verifiers, for nothing',
      aDispute({ ...decided, decidedBy: 'verifiers', paidMinor: '0' }),
      'The verifiers measured it again on Tue, 20 Jan 2026, 09:00: nothing',
    ],
    [
      'by the arbiter, for a part',
      aDispute({ ...decided, decidedBy: 'arbiter', paidMinor: '105000' }),
      'The arbiter decided on Tue, 20 Jan 2026, 09:00: €0.105 of what was on hold is paid',
    ],
  ])('%s', (_how, dispute, words) => {
    if (words === null) expect(outcome(dispute, ZONE)).toBeNull()
    else expect(outcome(dispute, ZONE)).toContain(words)
  })
})

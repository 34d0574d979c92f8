import { describe, expect, it } from 'vitest'
import type { Allocation, Offerable } from '#domain/allocation.ts'
import { decisionsOf, orderedInPart } from '#domain/decision.ts'
import { DECISION_CODES, DECISION_WORDS, OUTCOMES } from '#domain/decision-words.ts'
import type { FlexibilityCall, Repair } from '#domain/flexibility-call.ts'
import { resourceId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import {
  aBaseline,
  aDispatchedCall,
  aRequest,
  aResource,
  WINDOW_START,
} from '../support/builders.ts'

const at = (seconds: number): Instant => addSeconds(WINDOW_START, seconds)
const first = resourceId('first')
const second = resourceId('second')

describe('the words of a decision', () => {
  it('are there for every code, for its owner and for the grid’s side', () => {
    expect(new Set(DECISION_CODES).size).toBe(DECISION_CODES.length)
    for (const code of DECISION_CODES) {
      const { outcome, owner, grid } = DECISION_WORDS[code]
      expect(OUTCOMES, code).toContain(outcome)
      for (const sentence of [owner, grid]) {
        expect(sentence, code).toMatch(/^[A-Z].{10,}\.$/)
        expect(sentence.length, code).toBeLessThan(160)
      }
      expect(grid, code).not.toBe(owner)
    }
  })

  it('speak to an owner of the own device, without a word of the trade', () => {
    const trade = /setpoint|baseline|merit|escrow|window|gate|capability|resource|dispatch|micro/i
    for (const code of DECISION_CODES) {
      const { owner } = DECISION_WORDS[code]
      expect(owner, code).toMatch(/\byour (device|car|charger)\b/i)
      expect(owner, code).not.toMatch(trade)
    }
  })

  it('tell decisions apart: no two codes share a sentence', () => {
    const told = DECISION_CODES.map((code) => DECISION_WORDS[code])
    expect(new Set(told.map(({ owner }) => owner)).size).toBe(told.length)
    expect(new Set(told.map(({ grid }) => grid)).size).toBe(told.length)
  })
})

describe('what was decided', () => {
  const codes = (call: FlexibilityCall) =>
    decisionsOf(call).map(({ resourceId: id, final, earlier }) => [
      id,
      ...earlier.map(({ code }) => code),
      final.code,
    ])

  it('is nothing before the gate closes', () => {
    expect(decisionsOf(aCall({ allocations: [], skipped: [] }))).toEqual([])
  })

  it('is dated as the gate closed, and says who was ordered in part', () => {
    const decided = { at: at(-290), inPart: [second] }
    expect(decisionsOf(aCall({ decided }))).toEqual([
      {
        resourceId: first,
        final: { code: 'selected', at: at(-290), detail: '3000 W ordered' },
        earlier: [],
        passedOver: [],
      },
      {
        resourceId: second,
        final: { code: 'cut', at: at(-290), detail: '3000 W ordered' },
        earlier: [],
        passedOver: [],
      },
    ])
  })

  it('follows a stand-in from the reserve to the readings that prove it', () => {
    const skipped = [{ resourceId: second, reason: 'not-needed', detail: 'in reserve' } as const]
    const allocations = [{ ...part(first), releasedAt: at(60) }, part(second, 'repair')]
    const repairs = [aRepair({ replacedBy: [second] })]
    const call = aCall({ skipped, allocations, repairs })
    expect(codes(call)).toEqual([
      [first, 'selected', 'released-not-obeying'],
      [second, 'not-needed', 'taken-from-reserve'],
    ])
    const restored = [aRepair({ replacedBy: [second], restoredAt: at(150) })]
    const [, standIn] = decisionsOf({ ...call, repairs: restored })
    expect(standIn?.final).toEqual({ code: 'stood-in', at: at(150), detail: '3000 W ordered' })
  })

  it('knows who was called in for what all together lacked, in nobody’s place', () => {
    const skipped = [{ resourceId: second, reason: 'not-needed', detail: 'in reserve' } as const]
    const allocations = [part(first), part(second, 'repair')]
    const more = { resourceId: second, at: at(90), fromW: 0, toW: 3000, errorW: 3000, makeUpW: 0 }
    const raised = { ...more, at: at(120), fromW: 3000, toW: 3100 }
    const corrections = [
      { ...more, reason: 'reserve' } as const,
      { ...raised, reason: 'headroom' } as const,
    ]
    expect(codes(aCall({ skipped, allocations, corrections }))).toEqual([
      [first, 'selected'],
      [second, 'not-needed', 'taken-from-reserve'],
    ])
    const replaced = { corrections, repairs: [aRepair({ replacedBy: [second] })] }
    expect(codes(aCall({ skipped, allocations, ...replaced }))[1]).toEqual([
      second,
      'not-needed',
      'taken-from-reserve',
    ])
  })

  it('lets a release stand, also where a note about it comes with a later stamp', () => {
    const allocations = [{ ...part(first), releasedAt: at(60) }, part(second, 'repair')]
    const repairs = [
      aRepair({ replacedBy: [second], restoredAt: at(200) }),
      aRepair({ resourceId: second, detectedAt: at(180), reason: 'overridden' }),
    ]
    expect(codes(aCall({ allocations, repairs }))[1]).toEqual([
      second,
      'taken-from-reserve',
      'stood-in',
      'overridden',
    ])
  })

  it('keeps a part that is held at its minimum, until it is let go for another reason', () => {
    const held = aRepair({ reason: 'cannot-pause' })
    expect(codes(aCall({ repairs: [held] }))[0]).toEqual([first, 'selected', 'held-at-minimum'])
    const silent = aRepair({ reason: 'silent', detectedAt: at(240) })
    const allocations = [{ ...part(first), releasedAt: at(240) }]
    expect(codes(aCall({ allocations, repairs: [held, silent] }))).toEqual([
      [first, 'selected', 'held-at-minimum', 'released-silent'],
    ])
  })

  it('ends early for those who still had a part as the DSO cancelled', () => {
    const allocations = [{ ...part(first), releasedAt: at(60) }, part(second)]
    const call = aCall({ allocations, repairs: [aRepair({})], cancelledAt: at(300) })
    expect(codes(call).map((one) => one.at(-1))).toEqual(['released-not-obeying', 'ended-early'])
    expect(decisionsOf(call)[1]?.final.at).toBe(at(300))
  })

  it('comes to nothing where the call never began', () => {
    const never = { windowStartCommitment: null }
    const finals = (changes: Partial<FlexibilityCall>) =>
      decisionsOf(aCall({ ...never, ...changes })).map(({ final }) => [final.code, final.at])
    expect(finals({ state: 'expired' })[0]).toEqual(['call-expired', at(0)])
    const cancelled = finals({ state: 'cancelled', cancelledAt: at(-120) })
    expect(cancelled[0]).toEqual(['call-cancelled', at(-120)])
    expect(finals({ state: 'refunded' })[0]?.[0]).toBe('call-refunded')
    expect(finals({ state: 'ordered' })[0]?.[0]).toBe('selected')
  })
})

describe('who is ordered in part', () => {
  const needs = [0, 900].map((s) => ({ start: at(s), end: at(s + 900), powerW: 3000 }))
  const offer = (powerMaxW: number, energyMaxWh: number): Offerable => ({
    candidate: aCandidate(),
    fromW: [7000, 7000],
    powerMaxW: [powerMaxW, powerMaxW],
    energyMaxWh,
  })
  const ordered = (powersW: readonly number[]): Allocation => ({
    ...part(first),
    periods: powersW.flatMap((powerW, i) => {
      const need = needs[i]
      return need && powerW > 0 ? [{ ...need, powerW, setpointW: 7000 - powerW }] : []
    }),
  })

  it('could have given a step more in some period', () => {
    expect(orderedInPart([ordered([3000, 3000])], [offer(3099, 9000)], needs)).toEqual([])
    expect(orderedInPart([ordered([3000, 3000])], [offer(3100, 9000)], needs)).toEqual([first])
    expect(orderedInPart([ordered([0, 3000])], [offer(3000, 9000)], needs)).toEqual([first])
  })

  it('has energy left for it', () => {
    expect(orderedInPart([ordered([3000, 3000])], [offer(5000, 1500)], needs)).toEqual([])
    expect(orderedInPart([ordered([3000, 3000])], [offer(5000, 1525)], needs)).toEqual([first])
  })
})

function part(id: typeof first, role: Allocation['role'] = 'order'): Allocation {
  const period = { start: at(0), end: at(900), powerW: 3000, setpointW: 4000 }
  return { resourceId: id, role, periods: [period], releasedAt: null }
}

function aRepair(changes: Partial<Repair>): Repair {
  return {
    resourceId: first,
    orderedW: 3000,
    observedW: 7000,
    startedAt: at(1),
    detectedAt: at(60),
    replacedBy: [],
    restoredAt: null,
    reason: 'not-obeying',
    ...changes,
  }
}

function aCandidate() {
  const { ownerId, aggregatorId, kind, rating } = aResource('first', 'charger', 120_000n)
  const price = microEurPerKwh(120_000n)
  const who = { resourceId: first, ownerId, aggregatorId, aggregatorShareBp: basisPoints(1500) }
  return { ...who, kind, rating, price, ...aBaseline([7000, 7000]) }
}

/** A dispatched call whose two resources have a part. */
function aCall(changes: Partial<FlexibilityCall>): FlexibilityCall {
  return aDispatchedCall({
    request: aRequest([6000]),
    candidates: [],
    allocations: [part(first), part(second)],
    orderedW: [6000],
    ...changes,
  })
}

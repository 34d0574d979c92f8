import { describe, expect, it } from 'vitest'
import type { Allocation, Candidate } from '#domain/allocation.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { resourceId } from '#domain/ids.ts'
import { type PassedOver, passedOverFor, withPassedOver } from '#domain/passed-over.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const ids = ['giving', 'cheap', 'dear', 'dearest'].map(resourceId)
const [giving, cheap, dear, dearest] = ids as [
  (typeof ids)[number],
  (typeof ids)[number],
  (typeof ids)[number],
  (typeof ids)[number],
]
const candidates = ids.map((id, i): Candidate => {
  const { ownerId, aggregatorId, rating, offer } = aResource(id, 'battery', BigInt(100_000 * i + 1))
  const who = { resourceId: id, ownerId, aggregatorId, aggregatorShareBp: basisPoints(0) }
  return { ...who, kind: 'battery', rating, price: offer.price, ...aBaseline() }
})
const part: Allocation = { resourceId: giving, role: 'order', periods: [], releasedAt: null }
const call = { allocations: [part], candidates }
const silent = (id: (typeof ids)[number]): PassedOver => ({
  resourceId: id,
  reason: 'not-connected',
})
const rests: PassedOver = { resourceId: giving, reason: 'dwell' }

type Noted = Pick<FlexibilityCall, 'passedOver' | 'skipped'>

describe('who was passed over', () => {
  const names = (found: readonly PassedOver[]) => found.map(({ resourceId: id }) => id)

  it('is nobody where nobody was asked and nothing is missing', () => {
    expect(passedOverFor([rests, silent(cheap)], new Set(), false, call)).toEqual([])
  })

  it('is everybody who could have helped, where power is still missing', () => {
    const unable = [rests, silent(cheap), silent(dearest)]
    expect(passedOverFor(unable, new Set([dear]), true, call)).toEqual(unable)
  })

  it('is who gives already, and of the reserve who is cheaper than one that was called', () => {
    const unable = [rests, silent(cheap), silent(dearest)]
    expect(names(passedOverFor(unable, new Set([dear]), false, call))).toEqual([giving, cheap])
  })

  it('is nobody of the reserve where those that give already gave the rest', () => {
    expect(passedOverFor([silent(cheap)], new Set([giving]), false, call)).toEqual([])
  })

  it('is noted once for each reason, with the first time', () => {
    const empty: Noted = { skipped: [] }
    const first = withPassedOver(empty, [rests, rests, silent(cheap)], at(60))
    expect(first.passedOver).toEqual([
      { ...rests, at: at(60) },
      { ...silent(cheap), at: at(60) },
    ])
    expect(withPassedOver(first, [rests, silent(cheap)], at(90))).toBe(first)
    const other = withPassedOver(first, [{ resourceId: cheap, reason: 'departure' }], at(120))
    expect(other.passedOver).toHaveLength(3)
  })

  it('is not told again who was left out for the same reason as the gate closed', () => {
    const told: Noted = { skipped: [{ resourceId: cheap, reason: 'not-connected', detail: '' }] }
    expect(withPassedOver(told, [silent(cheap)], at(60))).toBe(told)
  })
})

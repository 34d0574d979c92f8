import { expect, it } from 'vitest'
import { givenBackFor, givenOf, takenBackFor, takenToStore } from '#domain/battery-losses.ts'
import { takenBackW } from '#domain/network/call-loads.ts'
import { recoveryOf } from '#domain/rebound/recovery-of.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

it('a battery loses a twentieth on the way in, and another on the way out', () => {
  expect(givenOf(10_000)).toBe(9500)
  expect(takenToStore(9500)).toBe(10_000)
  expect(givenBackFor(10_000)).toBe(9025)
  expect(takenBackFor(9025)).toBe(10_000)
})

it('what it takes back is the same for the plan after a window and for the network', () => {
  const { id: resourceId, ownerId, aggregatorId, rating, offer } = aResource('b', 'battery', 1n)
  const who = { resourceId, ownerId, aggregatorId, kind: 'battery' as const, price: offer.price }
  const candidate = { ...who, rating, aggregatorShareBp: basisPoints(0), ...aBaseline() }
  const end = addSeconds(WINDOW_START, 3600)
  const period = { start: WINDOW_START, end, powerW: 1805, setpointW: -1805 }
  const part = { resourceId, role: 'order', periods: [period], releasedAt: null } as const
  const rest = { before: null, now: null, session: null, externalLimitW: null }
  const known = { candidate, allocation: part, setpointW: -1805, ...rest }
  expect(recoveryOf(known, end)?.energyWh).toBe(2000)
  expect(takenBackW(part, candidate, 'reduce-import', 3600)).toBeCloseTo(2000, 9)
})

import { expect, test } from 'vitest'
import type { Candidate, Offerable } from '#domain/allocation.ts'
import { DomainError } from '#domain/errors.ts'
import { inPriceBands } from '#domain/rotation.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { DEADLINES } from '#db/connection.ts'
import { planOrder } from '#lifecycle/plan-order.ts'
import { aBaseline, aRequest, aResource, WINDOW_START } from '../support/builders.ts'

/** Plans of one gate at most, each without who would congest the grid. */
const PLANS = 9

/** Moves 5 kW, and stands still below 2 kW: merit order leaves the last kW of 6 kW to nobody. */
function odd(name: string, price: bigint): Offerable {
  const { id, ownerId, aggregatorId, kind, rating, offer } = aResource(name, 'battery', price)
  const candidate = {
    resourceId: id,
    ownerId,
    aggregatorId,
    kind,
    rating,
    ...aBaseline(),
    aggregatorShareBp: basisPoints(0),
    price: offer.price,
    conditions: { powerMinW: 2_000 },
  }
  return { candidate, fromW: [0], powerMaxW: [5_000], energyMaxWh: 9_000 }
}

test('a solver that never answers keeps a gate for less time than a repair waits for its lock', async () => {
  const waitedMs: number[] = []
  const solver = {
    solve: async (_program: unknown, deadlineMs: number) => {
      waitedMs.push(deadlineMs)
      throw new DomainError('unavailable', `no answer within ${deadlineMs} ms`)
    },
  }
  const request = aRequest([6_000])
  const needs = [{ start: WINDOW_START, end: addSeconds(WINDOW_START, 900), powerW: 6_000 }]
  const asked = { needs, requested: needs, giniBp: null }
  const offers = [odd('a', 100_000n), odd('b', 200_000n)]
  for (let before = 0; before < PLANS; before++) {
    const { allocatedBy } = await planOrder(
      { solver },
      { request, program: {} },
      asked,
      offers,
      before,
    )
    expect(allocatedBy.method).toBe('merit-order-late')
  }
  expect(waitedMs).toHaveLength(PLANS)
  const together = waitedMs.reduce((sum, ms) => sum + ms, 0)
  expect(together).toBeLessThanOrEqual(DEADLINES.lockMs - 1_000)
})

test('that prices within a band counted as equal is said, where it counted for somebody', async () => {
  const solver = { solve: () => Promise.reject(new Error('asked')) }
  const needs = [{ start: WINDOW_START, end: addSeconds(WINDOW_START, 900), powerW: 5_000 }]
  const asked = { needs, requested: needs, giniBp: null }
  const call = { request: aRequest([5_000]), program: { rotationBandBp: basisPoints(250) } }
  const said = async (candidates: readonly Candidate[]) => {
    const offers = candidates.map((candidate) => ({ ...odd('a', 100_000n), candidate }))
    return (await planOrder({ solver }, call, asked, offers)).allocatedBy.because
  }
  const [cheap, near] = [odd('a', 100_000n).candidate, odd('b', 102_000n).candidate]
  const far = odd('c', 110_000n).candidate
  const plain = 'merit order allocated: nothing within the limits costs less'
  expect(await said(inPriceBands([cheap, far], 250))).toBe(plain)
  const banded = await said(inPriceBands([cheap, near], 250))
  expect(banded).toBe(`${plain}; prices within 2.5 % counted as equal`)
})

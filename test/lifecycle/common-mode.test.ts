import { describe, expect, it } from 'vitest'
import type { Offerable } from '#domain/allocation.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { callId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { promiseSurely } from '#lifecycle/promise-surely.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { aBaseline, aProgram, aRequest, aResource, WINDOW_START } from '../support/builders.ts'

const MAKE = 'one make'
const program = aProgram({ deliveryLevelBp: basisPoints(9500) })
const need = { start: WINDOW_START, end: addSeconds(WINDOW_START, 900), powerW: 50_000 }

function offer(name: string, i: number): Offerable {
  const { id, ownerId, aggregatorId, kind, rating } = aResource(name, 'battery', 0n)
  const candidate = {
    resourceId: id,
    ownerId,
    aggregatorId,
    kind,
    rating,
    ...aBaseline(),
    aggregatorShareBp: basisPoints(0),
    price: microEurPerKwh(BigInt(100_000 + i)),
  }
  return { candidate, fromW: [0], powerMaxW: [5_000], energyMaxWh: 100_000 }
}

const fleet = Array.from({ length: 10 }, (_, i) => offer(`of-the-make-${i}`, i))

/** All ten were called; on one day in four the whole make was away. */
function past(i: number): FlexibilityCall {
  const request = aRequest([50_000])
  const start = addSeconds(WINDOW_START, -86_400 * (40 - i))
  const deliveredWh = i % 4 === 0 ? 0 : 1_000
  const lines = fleet.map(({ candidate: { resourceId } }) => {
    return { resourceId, orderedWh: 1_000, deliveredWh, reason: 'paid' }
  })
  return {
    id: callId(`past-${i}`),
    request: { ...request, window: { start, end: addSeconds(start, 900) } },
    program,
    repairs: [],
    candidates: fleet.map(({ candidate }) => candidate),
    settlement: { lines, orderedWh: 10_000, deliveredWh: deliveredWh * 10 },
  } as unknown as FlexibilityCall
}

const calls = Array.from({ length: 40 }, (_, i) => past(i))

/** A store that knows these calls, and the make of every device that is asked for. */
const tx = {
  calls: { list: async () => calls },
  resources: {
    capabilities: async (ids: readonly string[]) =>
      ids.map((resourceId) => ({ resourceId, capability: { make: MAKE } })),
  },
} as unknown as StoreTransaction

const tonight = { id: callId('tonight'), program, request: aRequest([20_000]) } as FlexibilityCall

async function surelyW(offers: readonly Offerable[]): Promise<number> {
  const { needs } = await promiseSurely(tx, tonight, [need], offers)
  return needs[0]?.powerW ?? 0
}

describe('what devices of one make have in common', () => {
  it('is remembered where only some of them offer', async () => {
    const [few, all] = [await surelyW(fleet.slice(0, 4)), await surelyW(fleet)]
    // Four that go away together are no surer than ten that do, each of 5,000 W.
    expect(few / 20_000).toBeLessThanOrEqual(all / 50_000)
    expect(all).toBeGreaterThan(0)
  })
})

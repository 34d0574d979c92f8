import { describe, expect, it } from 'vitest'
import { ieee33 } from '#commands/bench/ieee33.ts'
import type { Allocation, Candidate } from '#domain/allocation.ts'
import { siteId } from '#domain/ids.ts'
import { congestionSentence, toLeaveOut } from '#domain/network/adding-to.ts'
import { behindPoint } from '#domain/network/behind-point.ts'
import { intervalsOf, takenBackW } from '#domain/network/call-loads.ts'
import { newCongestions } from '#domain/network/new-congestion.ts'
import { feederHash } from '#domain/network/stored-feeder.ts'
import type { Direction } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, north, WINDOW_START } from '../../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const needs = [0, 1].map((i) => {
  return { start: at(i * 900), end: at((i + 1) * 900), powerW: 1000 }
})

function behind(changes: object, places: Readonly<Record<string, string>>) {
  const resources = Object.entries(places).map(([id, bus]) => ({ id, bus }))
  const text = JSON.stringify({ ...ieee33(), ...changes, resources })
  const stored = {
    congestionPointId: north,
    version: 4,
    branchId: '6-26',
    text,
    hash: feederHash(text),
    importedAt: WINDOW_START,
  }
  const enrolled = [...Object.keys(places), 'nowhere'].map((id) => {
    return { id: aResource(id, 'battery', 1n).id, siteId: siteId('site') }
  })
  return behindPoint(stored, enrolled)
}

function candidate(id: string, kind: 'battery' | 'charger', rating: object = {}): Candidate {
  const { id: resourceId, ownerId, aggregatorId, ...rest } = aResource(id, kind, 1n)
  return {
    resourceId,
    ownerId,
    aggregatorId,
    kind,
    price: rest.offer.price,
    aggregatorShareBp: basisPoints(0),
    rating: { ...rest.rating, ...rating },
    ...aBaseline(),
  }
}

/** Both periods alike. */
function part(id: string, powerW: number, setpointW: number): Allocation {
  const periods = needs.map(({ start, end }) => ({ start, end, powerW, setpointW }))
  return { resourceId: aResource(id, 'battery', 1n).id, role: 'order', periods, releasedAt: null }
}

describe('what a feeder says of enrolled resources', () => {
  it('is said by one that was taken before with a field that nobody knows', () => {
    const places = { low: '33' }
    const { effectBp } = behind({ voltage: 'high', baseMva: 2e6 }, places)
    expect(effectBp).toEqual(behind({}, places).effectBp)
    expect(effectBp.size).toBe(1)
  })

  it('is their effect on the branch where it places them, and their bus', () => {
    const { buses, effectBp, statement } = behind({}, { low: '33', side: '22' })
    expect(statement).toMatchObject({ feederVersion: 4, branchId: '6-26', unplaced: 1 })
    expect([...effectBp.keys()]).toEqual(['low', 'side'])
    expect(effectBp.get(aResource('low', 'battery', 1n).id)).toBeGreaterThan(10_000)
    expect(effectBp.get(aResource('side', 'battery', 1n).id)).toBe(0)
    expect(buses.size).toBe(3)
  })
})

describe('what a device takes back after a call', () => {
  const backOf = (one: Allocation, who: Candidate, direction: Direction = 'reduce-import') =>
    Math.round(takenBackW(one, who, direction, 900))

  it('is what it gave, and for a battery what is lost on the way', () => {
    // 1,000 W for half an hour are 500 Wh: 2,000 W over a quarter.
    expect(backOf(part('a', 1000, 4000), candidate('a', 'charger'))).toBe(2000)
    expect(backOf(part('a', 1000, -1000), candidate('a', 'battery'))).toBe(
      Math.round(2000 / 0.9025),
    )
  })

  it('is no more than it can draw beyond what it drew before', () => {
    expect(backOf(part('a', 5000, 0), candidate('a', 'charger'))).toBe(7360 - 5000)
    expect(backOf(part('a', 5000, -5000), candidate('a', 'battery'))).toBe(5000)
  })

  it('is given back where it was asked to take', () => {
    const who = candidate('a', 'battery')
    expect(backOf(part('a', 1000, 1000), who, 'increase-import')).toBe(-Math.round(2000 * 0.9025))
    expect(backOf(part('a', 5000, 5000), who, 'increase-import')).toBe(-5000)
  })
})

describe('who is left out of a call that congests', () => {
  const big = { importMaxW: 400_000, exportMaxW: 400_000 }
  const ids = ['end', 'middle', 'side']
  const candidates = ids.map((id) => candidate(id, 'battery', big))
  const places = { end: '33', middle: '27', side: '22' }
  const limited = (limitKva: number) => {
    const { branches } = ieee33()
    return {
      branches: branches.map((one) =>
        one.from === '6' && one.to === '26' ? { ...one, limitKva } : one,
      ),
    }
  }

  it('is whoever takes back most behind the branch, and no more than are too many', () => {
    const network = behind(limited(1_400), places)
    const allocations = [
      part('end', 40_000, -40_000),
      part('middle', 90_000, -90_000),
      part('side', 150_000, -150_000),
    ]
    const call = { allocations, candidates, direction: 'reduce-import' as const }
    const [first, , rebound] = intervalsOf(network, call, needs)
    if (first === undefined || rebound === undefined) throw new Error('three intervals')
    expect([first.part, first.parts.get(candidates[0]?.resourceId as never)]).toEqual([
      'window',
      -40_000,
    ])
    expect(newCongestions(network.feeder, [first])).toEqual([])
    const congestion = newCongestions(network.feeder, [rebound]).find(
      (one) => one.kind === 'branch',
    )
    if (congestion === undefined) throw new Error('the rebound fits')
    expect(rebound).toMatchObject({ start: at(1800), end: at(2700) })
    expect(toLeaveOut(network, congestion, rebound)).toEqual(['middle'])
    expect(congestionSentence(congestion)).toMatch(
      /^right after the window it would add to \d+\.\d kVA on branch 6-26, 1400\.0 kVA are allowed$/,
    )
  })

  it('is whoever lifts a voltage most that is too high in the window', () => {
    const network = behind({ voltageBandPu: { min: 0.8, max: 1.005 } }, { ...places, side: '22' })
    const allocations = [part('side', 400_000, -400_000), part('end', 400_000, -400_000)]
    const many = { importMaxW: 3_000_000, exportMaxW: 3_000_000 }
    const call = {
      allocations: allocations.map((one) => ({
        ...one,
        periods: one.periods.map((period) => ({ ...period, powerW: 2_000_000 })),
      })),
      candidates: ids.map((id) => candidate(id, 'battery', many)),
      direction: 'reduce-import' as const,
    }
    const [first] = intervalsOf(network, call, needs)
    if (first === undefined) throw new Error('three intervals')
    const high = newCongestions(network.feeder, [first]).find(({ element }) => element === '22')
    if (high === undefined) throw new Error('no voltage is too high')
    expect(high.kind).toBe('voltage-high')
    expect(toLeaveOut(network, high, first)[0]).toBe('side')
  })
})

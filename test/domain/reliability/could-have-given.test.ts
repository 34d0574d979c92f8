import { describe, expect, it } from 'vitest'
import { couldHaveGiven } from '#domain/reliability/could-have-given.ts'
import type { Rating, ResourceKind } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { aResource, WINDOW_START } from '../../support/builders.ts'

const period = { start: WINDOW_START, end: addSeconds(WINDOW_START, 900) }

function given(
  kind: ResourceKind,
  meanW: number,
  { socBp = null, ...rating }: Partial<Rating> & { socBp?: number | null } = {},
  direction: 'reduce-import' | 'increase-import' = 'reduce-import',
) {
  const one = aResource('r-1', kind, 120_000n)
  const limits = { importMaxW: 7000, exportMaxW: kind === 'charger' ? 0 : 5000, importMinW: 1400 }
  const store = { energyWh: 10_000, reserveWh: 2000, pausable: true }
  const resource = { ...one, rating: { ...one.rating, ...limits, ...store, ...rating } }
  return couldHaveGiven({ resource, ...period, meanW, socBp }, direction)
}

describe('what a device could have given', () => {
  it('is not known where its register was reset or swapped', () => {
    expect(given('charger', 14_001)).toBeNull()
    expect(given('charger', -4_000_000)).toBeNull()
    expect(given('battery', 4_000_000, { socBp: 5000 })).toBeNull()
    expect(given('battery', -14_001, { socBp: 5000 }, 'increase-import')).toBeNull()
  })

  it('is no more than its rating allows, whatever its register says', () => {
    expect(given('charger', 13_900)).toMatchObject({ powerW: 7000, energyWh: null })
    expect(given('charger', -3000)).toMatchObject({ powerW: 0 })
    expect(given('battery', 9000, { socBp: 5000 })).toMatchObject({ powerW: 12_000 })
    expect(given('battery', -9000, { socBp: 5000 }, 'increase-import')).toMatchObject({
      powerW: 12_000,
    })
  })

  it('is what a charger drew above the least that it may be told', () => {
    expect(given('charger', 5000)).toMatchObject({ powerW: 5000 })
    expect(given('charger', 5000, { pausable: false })).toMatchObject({ powerW: 3600 })
    expect(given('charger', 1000, { pausable: false })).toMatchObject({ powerW: 0 })
    expect(given('charger', 5000, {}, 'increase-import')).toMatchObject({ powerW: 0 })
  })

  it('is what inverter and charge of a battery allow, and nothing where it tells no charge', () => {
    expect(given('battery', 0)).toMatchObject({ powerW: 0, energyWh: 0 })
    expect(given('battery', 1000, { socBp: 5000 })).toMatchObject({ powerW: 6000, energyWh: 2850 })
    expect(given('battery', 1000, { socBp: 1000 })).toMatchObject({ powerW: 6000, energyWh: 0 })
  })
})

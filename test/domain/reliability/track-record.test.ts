import { describe, expect, it } from 'vitest'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { resourceId } from '#domain/ids.ts'
import { betaMean } from '#domain/reliability/beta.ts'
import {
  afterCallOf,
  believedGroups,
  believedUnits,
  type CalledResource,
  NO_TRACK_RECORD,
  outcomesOf,
} from '#domain/reliability/track-record.ts'

const GROUPS = ['make alder']
const device = (name: string) => ({
  resourceId: resourceId(name),
  kind: 'charger' as const,
  groups: GROUPS,
})

function called(name: string, deliveredShare: number | null): CalledResource {
  const outcome =
    deliveredShare === null
      ? ({ reached: false } as const)
      : ({ reached: true, deliveredShare } as const)
  return { ...device(name), ordered: 5_000, outcome }
}

/** A call of eight devices of one make that each give such a share. */
const everybody = (share: number | null) =>
  Array.from({ length: 8 }, (_, i) => called(`r-${i}`, share))

const beliefOf = (record: typeof NO_TRACK_RECORD, name: string) => {
  const [unit] = believedUnits(record, [{ ...device(name), powerW: 5_000 }])
  if (unit === undefined) throw new Error('no unit')
  return { reached: betaMean(unit.reached), delivered: betaMean(unit.delivered) }
}

describe('what calls teach', () => {
  it('of a device nobody called is what its class taught', () => {
    let record = NO_TRACK_RECORD
    const { reached } = beliefOf(record, 'new')
    for (let call = 0; call < 20; call += 1) record = afterCallOf(record, everybody(0.6))
    expect(beliefOf(record, 'new').reached).toBeGreaterThan(reached)
    expect(beliefOf(record, 'new').delivered).toBeCloseTo(0.6, 1)
  })

  it('of a make is one bad day when all of it is away, and nothing when one device is', () => {
    let record = NO_TRACK_RECORD
    for (let call = 0; call < 30; call += 1) record = afterCallOf(record, everybody(1))
    const [before = Number.NaN] = [...believedGroups(record).values()].map(betaMean)
    const alone = afterCallOf(record, [called('r-0', null), ...everybody(1).slice(1)])
    const [afterOne = Number.NaN] = [...believedGroups(alone).values()].map(betaMean)
    const all = afterCallOf(record, everybody(null))
    const [afterAll = Number.NaN] = [...believedGroups(all).values()].map(betaMean)
    expect(before - afterOne).toBeLessThan(0.01)
    expect(before - afterAll).toBeGreaterThan(0.02)
  })

  it('of a group with fewer than five in a call is nothing', () => {
    const record = afterCallOf(NO_TRACK_RECORD, everybody(null).slice(0, 4))
    expect(believedGroups(record).size).toBe(0)
    expect(record.devices.size).toBe(4)
  })

  it('leaves the record before as it was', () => {
    const before = afterCallOf(NO_TRACK_RECORD, everybody(1))
    const copy = structuredClone(before)
    afterCallOf(before, everybody(0))
    expect(before).toEqual(copy)
    expect(NO_TRACK_RECORD.devices.size).toBe(0)
  })
})

describe('what a call says of those it ordered', () => {
  const line = (name: string, deliveredWh: number, reason = 'paid', orderedWh = 1_000) => ({
    resourceId: resourceId(name),
    orderedWh,
    deliveredWh,
    reason,
  })

  /** The parts of a call that are looked at. */
  function aCall(lines: unknown[] | null, repairs: unknown[] = []): FlexibilityCall {
    const names = ['gave', 'half', 'silent', 'blind', 'idle']
    const candidates = names.map((name) => ({ resourceId: name, kind: 'battery' }))
    const settlement = lines === null ? null : { lines }
    return { settlement, repairs, candidates } as unknown as FlexibilityCall
  }

  it('is nothing before it is settled', () => {
    expect(outcomesOf(aCall(null), () => GROUPS)).toBeNull()
  })

  it('tells apart who was not reached and who gave less', () => {
    const call = aCall(
      [
        line('gave', 1_100),
        line('half', 500, 'not-obeying'),
        line('silent', 0, 'not-obeying'),
        line('blind', 0, 'no-readings'),
        line('idle', 0, 'paid', 0),
        line('stranger', 900),
      ],
      [{ resourceId: 'silent', reason: 'silent' }],
    )
    const told = outcomesOf(call, () => GROUPS) ?? []
    expect(told.map(({ resourceId: id, outcome }) => [id, outcome])).toEqual([
      ['gave', { reached: true, deliveredShare: 1.1 }],
      ['half', { reached: true, deliveredShare: 0.5 }],
      ['silent', { reached: false }],
      ['blind', { reached: false }],
    ])
    expect(told[0]).toMatchObject({ kind: 'battery', groups: GROUPS, ordered: 1_000 })
  })
})

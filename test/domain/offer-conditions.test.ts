import { describe, expect, it } from 'vitest'
import { limitsOf } from '#domain/allocation/offers.ts'
import { callId } from '#domain/ids.ts'
import {
  brokenCondition,
  checkConditions,
  leastPart,
  type OfferConditions,
  spanAround,
} from '#domain/offer-conditions.ts'
import { addSeconds, parseInstant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const occasion = {
  window: { start: at(0), end: at(1800) },
  timeZone: 'Europe/Amsterdam',
  noticeSeconds: 300,
}
const other = (start: number, end: number, id = 'call-2') => {
  return { callId: callId(id), start: at(start), end: at(end) }
}
const broken = (conditions: OfferConditions, ...others: ReturnType<typeof other>[]) =>
  brokenCondition(conditions, occasion, others)

describe('what an offer is tied to', () => {
  it.each([
    ['noticeSeconds', -1],
    ['callsPerDayMax', 0],
    ['restSeconds', 0.5],
    ['powerMinW', 10_000_001],
    ['onSecondsMin', 86_401],
  ])('cannot be a %s of %d', (field, value) => {
    expect(() => checkConditions({ [field]: value } as OfferConditions)).toThrow(
      `offer.conditions.${field}`,
    )
  })

  it('is nothing where it says nothing', () => {
    expect(broken({}, other(-900, 0), other(1800, 2700, 'call-3'))).toBeNull()
    expect(leastPart({})).toBeNull()
  })

  it('is a notice that is longer than what is given', () => {
    expect(broken({ noticeSeconds: 300 })).toBeNull()
    expect(broken({ noticeSeconds: 301 })).toEqual({
      reason: 'notice-too-short',
      detail: 'needs 301 s of notice; given: 300 s',
    })
    const silent = brokenCondition({ noticeSeconds: 1 }, { ...occasion, noticeSeconds: 0 }, [])
    expect(silent?.detail).toBe('needs 1 s of notice; given: it is told as the window begins')
  })

  it('is a count of calls that the local day has seen', () => {
    // The window begins at 17:00 in Amsterdam: midnight lies 7 hours after it and 17 before.
    const [earlier, yesterday] = [other(-3600, -2700), other(-18 * 3600, -17 * 3600)]
    expect(broken({ callsPerDayMax: 1 }, yesterday)).toBeNull()
    expect(broken({ callsPerDayMax: 1 }, other(7 * 3600, 8 * 3600))).toBeNull()
    expect(broken({ callsPerDayMax: 2 }, earlier)).toBeNull()
    expect(broken({ callsPerDayMax: 1 }, earlier)).toEqual({
      reason: 'calls-per-day',
      detail: 'takes 1 calls a day and has 1',
    })
  })

  it('is counted on each local day that a window touches', () => {
    // 23:30 to 00:30 in Amsterdam.
    const midnight = 7 * 3600
    const overMidnight = (end: number, ...others: ReturnType<typeof other>[]) => {
      const window = { start: at(midnight - 1800), end: at(end) }
      return brokenCondition({ callsPerDayMax: 2 }, { ...occasion, window }, others)
    }
    const [eve, morning] = [other(-3600, -2700), other(midnight + 3 * 3600, midnight + 4 * 3600)]
    const noon = other(midnight + 12 * 3600, midnight + 13 * 3600, 'call-3')
    expect(overMidnight(midnight + 1800, eve, morning)).toBeNull()
    expect(overMidnight(midnight + 1800, morning, noon)).toEqual({
      reason: 'calls-per-day',
      detail: 'takes 2 calls a day and has 2',
    })
    expect(overMidnight(midnight, morning, noon)).toBeNull()
    // One that itself lies over midnight counts on both days.
    const nights = other(midnight - 3600, midnight + 3600)
    expect(overMidnight(midnight + 1800, nights)).toBeNull()
    expect(overMidnight(midnight + 1800, nights, noon)?.reason).toBe('calls-per-day')
    const window = { start: at(midnight - 1800), end: at(midnight + 1800) }
    expect(spanAround([{}], { ...occasion, window })).toEqual({
      start: parseInstant('2026-01-13T23:00:00Z'),
      end: parseInstant('2026-01-15T23:00:00Z'),
    })
  })

  it('is a rest before and after a call', () => {
    expect(broken({ restSeconds: 3600 }, other(-5400, -3600))).toBeNull()
    expect(broken({ restSeconds: 3600 }, other(5400, 6300))).toBeNull()
    expect(broken({ restSeconds: 3600 }, other(-5400, -3599))?.reason).toBe('resting')
    expect(broken({ restSeconds: 3600 }, other(5399, 6300))?.detail).toBe(
      'rests 3600 s between calls; 3599 s lie between this and another',
    )
  })

  it('looks as far around a window as day and rest reach', () => {
    expect(spanAround([{ restSeconds: 86_400 }, {}], occasion)).toEqual({
      start: at(-86_400),
      end: at(1800 + 86_400),
    })
    expect(spanAround([{}], occasion)).toEqual({
      start: parseInstant('2026-01-13T23:00:00Z'),
      end: parseInstant('2026-01-14T23:00:00Z'),
    })
  })

  it('is told in words where it takes no part', () => {
    expect(leastPart({ allOrNothing: true, powerMinW: 500 })).toBe('all that it can or nothing')
    expect(leastPart({ powerMinW: 500 })).toBe('at least 500 W')
    expect(leastPart({ powerMinW: 500, onSecondsMin: 1800 })).toBe(
      'at least 500 W for at least 1800 s',
    )
  })
})

describe('an offer that takes no part', () => {
  const needs = [0, 1].map((i) => {
    return { start: at(i * 900), end: at((i + 1) * 900), powerW: 9000 }
  })
  const { id: resourceId, ...rest } = aResource('charger-1', 'charger', 100_000n)
  const { ownerId, aggregatorId, kind, rating } = rest
  const limits = (conditions: OfferConditions) =>
    limitsOf(
      {
        candidate: {
          resourceId,
          ownerId,
          aggregatorId,
          kind,
          rating,
          aggregatorShareBp: basisPoints(0),
          price: rest.offer.price,
          conditions,
          ...aBaseline(),
        },
        fromW: [7000, 7000],
        powerMaxW: [7000, 7000],
        energyMaxWh: 3500,
      },
      needs,
      'reduce-import',
    )

  it('allocates its least power in whole steps, and its least time in whole periods', () => {
    expect(limits({ powerMinW: 1250, onSecondsMin: 901 })).toMatchObject({
      minW: 1300,
      minOnPeriods: 2,
      maxW: [5600, 5600],
      stopW: [7000, 7000],
    })
    expect(limits({ onSecondsMin: 900 })).toMatchObject({ minW: 100, minOnPeriods: 1 })
    expect(limits({})).not.toHaveProperty('minW')
  })

  it('does not stop a charger whose stop is less than its least power', () => {
    expect(limits({ powerMinW: 7100 })).toMatchObject({
      minW: 7100,
      stopW: [0, 0],
      stopToW: [0, 0],
    })
  })

  it('allocates the stop of a charger that gives all or nothing', () => {
    const all = limits({ allOrNothing: true })
    expect(all).toMatchObject({ allOrNothing: true, maxW: [7000, 7000] })
    expect(all).not.toHaveProperty('stopW')
  })
})

import { describe, expect, it } from 'vitest'
import {
  conditionWords,
  FIGURE_NAMES,
  type FigureName,
  readConditions,
  shownAs,
} from '#dashboards/aggregator/offer-words.ts'
import { checkConditions, type OfferConditions } from '#domain/offer-conditions.ts'

const typed = (some: Partial<Record<FigureName, string>>) => ({
  noticeSeconds: '',
  callsPerDayMax: '',
  restSeconds: '',
  powerMinW: '',
  onSecondsMin: '',
  ...some,
})

describe('the form of offer conditions', () => {
  it.each([
    ['noticeSeconds', 'soon', 'A figure from 0 to 43200.'],
    ['noticeSeconds', '-1', 'A figure from 0 to 43200.'],
    ['noticeSeconds', '43201', 'A figure from 0 to 43200.'],
    ['callsPerDayMax', '0', 'A figure from 1 to 96, without a fraction.'],
    ['callsPerDayMax', '1.5', 'A figure from 1 to 96, without a fraction.'],
    ['restSeconds', '10081', 'A figure from 0 to 10080.'],
    ['restSeconds', '0.001', 'A figure from 0 to 10080.'],
    ['powerMinW', '10000.001', 'A figure from 0 to 10000.'],
    ['onSecondsMin', '1e3', 'A figure from 0 to 1440.'],
  ] as const)('refuses %s of %j at its field', (name, text, said) => {
    const { wrong, conditions } = readConditions(typed({ [name]: text }), false)
    expect(wrong).toEqual({ [name]: said })
    expect(conditions).toEqual({})
  })

  it('reads minutes and kW as the API has them, and an empty field as no condition', () => {
    const some = { noticeSeconds: ' 30 ', restSeconds: '1,5', powerMinW: '1.25' }
    const { conditions, wrong } = readConditions(typed(some), true)
    expect(wrong).toEqual({})
    const expected = { noticeSeconds: 1800, restSeconds: 90, powerMinW: 1250, allOrNothing: true }
    expect(conditions).toEqual(expected)
    expect(readConditions(typed({}), false)).toEqual({ conditions: {}, wrong: {} })
  })

  it('shows what it reads, within the bounds that the service has', () => {
    const most = { noticeSeconds: '43200', callsPerDayMax: '96', restSeconds: '10080' }
    const all = typed({ ...most, powerMinW: '10000', onSecondsMin: '1440' })
    const { conditions, wrong } = readConditions(all, false)
    expect(wrong).toEqual({})
    expect(checkConditions(conditions as OfferConditions)).toEqual(conditions)
    for (const name of FIGURE_NAMES) {
      expect(shownAs(name, conditions)).toBe(all[name])
      const more = { ...conditions, [name]: (conditions[name] ?? 0) + 1 }
      expect(() => checkConditions(more as OfferConditions), name).toThrow(name)
    }
  })

  it('says in words what binds', () => {
    expect(conditionWords({})).toBe('answers any call')
    expect(conditionWords({ noticeSeconds: 0, allOrNothing: false })).toBe('answers any call')
    expect(conditionWords({ noticeSeconds: 1800, callsPerDayMax: 1, allOrNothing: true })).toBe(
      '30 min of notice, at most 1 call a day, all it can or nothing',
    )
    expect(conditionWords({ onSecondsMin: 1800, onLessAsStandIn: true })).toBe(
      'goes on for 30 min or longer, or until the end where it is called in for others',
    )
    expect(conditionWords({ onLessAsStandIn: true })).toBe('answers any call')
  })
})

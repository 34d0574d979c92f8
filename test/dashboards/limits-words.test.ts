import { describe, expect, it } from 'vitest'
import { clockOf, minuteOf, thousandthsOf } from '#dashboards/owner/limits-words.ts'

describe('what an owner types', () => {
  it.each(['', '24:00', '6:60', 'six', '06:30:00', '-1:00'])(
    'is no time of the day: %j',
    (text) => {
      expect(minuteOf(text)).toBeNull()
    },
  )

  it.each(['', '-1', '12.3456', '12345', '1e3', 'ten', '1,2,3'])('is no figure: %j', (text) => {
    expect(thousandthsOf(text)).toBeNull()
  })

  it('is read as it stands on a clock, with a comma or a point', () => {
    expect(minuteOf(' 6:30 ')).toBe(390)
    expect([0, 390, 1439].map(clockOf)).toEqual(['00:00', '06:30', '23:59'])
    expect(thousandthsOf('12')).toBe(12_000)
    expect(thousandthsOf('12,5')).toBe(12_500)
    expect(thousandthsOf('0.125')).toBe(125)
  })
})

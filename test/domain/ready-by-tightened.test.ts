import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resourceId } from '#domain/ids.ts'
import { asEnrolled, asWished, isLooser } from '#domain/owner-limits.ts'
import { addSeconds, parseInstant } from '#domain/time.ts'

const zone = 'Europe/Berlin'
const car = resourceId('car')
const at = (minuteOfDay: number, energyWh = 10_000) => ({
  leastSocBp: null,
  readyBy: { minuteOfDay, energyWh },
})
const EVENING = parseInstant('2026-01-14T19:00:00Z') // eight in the evening there
const [BEFORE_MIDNIGHT, AFTER_MIDNIGHT, MORNING] = [at(23 * 60 + 30), at(30), at(7 * 60)]

describe('a wish for a car to be ready', () => {
  it('is looser past midnight, though the minute of day is a lower one', () => {
    expect(isLooser(BEFORE_MIDNIGHT, AFTER_MIDNIGHT, EVENING, zone)).toBe(true)
    expect(isLooser(BEFORE_MIDNIGHT, MORNING, EVENING, zone)).toBe(true)
  })

  it('is tighter before midnight, though the minute of day is a higher one', () => {
    expect(isLooser(AFTER_MIDNIGHT, BEFORE_MIDNIGHT, EVENING, zone)).toBe(false)
    expect(isLooser(MORNING, BEFORE_MIDNIGHT, EVENING, zone)).toBe(false)
  })

  it('is judged by the clock of the night in which an hour is skipped', () => {
    // Half past two is not there, and comes as half past three: after ten past three.
    const night = parseInstant('2026-03-28T20:00:00Z')
    expect(isLooser(at(3 * 60 + 10), at(2 * 60 + 30), night, zone)).toBe(true)
    expect(isLooser(at(3 * 60 + 10), at(2 * 60 + 30), EVENING, zone)).toBe(false)
  })

  it('is never called tighter where its car is ready later, or with less', () => {
    const changes = ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-06-01T00:00:00Z']
    const wish = fc.record({ minute: fc.nat(1439), wh: fc.nat(60_000) })
    const from = fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -86_400, max: 86_400 }))
    fc.assert(
      fc.property(wish, wish, from, (first, second, [change, seconds]) => {
        const startedAt = addSeconds(parseInstant(change), seconds)
        const session = {
          resourceId: car,
          startedAt,
          endedAt: null,
          energyNeededWh: null,
          departureAt: null,
          startRegisterWh: 0,
        }
        const said = [first, second].map(({ minute, wh }) => at(minute, wh)) as [
          ReturnType<typeof at>,
          ReturnType<typeof at>,
        ]
        const [before, after] = said.map((wanted) => {
          const limits = { ...asEnrolled({ id: car, enrolledAt: startedAt }), ...wanted }
          const { departureAt, energyNeededWh } = asWished(session, limits, zone)
          return { readyAt: departureAt ?? 0, wh: energyNeededWh ?? 0 }
        }) as [{ readyAt: number; wh: number }, { readyAt: number; wh: number }]
        const isWorse = after.readyAt > before.readyAt || after.wh < before.wh
        expect(isLooser(...said, startedAt, zone)).toBe(isWorse)
      }),
    )
  })
})

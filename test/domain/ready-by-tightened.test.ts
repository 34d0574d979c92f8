import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resourceId } from '#domain/ids.ts'
import { asEnrolled, asWished, isLooser, type ReadyBy } from '#domain/owner-limits.ts'
import { addSeconds, type Instant, parseInstant } from '#domain/time.ts'

const zone = 'Europe/Berlin'
const car = resourceId('car')
const at = (minuteOfDay: number, energyWh = 10_000) => ({
  leastSocBp: null,
  readyBy: { minuteOfDay, energyWh },
})
const EIGHT = parseInstant('2026-01-14T07:00:00Z') // in the morning there
const DAY_MINUTES = 1440

/** When and with what a car is ready that is plugged in at an instant. */
function readyOf({ readyBy }: { readonly readyBy: ReadyBy | null }, startedAt: Instant) {
  const limits = { ...asEnrolled({ id: car, enrolledAt: startedAt }), readyBy }
  const session = {
    resourceId: car,
    startedAt,
    endedAt: null,
    energyNeededWh: null,
    departureAt: null,
    startRegisterWh: 0,
  }
  const { departureAt, energyNeededWh } = asWished(session, limits, zone)
  return { at: departureAt ?? Number.POSITIVE_INFINITY, wh: energyNeededWh ?? 0 }
}

describe('a wish for a car to be ready', () => {
  it('is looser with another time of day, a later or an earlier one', () => {
    const seven = at(7 * 60)
    expect(isLooser(seven, at(9 * 60))).toBe(true)
    expect(isLooser(seven, at(6 * 60))).toBe(true)
    expect(isLooser(at(30), at(23 * 60 + 30))).toBe(true)
    // At eight both lie ahead, nine before seven; of the next evening's car it is the later one.
    expect(readyOf(at(9 * 60), EIGHT).at).toBeLessThan(readyOf(seven, EIGHT).at)
    const evening = addSeconds(EIGHT, 12 * 3600)
    expect(readyOf(at(9 * 60), evening).at).toBeGreaterThan(readyOf(seven, evening).at)
  })

  it('is looser without a time, or with less, and not with more, or where there was none', () => {
    const seven = at(7 * 60)
    expect(isLooser(seven, { leastSocBp: null, readyBy: null })).toBe(true)
    expect(isLooser(seven, at(7 * 60, 9_999))).toBe(true)
    expect(isLooser(seven, at(7 * 60, 10_001))).toBe(false)
    expect(isLooser({ leastSocBp: null, readyBy: null }, seven)).toBe(false)
  })

  const minute = fc.nat(DAY_MINUTES - 1)
  const wish = fc.record({ minuteOfDay: minute, energyWh: fc.nat(60_000) })

  it('has no car ready later, or with less, whenever it is plugged in, if it is not called looser', () => {
    const days = ['2026-03-28T23:00:00Z', '2026-10-24T22:00:00Z', '2026-06-01T22:00:00Z']
    const from = fc.tuple(fc.constantFrom(...days), fc.integer({ min: -86_400, max: 86_400 }))
    const before = fc.option(wish, { freq: 3 })
    // Changes of the time alone, of the energy alone, and of both.
    const change = fc.record({ byMinutes: fc.oneof(fc.constant(0), minute), byWh: fc.integer() })
    fc.assert(
      fc.property(
        before,
        wish,
        change,
        from,
        (said, other, { byMinutes, byWh }, [day, seconds]) => {
          const readyBy =
            said === null
              ? other
              : {
                  minuteOfDay: (said.minuteOfDay + byMinutes) % DAY_MINUTES,
                  energyWh: Math.max(0, said.energyWh + (byWh % 5_000)),
                }
          const [first, second] = [said, readyBy].map((one) => ({ leastSocBp: null, readyBy: one }))
          if (first === undefined || second === undefined || isLooser(first, second)) return
          const startedAt = addSeconds(parseInstant(day), seconds)
          const [owner, changed] = [readyOf(first, startedAt), readyOf(second, startedAt)]
          expect(changed.at).toBeLessThanOrEqual(owner.at)
          expect(changed.wh).toBeGreaterThanOrEqual(owner.wh)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('has with any other time of day a car that is ready later: there is none to allow', () => {
    fc.assert(
      fc.property(minute, minute, (owner, other) => {
        fc.pre(owner !== other)
        // Plugged in at the other time, or just after the owner's.
        const midnight = parseInstant('2026-06-01T22:00:00Z')
        const starts = [other, owner].map((m) => addSeconds(midnight, m * 60 + 1))
        const isLater = starts.some(
          (from) => readyOf(at(other), from).at > readyOf(at(owner), from).at,
        )
        expect(isLater).toBe(true)
        expect(isLooser(at(owner), at(other))).toBe(true)
      }),
    )
  })
})

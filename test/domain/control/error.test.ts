import { describe, expect, it } from 'vitest'
import { loopError } from '#domain/control/error.ts'
import { loopReadings, type LoopReading, type Member } from '#domain/control/portfolio.ts'
import { CONTROL_RULES } from '#domain/control/rules.ts'
import { resourceId } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { WINDOW_START } from '../../support/builders.ts'

const at = (seconds: number): Instant => addSeconds(WINDOW_START, seconds)

/** 10 kW are wanted; what was given, reading by reading, 15 s apart. */
function readings(givenW: readonly number[], expectedW = givenW): LoopReading[] {
  return givenW.map((given, i) => {
    const expected = expectedW[i] ?? given
    return { at: at(15 * (i + 1)), wantedW: 10_000, givenW: given, expectedW: expected }
  })
}

const error = (seen: readonly LoopReading[], headroomW = 10_000) =>
  loopError(seen, WINDOW_START, headroomW, CONTROL_RULES)

describe('an error of the portfolio', () => {
  it('is none before there are two readings, or where only one of two shows it', () => {
    expect(error([]).correctionW).toBe(0)
    expect(error(readings([5000])).correctionW).toBe(0)
    expect(error(readings([10_000, 5000])).correctionW).toBe(0)
    expect(error(readings([5000, 10_000])).correctionW).toBe(0)
    expect(error(readings([15_000, 5000])).correctionW).toBe(0)
  })

  it('is none within 2 % of what is ordered, or within one step of a small order', () => {
    expect(error(readings([9800, 9800])).correctionW).toBe(0)
    expect(error(readings([10_200, 10_200])).correctionW).toBe(0)
    const small = [1, 2].map((i) => {
      return { at: at(15 * i), wantedW: 1000, givenW: 900, expectedW: 900 }
    })
    expect(error(small).correctionW).toBe(0)
  })

  it('is corrected whole, by the smaller of the two readings', () => {
    expect(error(readings([8000, 9000]))).toMatchObject({ errorW: 1000, correctionW: 1000 })
    expect(error(readings([8000, 7000]))).toMatchObject({ errorW: 2000, correctionW: 2000 })
    expect(error(readings([12_000, 13_000]))).toMatchObject({ errorW: -2000, correctionW: -2000 })
  })

  it('is none where what was told already will bring it', () => {
    expect(error(readings([8000, 8000], [10_000, 10_000])).correctionW).toBe(0)
  })

  it('is worth a reserve although it is small, once it has stood for long and nobody has headroom', () => {
    const small = readings(Array(100).fill(9850))
    expect(error(small.slice(0, 40), 0).reserveMostW).toBe(0)
    expect(error(small, 0)).toMatchObject({ correctionW: 150, reserveMostW: 150 })
  })
})

describe('energy that was missed', () => {
  const minutes = (count: number, givenW: number) => Array(count * 4).fill(givenW) as number[]

  it('is made up in ten minutes once that is worth a setpoint', () => {
    // Five minutes at half power: 1.5 MWs are missing, 2.5 kW for ten minutes; 5 % at most.
    const seen = readings([...minutes(5, 5000), ...minutes(1, 10_000)])
    expect(error(seen)).toMatchObject({ errorW: 0, makeUpW: 500, correctionW: 500 })
    // One minute of 20 %: less than the dead band once it is spread over ten minutes.
    expect(error(readings([...minutes(1, 8000), ...minutes(1, 10_000)])).makeUpW).toBe(0)
  })

  it('is made up to the end, once it has begun', () => {
    const nearly = readings([...minutes(5, 5000), ...minutes(9, 10_500)])
    expect(error(nearly)).toMatchObject({ makeUpW: 50, correctionW: -450 })
  })

  it('does not pile up where nobody could have given it', () => {
    const seen = readings([...minutes(30, 5000), ...minutes(1, 10_000)])
    expect(error(seen, 0)).toMatchObject({ makeUpW: 0, correctionW: 0 })
    expect(error(seen, 300).makeUpW).toBe(300)
  })

  it('is paid for by what is given too much afterwards, and by nothing before', () => {
    const paid = readings([...minutes(5, 5000), ...minutes(11, 10_500)])
    expect(error(paid)).toMatchObject({ makeUpW: 0, correctionW: -500 })
    const before = readings([...minutes(11, 10_500), ...minutes(5, 5000), ...minutes(1, 10_000)])
    expect(error(before).makeUpW).toBe(500)
  })
})

describe('what all meters show together', () => {
  const member = (changes: Partial<Member>): Member => ({
    resourceId: resourceId('r'),
    partSince: WINDOW_START,
    toldW: 5000,
    shownFrom: null,
    gave: [15, 30].map((seconds) => ({ at: at(seconds), powerW: 1000 })),
    ...changes,
  })
  const wanted = [15, 30].map((seconds) => ({ at: at(seconds), powerW: 5000 }))
  const seen = (changes: Partial<Member>) => loopReadings([member(changes)], wanted, 15)

  it('believes who has not been judged yet, and not whose meter shows what it does', () => {
    expect(seen({})).toMatchObject([{ expectedW: 5000 }, { expectedW: 5000, givenW: 1000 }])
    expect(seen({ shownFrom: at(30) })).toMatchObject([{ expectedW: 5000 }, { expectedW: 1000 }])
  })

  it('believes who was not heard since the reading before', () => {
    const silent = [{ at: at(15), powerW: 1000 }]
    expect(seen({ shownFrom: at(0), gave: silent })).toMatchObject([
      { expectedW: 1000, givenW: 1000 },
      { expectedW: 5000, givenW: 5000 },
    ])
  })

  it('counts what a device gave from the beginning of its part on', () => {
    expect(seen({ partSince: at(15) })).toMatchObject([{ givenW: 0 }, { givenW: 1000 }])
  })
})

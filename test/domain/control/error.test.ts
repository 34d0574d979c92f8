import { describe, expect, it } from 'vitest'
import { loopError, type MakeUpSpan } from '#domain/control/error.ts'
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

const error = (seen: readonly LoopReading[], headroomW = 10_000, span?: MakeUpSpan) =>
  loopError(seen, WINDOW_START, headroomW, CONTROL_RULES, span)

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

  it('is made up by the end of what is settled together, with no more than 5 %', () => {
    const span = (minutesLeft: number, seen: readonly LoopReading[]) => {
      const from = at(15 * seen.length)
      return { periodStart: WINDOW_START, from, until: addSeconds(from, 60 * minutesLeft) }
    }
    // 150 kWs are missing, worth 250 W for ten minutes.
    const seen = readings([...minutes(5, 9500), ...minutes(1, 10_000)])
    const within = (minutesLeft: number) => error(seen, 10_000, span(minutesLeft, seen)).makeUpW
    expect([30, 10, 8, 5, 3, 1].map(within)).toEqual([250, 250, 312.5, 500, 500, 500])
    // The last of it is not left over: of 60 kWs in two minutes or less.
    const nearly = readings([...minutes(5, 9500), ...minutes(3, 10_500)])
    expect(error(nearly, 10_000, span(4, nearly)).makeUpW).toBe(250)
    expect(error(nearly, 10_000, span(1, nearly)).makeUpW).toBe(500)
  })

  it('is not ordered twice: what is on its way until a change can be felt counts', () => {
    const seen = readings([...minutes(5, 9500), ...minutes(1, 10_300)])
    const last = seen.at(-1)?.at ?? WINDOW_START
    const feltAfter = (seconds: number) => {
      const from = addSeconds(last, seconds)
      return error(seen, 10_000, { periodStart: WINDOW_START, from, until: at(3600) }).makeUpW
    }
    // 132 kWs are missing, and 300 W of them come by themselves.
    expect([0, 100, 400, 600].map(feltAfter)).toEqual([220, 170, 20, 0])
  })

  it('goes on being made up where all headroom is used for that', () => {
    const missed = [...minutes(5, 5000), ...minutes(1, 10_000)]
    const seen = readings([...missed, 10_400, 10_400])
    expect(error(seen, 0)).toMatchObject({ makeUpW: 380, correctionW: 0 })
    expect(error(readings(missed), 0).makeUpW).toBe(0)
  })

  it('is made up from one settlement period to the next, though power is compared in each alone', () => {
    const seen = readings([...minutes(5, 5000), ...minutes(1, 10_000)])
    const last = seen.at(-1)?.at ?? WINDOW_START
    const next = { periodStart: addSeconds(last, -15), from: last, until: at(3600) }
    expect(error(seen, 10_000, next)).toMatchObject({ makeUpW: 0, correctionW: 0 })
    const before = { ...next, periodStart: addSeconds(last, -30) }
    expect(error(seen, 10_000, before)).toMatchObject({ makeUpW: 500, correctionW: 500 })
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

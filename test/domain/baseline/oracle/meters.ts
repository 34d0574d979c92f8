import type { BaselineInput, EnergySeries } from '#domain/baseline/input.ts'
import { instant, type TimeWindow } from '#domain/time.ts'
import { type SeededRandom, seededRandom } from '#simulations/random.ts'
import { dateAfter, dayOf } from './calendar.ts'

/** Where the clocks change, and dates at both changes and far from them, weekends among them. */
const PLACES = [
  {
    timeZone: 'Europe/London',
    dates: ['2024-03-31', '2024-04-03', '2024-10-27', '2024-11-01', '2024-07-16', '2024-04-07'],
  },
  {
    timeZone: 'America/Los_Angeles',
    dates: ['2024-03-10', '2024-03-13', '2024-11-03', '2024-11-08', '2024-07-16', '2024-11-10'],
  },
] as const
const HOURS_OF_WINDOWS = [0, 0.5, 1, 1.5, 2, 3, 7, 10, 17, 18.5, 22, 23]
const HISTORY_DAYS = 92
/** A plan and a control group are read inside the window alone. */
const NO_HISTORY = 0

/** A meter with its habits, gaps, call days and all that a method may ask for. */
export function generatedMeter(seed: number): BaselineInput {
  const random = seededRandom(seed, 'meter')
  const place = random.pick(PLACES)
  const { timeZone } = place
  const date = random.pick(place.dates)
  const seconds = random.pick([900, 1_800, 1_800, 1_800])
  const periodStarts = windowOn(date, timeZone, seconds, random)
  const zone = { timeZone, seconds }
  const history = energies(date, HISTORY_DAYS, zone, random)
  const start = periodStarts[0] ?? 0
  const earlier = (chance: number) =>
    Array.from({ length: HISTORY_DAYS }, (_, back) => dateAfter(date, -back - 1)).filter(
      () => random.next() < chance,
    )
  return {
    timeZone,
    resolutionSeconds: seconds,
    periodStarts: periodStarts.map(instant),
    notifiedAt: noticeBefore(start, random),
    history,
    signed: random.next() < 0.3,
    // Now and then every other day and more, until a baseline is frozen by calls.
    callDays: new Set(earlier(random.pick([0, 0.1, 0.3, 0.97]))),
    holidays: new Set(earlier(random.pick([0, 0.05, 0.15, 0.6]))),
    outages: outagesBefore(start, random),
    maxTemperatures: new Map(
      [date, ...earlier(0.9)].map((day) => [day, random.integer(-50, 350)] as const),
    ),
    nominated: energies(date, NO_HISTORY, zone, random),
    deemed: {
      profileW: Array.from({ length: random.pick([24, 48]) }, () => random.integer(0, 7_000)),
      count: random.integer(1, 200),
    },
    firmLevelW: random.integer(0, 50_000),
    control: {
      series: energies(date, NO_HISTORY, zone, random),
      controlCount: random.integer(8, 40),
      count: random.integer(1, 500),
    },
    lastReadingW: random.next() < 0.1 ? null : random.integer(-5_000, 50_000),
  }
}

function windowOn(date: string, timeZone: string, seconds: number, random: SeededRandom): number[] {
  const day = dayOf(date, timeZone, seconds)
  const from = random.pick(HOURS_OF_WINDOWS) * 60
  const found = day.find(({ minute }) => minute >= from)
  const first = found?.start ?? day[0]?.start ?? 0
  const periods = random.integer(1, 8)
  return Array.from({ length: periods }, (_, at) => first + at * seconds * 1000)
}

/** Load with a habit of the day, noise, and gaps; some meters feed in, some never move. */
function energies(
  date: string,
  daysBefore: number,
  { timeZone, seconds }: { readonly timeZone: string; readonly seconds: number },
  random: SeededRandom,
): EnergySeries {
  const size = random.pick([0, 40, 3_000, 60_000])
  const bottom = random.pick([0, 0, -0.6])
  const gaps = random.pick([0, 0, 0.001, 0.01, 0.08]) // at last few days are whole
  const isCoarse = random.next() < 0.3 // few different values: days of equal rank
  const values = new Map<number, number | null>()
  for (let back = daysBefore; back >= -1; back -= 1) {
    const level = 0.2 + random.next()
    for (const { start, minute } of dayOf(dateAfter(date, -back), timeZone, seconds)) {
      const habit = 0.5 + 0.5 * Math.sin((minute / 1440) * 2 * Math.PI + 4)
      const wh = size * (bottom + level * habit + 0.4 * random.next())
      const step = isCoarse ? Math.max(1, size / 4) : 1
      values.set(start, random.next() < gaps ? null : Math.round(wh / step) * step)
    }
  }
  return { whAt: (start) => values.get(start) ?? null }
}

function noticeBefore(start: number, random: SeededRandom): BaselineInput['notifiedAt'] {
  const minutes = random.pick([null, null, 0, 10, 45, 120, 300, 1_440])
  return minutes === null ? null : instant(start - minutes * 60_000)
}

function outagesBefore(start: number, random: SeededRandom): TimeWindow[] {
  return Array.from({ length: random.pick([0, 0, 1, 3]) }, () => {
    const from = start - random.integer(1, 40) * 86_400_000 - random.integer(-90, 90) * 60_000
    return { start: instant(from), end: instant(from + random.integer(1, 180) * 60_000) }
  })
}

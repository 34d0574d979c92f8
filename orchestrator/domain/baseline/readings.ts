import type { Rating } from '../resource.ts'
import { type DeviceReading, energyBetween } from '../telemetry.ts'
import { addSeconds, type Instant, parseInstant, secondsBetween } from '../time.ts'
import { divideHalfEven } from '../units.ts'
import type { EnergySeries, SeriesFault } from './input.ts'

/** A clock that was never set says 1970; one of 32 bits ends in 2106. */
const EARLIEST = parseInstant('2000-01-01T00:00:00Z')
const LATEST = parseInstant('2106-01-01T00:00:00Z')

/** What was left out of a device's readings before they were used. */
export type LeftOut = {
  readonly at: number
  readonly reason: 'not-a-number' | 'impossible-time' | 'repeated' | 'conflicting'
}

/**
 * Readings of one device as they can be used: in order of time, one per instant. What is no whole
 * number, or has a stamp that no clock in service has, is left out; so is what is said twice, and
 * both of two that say different things of one instant.
 */
export function soundReadings<T extends DeviceReading>(
  readings: readonly T[],
): { readonly sound: readonly T[]; readonly leftOut: LeftOut[] } {
  if (isSound(readings)) return { sound: readings, leftOut: [] }
  const leftOut: LeftOut[] = []
  const byInstant = new Map<number, T[]>()
  for (const reading of readings) {
    const reason = faultOf(reading)
    if (reason !== null) leftOut.push({ at: reading.at, reason })
    else byInstant.set(reading.at, [...(byInstant.get(reading.at) ?? []), reading])
  }
  const sound = [...byInstant.values()].flatMap((same) => {
    const [first, ...others] = same as [T, ...T[]]
    const agree = others.every(({ registerWh }) => registerWh === first.registerWh)
    const reason = agree ? 'repeated' : 'conflicting'
    leftOut.push(...(agree ? others : same).map(({ at }) => ({ at, reason }) as const))
    return agree ? [first] : []
  })
  return { sound: sound.sort((a, b) => a.at - b.at), leftOut }
}

/** The common case, asked in one pass: nothing to leave out and nothing to put in order. */
function isSound(readings: readonly DeviceReading[]): boolean {
  return readings.every((reading, i) => {
    const before = readings[i - 1]
    return faultOf(reading) === null && (before === undefined || before.at < reading.at)
  })
}

function faultOf({ at, registerWh, powerW }: DeviceReading): LeftOut['reason'] | null {
  if (!Number.isSafeInteger(registerWh)) return 'not-a-number'
  if (powerW !== null && !Number.isSafeInteger(powerW)) return 'not-a-number'
  return at >= EARLIEST && at < LATEST ? null : 'impossible-time'
}

/** A register may say this much more than rated power gives: meters and ratings are not exact. */
const MORE_THAN_RATED = 1.25
const SLACK_WH = 100

/**
 * Energy per interval from a device's registers. Where one cannot be known, or the difference is
 * nothing that the device can do, the interval is not known: a register that falls on a device
 * that cannot feed in was set back, and one that rises beyond rated power is another meter's.
 */
export function seriesOfReadings(
  readings: readonly DeviceReading[],
  rating: Pick<Rating, 'importMaxW' | 'exportMaxW'>,
  intervalSeconds: number,
  longestGapSeconds: number,
): EnergySeries {
  const { sound } = soundReadings(readings)
  const mostWh = (powerW: number) =>
    ((powerW * intervalSeconds) / 3600) * MORE_THAN_RATED + SLACK_WH
  const look = (start: Instant): number | SeriesFault => {
    const end = addSeconds(start, intervalSeconds)
    const wh = energyBetween(sound, start, end, longestGapSeconds)
    if (wh === null) return 'missing-interval'
    if (wh < 0 && rating.exportMaxW === 0) return 'meter-reset'
    const isPossible = wh >= -mostWh(rating.exportMaxW) && wh <= mostWh(rating.importMaxW)
    return isPossible ? wh : 'beyond-rating'
  }
  return {
    whAt: (start) => {
      const found = look(start)
      return typeof found === 'number' ? found : null
    },
    faultAt: (start) => {
      const found = look(start)
      return typeof found === 'number' ? null : found
    },
  }
}

/** Of readings in order of time, those from which the registers at these instants can be known. */
export function readingsAround<T extends DeviceReading>(
  readings: readonly T[],
  boundaries: readonly Instant[],
  longestGapSeconds: number,
): T[] {
  const kept = new Set<T>()
  let i = 0
  for (const at of boundaries.toSorted((a, b) => a - b)) {
    while (i < readings.length && (readings[i] as T).at < at) i += 1
    const [before, next] = [readings[i - 1], readings[i]]
    if (next === undefined) break
    if (next.at === at) kept.add(next)
    else if (before && secondsBetween(before.at, next.at) <= longestGapSeconds) {
      kept.add(before).add(next)
    }
  }
  return [...kept]
}

/** The power of the last reading before the window, from its register when it has no power. */
export function readingBefore(readings: readonly DeviceReading[], at: Instant): number | null {
  const before = readings.filter((reading) => reading.at <= at)
  const last = before.at(-1)
  if (last === undefined) return null
  if (last.powerW !== null) return last.powerW
  const previous = before.at(-2)
  if (previous === undefined) return null
  const seconds = secondsBetween(previous.at, last.at)
  return divideHalfEven((last.registerWh - previous.registerWh) * 3600, seconds)
}

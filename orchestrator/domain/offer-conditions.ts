import { fieldError } from './errors.ts'
import type { CallId } from './ids.ts'
import {
  addSeconds,
  dayStart,
  type Instant,
  instant,
  localDate,
  sameLocalTime,
  secondsBetween,
  type TimeWindow,
} from './time.ts'

/** What a standing offer is tied to; what is absent does not bind. */
export type OfferConditions = {
  /** It has to know of a call this long before its window. */
  readonly noticeSeconds?: number
  /** In any one local day of the program that a call touches. */
  readonly callsPerDayMax?: number
  /** Between the end of one call and the start of the next. */
  readonly restSeconds?: number
  /** Where it moves at all it moves by this at least, W. */
  readonly powerMinW?: number
  /** Once it moves it goes on for this long, counted from its own start, within the window. */
  readonly onSecondsMin?: number
  /** Called in for others it may go on for less than that: until the window, or its use, ends. */
  readonly onLessAsStandIn?: boolean
  /** All that it can give, in every period, or nothing. */
  readonly allOrNothing?: boolean
}

/** Whether it can be called from a reserve: that is inside the window, where nobody has notice. */
export function canStandIn({ noticeSeconds = 0 }: OfferConditions): boolean {
  return noticeSeconds === 0
}

/**
 * How long a stand-in goes on at least, s, where so long is left; null: longer than that, and it
 * does not stand in for less.
 */
export function standInSeconds(
  { onSecondsMin = 0, onLessAsStandIn = false }: OfferConditions,
  leftSeconds: number,
): number | null {
  if (onSecondsMin <= leftSeconds) return onSecondsMin
  return onLessAsStandIn ? leftSeconds : null
}

/** Another call that a resource is promised to, as far as it lies around a window. */
export type OtherCall = TimeWindow & { readonly callId: CallId }

/** A call, as a condition sees it. */
export type Occasion = {
  readonly window: TimeWindow
  readonly timeZone: string
  /** How long before the window the resource is told; 0: it is told as the window begins. */
  readonly noticeSeconds: number
}

export type BrokenCondition = {
  readonly reason: 'notice-too-short' | 'calls-per-day' | 'resting'
  readonly detail: string
}

const DAY = 86_400
const POWER_MAX_W = 10_000_000

/** @throws DomainError malformed that names the condition */
export function checkConditions(conditions: OfferConditions): OfferConditions {
  const within = (field: keyof OfferConditions, atLeast: number, atMost: number, unit: string) => {
    const value = conditions[field]
    if (value === undefined) return
    const isWhole = typeof value === 'number' && Number.isSafeInteger(value)
    if (isWhole && value >= atLeast && value <= atMost) return
    const expected = `whole ${unit} from ${atLeast} to ${atMost}`
    throw fieldError('malformed', `offer.conditions.${field}`, expected, value)
  }
  within('noticeSeconds', 0, 30 * DAY, 'seconds')
  within('callsPerDayMax', 1, 96, 'calls')
  within('restSeconds', 0, 7 * DAY, 'seconds')
  within('powerMinW', 0, POWER_MAX_W, 'W')
  within('onSecondsMin', 0, DAY, 'seconds')
  return conditions
}

/** Which condition keeps a resource out of a call; null: none does. */
export function brokenCondition(
  conditions: OfferConditions,
  { window, timeZone, noticeSeconds }: Occasion,
  others: readonly OtherCall[],
): BrokenCondition | null {
  const { noticeSeconds: needed = 0, callsPerDayMax, restSeconds = 0 } = conditions
  if (needed > noticeSeconds) {
    const given = noticeSeconds === 0 ? 'it is told as the window begins' : `${noticeSeconds} s`
    return { reason: 'notice-too-short', detail: `needs ${needed} s of notice; given: ${given}` }
  }
  const counts = localDays(window, timeZone).map((day) => {
    return others.filter(({ start, end }) => start < day.end && end > day.start).length
  })
  const most = Math.max(...counts)
  if (callsPerDayMax !== undefined && most >= callsPerDayMax) {
    const detail = `takes ${callsPerDayMax} calls a day and has ${most}`
    return { reason: 'calls-per-day', detail }
  }
  const tooNear = others.find(
    ({ start, end }) =>
      start < addSeconds(window.end, restSeconds) && end > addSeconds(window.start, -restSeconds),
  )
  if (restSeconds === 0 || tooNear === undefined) return null
  const isBefore = tooNear.end <= window.start
  const between = isBefore
    ? secondsBetween(tooNear.end, window.start)
    : Math.max(0, secondsBetween(window.end, tooNear.start))
  const detail = `rests ${restSeconds} s between calls; ${between} s lie between this and another`
  return { reason: 'resting', detail }
}

/** From when until when other calls count for any of these conditions. */
export function spanAround(
  all: readonly OfferConditions[],
  { window, timeZone }: Pick<Occasion, 'window' | 'timeZone'>,
): TimeWindow {
  const rest = Math.max(0, ...all.map(({ restSeconds = 0 }) => restSeconds))
  const days = localDays(window, timeZone)
  return {
    start: instant(Math.min(...days.map(({ start }) => start), addSeconds(window.start, -rest))),
    end: instant(Math.max(...days.map(({ end }) => end), addSeconds(window.end, rest))),
  }
}

/** What it refuses to give less of, in words; null: it takes any part. */
export function leastPart(conditions: OfferConditions): string | null {
  const { allOrNothing, powerMinW = 0, onSecondsMin = 0 } = conditions
  if (allOrNothing === true) return 'all that it can or nothing'
  const least = powerMinW > 0 ? [`at least ${powerMinW} W`] : []
  if (onSecondsMin > 0) least.push(`for at least ${onSecondsMin} s`)
  return least.length === 0 ? null : least.join(' ')
}

/** Every local day of which a window has a part: of one over midnight there are two. */
function localDays(window: TimeWindow, timeZone: string): TimeWindow[] {
  const days = [localDay(window.start, timeZone)]
  for (let last = days[0]; last !== undefined && last.end < window.end; last = days.at(-1)) {
    days.push(localDay(last.end, timeZone))
  }
  return days
}

function localDay(at: Instant, timeZone: string): TimeWindow {
  const start = dayStart(localDate(at, timeZone), timeZone).at
  return { start, end: sameLocalTime(start, -1, timeZone) }
}

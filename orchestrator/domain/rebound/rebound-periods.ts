import type { ReboundPeriod } from '../rebound.ts'
import { addSeconds, floorToStep, type Instant, instant } from '../time.ts'

/** Longer than this nobody is held back after a window. */
export const REBOUND_SECONDS_MAX = 12 * 3600
/** Over longer than this nobody's coming back is spread. */
export const RESTART_SECONDS_MAX = 3600
/** So many times at which devices come back at the most, over the time of their restart. */
const STEPS_MAX = 10
/** Departures are taken to the whole minute before them. */
const MINUTE = 60

/** Over how many equal steps devices come back one after the other, and how long each is. */
export type RestartSteps = { readonly count: number; readonly seconds: number }

/** Whole control cycles, as many as fit: sooner than in the next one nobody could be told. */
export function restartSteps(restartSeconds: number, controlCycleSeconds: number): RestartSteps {
  const cycles = Math.max(1, Math.ceil(restartSeconds / STEPS_MAX / controlCycleSeconds))
  const seconds = cycles * controlCycleSeconds
  return { count: Math.max(1, Math.floor(restartSeconds / seconds)), seconds }
}

/**
 * Which step each device comes back in: in their order, so that every step brings back about the
 * same power. W; the first step is the window's end itself.
 */
export function stepsInOrder(powersW: readonly number[], count: number): number[] {
  const allW = powersW.reduce((sum, power) => sum + power, 0)
  let beforeW = 0
  return powersW.map((powerW) => {
    const step = allW === 0 ? 0 : Math.min(count - 1, Math.floor((beforeW * count) / allW))
    beforeW += powerW
    return step
  })
}

/**
 * The time after a window in stretches over which nothing changes: the steps of the restart, then
 * settlement periods, split where a car leaves and where the room changes.
 */
export function reboundPeriods(
  from: Instant,
  {
    steps,
    periodSeconds,
    departures,
    changes = [],
    roomOf,
  }: {
    readonly steps: RestartSteps
    readonly periodSeconds: number
    readonly departures: readonly Instant[]
    /** Instants at which the room is another one, because others take more or less. */
    readonly changes?: readonly Instant[]
    /** W for the devices of a plan; null: nobody said. */
    readonly roomOf: (start: Instant, end: Instant) => number | null
  },
): ReboundPeriod[] {
  const end = addSeconds(from, REBOUND_SECONDS_MAX)
  const bounds = new Set<Instant>([from, end])
  for (let k = 1; k <= steps.count; k += 1) bounds.add(addSeconds(from, k * steps.seconds))
  const first = floorToStep(from, periodSeconds)
  for (let at = first; at < end; at = addSeconds(at, periodSeconds)) bounds.add(at)
  for (const at of departures) bounds.add(floorToStep(at, MINUTE))
  for (const at of changes) bounds.add(at)
  const sorted = [...bounds].filter((at) => at >= from && at <= end).sort((a, b) => a - b)
  return sorted.slice(1).map((until, k) => {
    const start = instant(sorted[k] as number)
    return { start, end: until, roomW: roomOf(start, until) }
  })
}

import type { BaselineInput } from '#domain/baseline/input.ts'
import {
  type AdjustTable,
  adjusted,
  adjustmentIntervals,
  canBeBent,
  clip,
  mean,
  meanAt,
} from './adjust.ts'
import { stampOf } from './calendar.ts'
import { chosenDays, type DayTable, placeOf, whAt } from './days.ts'

/** Wh per period of the window, not rounded; null where there is no baseline. */
export type Oracle = (input: BaselineInput) => number[] | null

/** X of Y with or without an in-day adjustment. */
export function ofDays(table: DayTable, adjust: AdjustTable | null): Oracle {
  return (input) => {
    if (adjust !== null && canBeBent(adjust, input)) return null
    const intervals = adjust === null ? [] : adjustmentIntervals(adjust, input)
    const days = chosenDays(table, intervals, input)
    if (days === null) return null
    const unadjusted = input.periodStarts.map((start) =>
      meanAt(placeOf(start, input), days, table.weights, input),
    )
    if (unadjusted.includes(null)) return null
    if (adjust === null) return unadjusted as number[]
    return adjusted(unadjusted as number[], adjust, days, input)
  }
}

/** Shape of the days, level of the last so many seconds before the window. */
export function stateBased(
  table: DayTable,
  levelSeconds: number,
  low = Number.NEGATIVE_INFINITY,
  high = Number.POSITIVE_INFINITY,
): Oracle {
  return (input) => {
    if (input.notifiedAt !== null && input.notifiedAt < (input.periodStarts[0] ?? 0)) return null
    const before = back(input, levelSeconds, 0)
    const days = chosenDays(table, before, input)
    if (days === null) return null
    const usual = before.map((start) => meanAt(placeOf(start, input), days, undefined, input))
    const metered = before.map((start) => whAt(start, input))
    if (usual.includes(null) || metered.includes(null)) return null
    const then = mean(usual as number[])
    const factor = then <= 0 ? 1 : clip(mean(metered as number[]) / then, low, high)
    const shape = input.periodStarts.map((start) =>
      meanAt(placeOf(start, input), days, undefined, input),
    )
    if (shape.includes(null)) return null
    return (shape as number[]).map((wh) => wh * factor)
  }
}

/** Hours of the same day before and after the window, held flat. */
export function sameDay(
  before: readonly [number, number] | null,
  after: readonly [number, number] | null,
): Oracle {
  return (input) => {
    const starts: number[] = []
    const told = input.notifiedAt ?? Number.POSITIVE_INFINITY
    const windowStart = input.periodStarts[0] ?? 0
    if (before !== null && told < windowStart - before[1] * 3_600_000) return null
    if (after !== null && told < windowStart) return null
    if (before !== null) starts.push(...back(input, before[0] * 3600, before[1] * 3600))
    if (after !== null) {
      const step = input.resolutionSeconds * 1000
      const end = (input.periodStarts.at(-1) ?? 0) + step
      const until = end + Math.max(...after) * 3_600_000
      for (let at = end + Math.min(...after) * 3_600_000; at < until; at += step) starts.push(at)
    }
    const values = starts.map((start) => whAt(start, input))
    if (values.length === 0 || values.includes(null)) return null
    return input.periodStarts.map(() => mean(values as number[]))
  }
}

/** Intervals from so many to so many seconds before the window. */
function back(input: BaselineInput, fromSeconds: number, untilSeconds: number): number[] {
  const windowStart = input.periodStarts[0] ?? 0
  const starts: number[] = []
  const until = windowStart - untilSeconds * 1000
  for (let at = windowStart - fromSeconds * 1000; at < until; ) {
    starts.push(at)
    at += input.resolutionSeconds * 1000
  }
  return starts
}

export const zero: Oracle = (input) => input.periodStarts.map(() => 0)

export const nominated: Oracle = (input) => {
  const filed = input.periodStarts.map((start) => input.nominated?.whAt(start) ?? null)
  return filed.includes(null) ? null : (filed as number[])
}

/** W of one device in the slot of the local day that the period begins in, times the devices. */
export const deemed: Oracle = (input) => {
  const { deemed: told, resolutionSeconds, timeZone } = input
  if (told === undefined) return null
  const slotMinutes = 1440 / told.profileW.length
  return input.periodStarts.map((start) => {
    const slot = Math.floor(stampOf(start, timeZone).minute / slotMinutes)
    return ((told.profileW[slot] ?? 0) * told.count * resolutionSeconds) / 3600
  })
}

export const firmLevel: Oracle = (input) => {
  const level = input.firmLevelW
  if (level === undefined) return null
  return input.periodStarts.map(() => (level * input.resolutionSeconds) / 3600)
}

export const lastReading: Oracle = (input) => {
  const power = input.lastReadingW ?? null
  const isTold = input.notifiedAt !== null && input.notifiedAt < (input.periodStarts[0] ?? 0)
  if (power === null || isTold) return null
  return input.periodStarts.map(() => (power * input.resolutionSeconds) / 3600)
}

export function controlGroup(atLeast: number): Oracle {
  return (input) => {
    const { control } = input
    if (control === undefined || control.controlCount < atLeast) return null
    const drawn = input.periodStarts.map((start) => control.series.whAt(start))
    if (drawn.includes(null)) return null
    return (drawn as number[]).map((wh) => (wh / control.controlCount) * control.count)
  }
}

import type { BaselineInput } from '#domain/baseline/input.ts'
import { copiesOf, type Place, placeOf, whAt } from './days.ts'

/** An in-day adjustment in the words of the reference. */
export type AdjustTable = {
  readonly how: 'add' | 'times'
  /** What the hours count back from. */
  readonly before: 'window' | 'notice'
  readonly fromHours: number
  readonly untilHours: number
  /** Of the factor: 0.8 to 1.2. Of the shift: shares of the mean baseline in the window. */
  readonly low: number
  readonly high: number
}

/** Whoever is told of the window before the adjustment ends can bend what it reads. */
export function canBeBent(table: AdjustTable, input: BaselineInput): boolean {
  if (table.before === 'notice' || input.notifiedAt === null) return false
  const ends = (input.periodStarts[0] ?? 0) - table.untilHours * 3_600_000
  return ends > input.notifiedAt
}

/** The intervals of the adjustment on the call's own day, in elapsed time. */
export function adjustmentIntervals(table: AdjustTable, input: BaselineInput): number[] {
  const step = input.resolutionSeconds * 1000
  const windowStart = input.periodStarts[0] ?? 0
  const noticed = Math.floor((input.notifiedAt ?? windowStart) / step) * step
  const anchor = table.before === 'window' ? windowStart : Math.min(noticed, windowStart)
  const starts: number[] = []
  const until = anchor - table.untilHours * 3_600_000
  for (let at = anchor - table.fromHours * 3_600_000; at < until; at += step) starts.push(at)
  return starts
}

/** The mean of the chosen days in one place of the day: every copy enters it. */
export function meanAt(
  place: Place,
  days: readonly string[],
  weights: readonly number[] | undefined,
  input: BaselineInput,
): number | null {
  let sum = 0
  let count = 0
  for (const [index, date] of days.entries()) {
    for (const start of copiesOf(place, date, input)) {
      const weight = weights?.[index] ?? 1
      sum += weight * (whAt(start, input) ?? 0)
      count += weight
    }
  }
  return count === 0 ? null : sum / count
}

/** The unadjusted baseline moved to the level of the day; null where a reading is missing. */
export function adjusted(
  unadjusted: readonly number[],
  table: AdjustTable,
  days: readonly string[],
  input: BaselineInput,
): number[] | null {
  const intervals = adjustmentIntervals(table, input)
  const metered = intervals.map((start) => whAt(start, input))
  const usual = intervals.map((start) => meanAt(placeOf(start, input), days, undefined, input))
  if (metered.includes(null) || usual.includes(null)) return null
  const now = mean(metered as number[])
  const then = mean(usual as number[])
  if (table.how === 'times' && input.signed !== true) {
    const factor = then <= 0 ? 1 : clip(now / then, table.low, table.high)
    return unadjusted.map((wh) => wh * factor)
  }
  // A ratio says nothing of a meter that feeds in: the cap of the factor is one of the shift then.
  const [low, high] =
    table.how === 'times' ? [table.low - 1, table.high - 1] : [table.low, table.high]
  const reference = Math.abs(mean(unadjusted))
  const shift = clip(now - then, cap(low, reference), cap(high, reference))
  return unadjusted.map((wh) => wh + shift)
}

function cap(share: number, reference: number): number {
  return Number.isFinite(share) ? share * reference : share
}

export function clip(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}

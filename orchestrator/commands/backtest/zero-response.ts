import { type Outcome, totalWh } from './accuracy.ts'

/** The share of the baseline that a window has to exceed before anything is paid. */
export const DEAD_BAND_PERCENT = 5

/**
 * What a fleet that did nothing would be paid for, % of its load, with all of the baseline ordered
 * in every placebo window.
 */
export type ZeroResponse = {
  /** Every window on its own: what is below the baseline is paid, what is above costs nothing. */
  readonly eachWindow: number
  /** Paid is what exceeds the dead band, window by window. */
  readonly deadBand: number
  /** Signed results are carried through the calendar month; what is left above zero is paid. */
  readonly carriedInMonth: number
  /** The signed sum itself. */
  readonly signed: number
}

/** null where nothing was consumed. */
export function zeroResponse(outcomes: readonly Outcome[]): ZeroResponse | null {
  const months = new Map<string, number>()
  let load = 0
  let eachWindow = 0
  let deadBand = 0
  for (const { placebo, baselineWh } of outcomes) {
    const baseline = totalWh(baselineWh)
    const metered = totalWh(placebo.meteredWh)
    const delivered = baseline - metered
    const month = placebo.date.slice(0, 7)
    load += metered
    eachWindow += Math.max(0, delivered)
    deadBand += Math.max(0, delivered - (Math.abs(baseline) * DEAD_BAND_PERCENT) / 100)
    months.set(month, (months.get(month) ?? 0) + delivered)
  }
  if (load <= 0) return null
  const sums = [...months.values()]
  const percent = (wh: number) => (100 * wh) / load
  return {
    eachWindow: percent(eachWindow),
    deadBand: percent(deadBand),
    carriedInMonth: percent(totalWh(sums.map((sum) => Math.max(0, sum)))),
    signed: percent(totalWh(sums)),
  }
}

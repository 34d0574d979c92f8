import { computeBaseline } from '#domain/baseline/engine.ts'
import type { BaselineInput, BaselineRefusal } from '#domain/baseline/input.ts'
import type { BaselineMethod } from '#domain/baseline/method.ts'
import type { PlaceboWindow } from './placebo.ts'

/** Baseline and meter over one placebo window, Wh. */
export type Outcome = {
  readonly placebo: PlaceboWindow
  readonly baselineWh: readonly number[]
}

/** How far a method is off where nothing was dispatched. */
export type Accuracy = {
  /** Root of the mean squared error over all periods of all windows, % of the mean load. */
  readonly rrmsePercent: number
  /** Mean error, % of the mean load; + is a baseline that is too high. */
  readonly biasPercent: number
  readonly windows: number
}

/** What a method says to every placebo window, and how often it refuses, by reason. */
export type Run = {
  readonly outcomes: readonly Outcome[]
  readonly refusals: ReadonlyMap<BaselineRefusal, number>
}

export function runMethod(
  method: BaselineMethod,
  placebos: readonly PlaceboWindow[],
  inputOf: (placebo: PlaceboWindow) => BaselineInput,
): Run {
  const outcomes: Outcome[] = []
  const refusals = new Map<BaselineRefusal, number>()
  for (const placebo of placebos) {
    const result = computeBaseline(method, inputOf(placebo))
    if (result.kind === 'baseline') {
      outcomes.push({ placebo, baselineWh: result.periods.map(({ wh }) => wh) })
    } else {
      refusals.set(result.reason, (refusals.get(result.reason) ?? 0) + 1)
    }
  }
  return { outcomes, refusals }
}

/** null where no window was counted, or nothing was consumed in them. */
export function accuracyOf(outcomes: readonly Outcome[]): Accuracy | null {
  let squared = 0
  let error = 0
  let load = 0
  let periods = 0
  for (const { placebo, baselineWh } of outcomes) {
    for (const [period, metered] of placebo.meteredWh.entries()) {
      const off = (baselineWh[period] ?? 0) - metered
      squared += off * off
      error += off
      load += metered
      periods += 1
    }
  }
  if (periods === 0 || load === 0) return null
  return {
    rrmsePercent: (100 * Math.sqrt(squared / periods)) / (Math.abs(load) / periods),
    biasPercent: (100 * error) / Math.abs(load),
    windows: outcomes.length,
  }
}

/** Sum over the window, Wh. */
export function totalWh(values: readonly number[]): number {
  return values.reduce((sum, wh) => sum + wh, 0)
}

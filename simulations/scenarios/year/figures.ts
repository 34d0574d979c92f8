import { chanceOfAtLeast } from '#domain/reliability/beta.ts'
import type { YearCall } from './play.ts'
import { PROMISED_RISK } from './policy.ts'

export type YearFigures = {
  readonly calls: number
  readonly short: number
  readonly shortShare: number
  /** The counts of short calls between which 95 % of years lie that keep the promise. */
  readonly interval: readonly [number, number]
  readonly isInside: boolean
  /** Means over calls, of what was ordered: held beyond it, and called beyond it. */
  readonly overHeld: number
  readonly overCalled: number
  /** Of what was requested. */
  readonly promisedShare: number
  /** Of the ordered energy, what was missing in short calls included. */
  readonly energyShare: number
  /** Pinball loss of the margin's own quantile, of what was ordered. */
  readonly pinball: number
}

export function figuresOf(calls: readonly YearCall[]): YearFigures {
  const mean = (of: (call: YearCall) => number) =>
    calls.reduce((sum, call) => sum + of(call), 0) / calls.length
  const short = calls.filter(({ wasShort }) => wasShort).length
  const interval = promisedInterval(calls.length, PROMISED_RISK)
  return {
    calls: calls.length,
    short,
    shortShare: short / calls.length,
    interval,
    isInside: interval[0] <= short && short <= interval[1],
    overHeld: mean(({ heldW, orderedW }) => heldW / orderedW - 1),
    overCalled: mean(({ calledW, orderedW }) => calledW / orderedW - 1),
    promisedShare: mean(({ orderedW, requestedW }) => orderedW / requestedW),
    energyShare: mean(energyShareOf),
    pinball: mean((call) => pinball(call.surelyW, call.couldW, PROMISED_RISK) / call.orderedW),
  }
}

/** What counts as delivered goes no further than what was ordered, minute by minute. */
function energyShareOf({ minutes, orderedW }: YearCall): number {
  const sum = minutes.reduce(
    (all, { orderedPartW, repairedPartW }) =>
      all + Math.min(orderedW, orderedPartW + repairedPartW),
    0,
  )
  return sum / (minutes.length * orderedW)
}

/** Charges what lies above a quantile by its level, what lies below it by the rest. */
export function pinball(quantile: number, value: number, level: number): number {
  return value >= quantile ? level * (value - quantile) : (1 - level) * (quantile - value)
}

/**
 * Counts of a binomial between its 2.5 % and 97.5 % quantiles, both included. A Beta as narrow as this
 * one is a chance that is known.
 */
export function promisedInterval(count: number, chance: number): readonly [number, number] {
  const known = { alpha: chance * 1e6, beta: (1 - chance) * 1e6 }
  const atMost = (k: number) => 1 - chanceOfAtLeast(k + 1, count, known)
  const first = (level: number) => {
    let k = 0
    while (k < count && atMost(k) < level) k += 1
    return k
  }
  return [first(0.025), first(0.975)]
}

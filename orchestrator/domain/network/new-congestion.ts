import type { TimeWindow } from '../time.ts'
import { type BusLoad, type Feeder, type FeederFlow, loadsWith } from './feeder.ts'
import { sweepFlow } from './sweep.ts'

/**
 * Kept free at both ends of the voltage band: the model knows one phase and no load exactly. It also
 * is more than LinDistFlow errs by (0.0028 pu on the 33-bus feeder of Baran and Wu).
 */
export const VOLTAGE_MARGIN_PU = 0.005

/** A limit that is broken anyway counts as broken further from this much on: less is arithmetic. */
const WORSE_SHARE = 1e-4
const WORSE_PU = 1e-5

/** An interval of the window, or of the time after it in which devices take back what they gave. */
export type LoadedInterval = TimeWindow & {
  readonly part: 'window' | 'rebound'
  /** What every bus draws without the call, in the feeder's order. */
  readonly loads: readonly BusLoad[]
  /** What the call changes at a bus, W; + is more consumption. */
  readonly changes: ReadonlyMap<number, number>
}

/** A limit that a call would break, or break further. */
export type NewCongestion = TimeWindow & {
  readonly part: LoadedInterval['part']
  readonly kind: 'branch' | 'voltage-low' | 'voltage-high' | 'no-solution'
  /** The branch or bus; null where there is no solution at all. */
  readonly element: string | null
  /** VA or per unit; with the call, without it, and what is allowed. */
  readonly withCall: number | null
  readonly withoutCall: number | null
  readonly limit: number | null
}

/**
 * What a call would congest anew, in its window and in its rebound: a limit that holds without the call
 * and not with it, or one that was broken and is broken further. What it merely fails to cure is none.
 */
export function newCongestions(
  feeder: Feeder,
  intervals: readonly LoadedInterval[],
  marginPu = VOLTAGE_MARGIN_PU,
): NewCongestion[] {
  return intervals.flatMap(({ start, end, part, loads, changes }) => {
    const before = sweepFlow(feeder, loads)
    const after = sweepFlow(feeder, loadsWith(loads, changes))
    const found = after === null ? noSolution(before) : broken(feeder, before, after, marginPu)
    return found.map((one) => ({ start, end, part, ...one }))
  })
}

type Broken = Omit<NewCongestion, keyof TimeWindow | 'part'>

/** A feeder that collapses with or without the call is not the call's doing. */
function noSolution(before: FeederFlow | null): Broken[] {
  if (before === null) return []
  const none = { element: null, withCall: null, withoutCall: null, limit: null }
  return [{ kind: 'no-solution', ...none }]
}

function broken(
  feeder: Feeder,
  before: FeederFlow | null,
  after: FeederFlow,
  marginPu: number,
): Broken[] {
  const branches = feeder.branches.flatMap(({ id, limitVa }, index): Broken[] => {
    if (limitVa === null) return []
    const withCall = apparentVa(after, index)
    const withoutCall = before === null ? null : apparentVa(before, index)
    if (withCall <= Math.max(limitVa, (withoutCall ?? 0) * (1 + WORSE_SHARE))) return []
    return [{ kind: 'branch', element: id, withCall, withoutCall, limit: limitVa }]
  })
  const low = feeder.voltageMinPu + marginPu
  const high = feeder.voltageMaxPu - marginPu
  const voltages = feeder.buses.flatMap(({ id }, index): Broken[] => {
    const withCall = after.voltagePu[index] ?? Number.NaN
    const withoutCall = before?.voltagePu[index] ?? null
    const told = { element: id, withCall, withoutCall }
    if (withCall < Math.min(low, (withoutCall ?? low) - WORSE_PU)) {
      return [{ kind: 'voltage-low', ...told, limit: low }]
    }
    if (withCall > Math.max(high, (withoutCall ?? high) + WORSE_PU)) {
      return [{ kind: 'voltage-high', ...told, limit: high }]
    }
    return []
  })
  return [...branches, ...voltages]
}

/** What a branch carries at its end nearer the root, VA. */
export function apparentVa({ branchW, branchVar }: FeederFlow, branch: number): number {
  return Math.hypot(branchW[branch] ?? 0, branchVar[branch] ?? 0)
}

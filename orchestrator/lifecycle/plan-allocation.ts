import { allocationProgram } from '#domain/allocation/allocation-program.ts'
import { beyondAllWh, greedyPlan, relaxed } from '#domain/allocation/greedy-plan.ts'
import { inSteps, withStepEnergies } from '#domain/allocation/in-steps.ts'
import {
  costOf,
  dearestEffectOf,
  lateSentence,
  type Limits,
  type Method,
  methodSentence,
  NO_CHEAPER,
  pricedCost,
  type Plan,
  solverReasons,
  tooLargeSentence,
  type Wanted,
} from '#domain/allocation/limits.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { STEP_W } from '#domain/allocation/offers.ts'
import { toppedUp } from '#domain/allocation/topped-up.ts'
import { isWithin } from '#domain/allocation/within-limits.ts'
import { DomainError } from '#domain/errors.ts'
import type { Solver } from '#ports.ts'

/** Costs that differ by less are the same. */
const EQUAL = 1e-9
/** As near to the optimum as a program with binaries is solved. */
const NEAR = 1e-3
/** More devices times periods than this no solver answers while a gate closes. */
const CELLS_MAX = 20_000

/** A plan in whole W, nearly all of it in whole steps, how it was found, and why in that way. */
export type PlannedAllocation = Plan & { readonly method: Method; readonly because: string }

/**
 * Allocates at the least cost. Plain merit order is tried first: where it costs no more than the
 * exact greedy without the limits that trouble it, it is the optimum, or as near to it as the solver
 * would come. Else the greedy allocates where it is exact, or the solver, which begins from merit
 * order; and merit order after all where the call is too large for the solver, or where whole steps
 * cost the other its advantage. All of that depends on the call alone. The deadline (wall ms) is
 * there so that no gate waits for ever: what the solver has found by then is taken where it is
 * within all limits and costs less than merit order. Which one it was is told. Powers are whole
 * steps, but for those that serve what whole steps would leave open.
 */
export async function planAllocation(
  solver: Solver,
  offered: readonly Limits[],
  wanted: Wanted,
  { deadlineMs, priceCap }: { readonly deadlineMs: number; readonly priceCap?: number },
): Promise<PlannedAllocation> {
  const devices = withStepEnergies(offered, wanted, STEP_W)
  const cap = priceCap === undefined ? {} : { priceCap }
  const reasons = solverReasons(devices, wanted)
  const told = (method: Method, plan: Plan): PlannedAllocation => {
    return { ...plan, method, because: methodSentence(method, reasons) }
  }
  const rounding = { ...cap, stepW: STEP_W }
  const whole = (plan: Plan) => toppedUp(devices, wanted, plan, rounding)
  const begun = meritFill(devices, wanted, rounding)
  const plain = whole(begun)
  const cost = (plan: Plan) => pricedCost(devices, wanted, plan)
  const free = relaxed(devices, wanted)
  let unavoidableWh = beyondAllWh(devices, wanted, priceCap)
  if (free !== null) {
    const best = greedyPlan(free, wanted, priceCap)
    unavoidableWh = Math.max(unavoidableWh, best.unservedWh)
    const least = pricedCost(free, wanted, best)
    const beyond = cost(plain) - least
    if (beyond <= least * EQUAL + roundingCost(devices, wanted)) return told('merit-order', plain)
    // What nobody can serve costs any plan the same: it would make all of them look alike.
    const isNear = reasons.length > 0 && beyond <= costOf(free, wanted, best) * NEAR
    if (isNear) return told('merit-order-near', plain)
  }
  const noCheaper: PlannedAllocation = { ...plain, method: 'merit-order', because: NO_CHEAPER }
  if (reasons.length === 0) {
    const exact = greedyPlan(devices, wanted, priceCap)
    const greedy = whole(inSteps(devices, wanted, exact, STEP_W))
    return cost(greedy) < cost(plain) ? told('greedy', greedy) : noCheaper
  }
  const isTooLarge = devices.length * wanted.powerW.length > CELLS_MAX
  if (isTooLarge) {
    return { ...plain, method: 'merit-order-late', because: tooLargeSentence(reasons) }
  }
  const { from, plan } = allocationProgram(devices, wanted, priceCap, unavoidableWh)
  try {
    const { values, isOptimal, isLate } = await solver.solve(from(begun), deadlineMs)
    const found = whole(inSteps(devices, wanted, plan(values), STEP_W))
    const isBetter = cost(found) < cost(plain) && isWithin(devices, wanted, found)
    if (isLate !== true) {
      return isBetter ? told(isOptimal ? 'solver' : 'solver-stopped', found) : noCheaper
    }
    if (!isBetter) return told('merit-order-late', plain)
    return { ...found, method: 'solver-stopped', because: lateSentence(reasons) }
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'unavailable') throw error
    return told('merit-order-late', plain)
  }
}

/** What the last W of each period may cost at most: no power is less than a whole W. */
function roundingCost(devices: readonly Limits[], wanted: Wanted): number {
  const hours = wanted.hours.reduce((sum, each) => sum + each, 0)
  return (hours * dearestEffectOf(devices)) / 1_000
}

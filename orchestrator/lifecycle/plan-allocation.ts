import { allocationProgram } from '#domain/allocation/allocation-program.ts'
import { greedyPlan } from '#domain/allocation/greedy-plan.ts'
import { inSteps } from '#domain/allocation/in-steps.ts'
import {
  type Limits,
  type Method,
  methodSentence,
  type Plan,
  solverReasons,
  type Wanted,
} from '#domain/allocation/limits.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { DomainError } from '#domain/errors.ts'
import type { Solver } from '#ports.ts'

/** Orders are whole hundreds of W. */
const STEP_W = 100

/** A plan in whole steps, by which method it was found, and why by that one. */
export type PlannedAllocation = Plan & { readonly method: Method; readonly because: string }

/**
 * Allocates at the least cost: by the exact greedy where limits allow it, else by the solver, and
 * in plain merit order where the solver passes its deadline (wall ms). Which one it was is told.
 */
export async function planAllocation(
  solver: Solver,
  devices: readonly Limits[],
  wanted: Wanted,
  { deadlineMs, priceCap }: { readonly deadlineMs: number; readonly priceCap?: number },
): Promise<PlannedAllocation> {
  const reasons = solverReasons(devices, wanted)
  const told = (method: Method, plan: Plan): PlannedAllocation => ({
    ...inSteps(devices, wanted, plan, STEP_W),
    method,
    because: methodSentence(method, reasons),
  })
  if (reasons.length === 0) return told('greedy', greedyPlan(devices, wanted, priceCap))
  const { program, plan } = allocationProgram(devices, wanted, priceCap)
  try {
    return told('solver', plan(await solver.solve(program, deadlineMs)))
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'unavailable') throw error
    return told('merit-order', meritFill(devices, wanted, priceCap))
  }
}

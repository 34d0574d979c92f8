import { DomainError } from '#domain/errors.ts'
import { ownPartOf, type Together } from '#domain/rebound/together.ts'
import { reboundProgram } from '#domain/rebound/rebound-program.ts'
import {
  planRebound,
  type ReboundPeriod,
  type ReboundPlan,
  type Recovery,
} from '#domain/rebound.ts'
import type { Solver } from '#ports.ts'

/** Wall ms: devices that wait after a window are held at what they had for longer than this. */
const SOLVER_DEADLINE_MS = 2_000
/** More devices times periods than this no solver answers in that time. */
const CELLS_MAX = 5_000

/**
 * The plan of a rebound. Where it passes the room and might not have to, because devices that can
 * be held at nothing below a least were packed badly, the solver is asked; without its answer in
 * time the plan stays as it is, and says by how much the room is passed. What devices of other
 * calls that end together must have is left to them.
 */
export async function findRebound(
  solver: Solver,
  together: Together,
  periods: readonly ReboundPeriod[],
): Promise<ReboundPlan> {
  const all = [...together.own, ...together.others]
  return ownPartOf(await planOfAll(solver, all, periods), together, periods)
}

async function planOfAll(
  solver: Solver,
  recoveries: readonly Recovery[],
  periods: readonly ReboundPeriod[],
): Promise<ReboundPlan> {
  const plan = planRebound(recoveries, periods)
  const isLarge = recoveries.length * periods.length > CELLS_MAX
  if (plan.overshootW === 0 || isLarge) return plan
  const smooth = recoveries.map((one) => ({ ...one, minimumW: 0 }))
  if (planRebound(smooth, periods).overshootW >= plan.overshootW) return plan
  const { program, schedule } = reboundProgram(recoveries, periods)
  try {
    const { values } = await solver.solve(program, SOLVER_DEADLINE_MS)
    const packed = planRebound(recoveries, periods, schedule(values))
    return packed.overshootW < plan.overshootW ? packed : plan
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'unavailable') throw error
    return plan
  }
}

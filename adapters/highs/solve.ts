import loadHighs, { type Highs, type ModelData } from 'highs'

/** A program as arrays, where to begin, and how long HiGHS may take for it. */
export type Task = {
  readonly model: ModelData
  readonly start: Float64Array | null
  readonly timeLimitSeconds: number
  readonly workMax: number
}

/** The status in the solver's words, and the values of the columns where there are any. */
export type Answer = {
  readonly status: string
  readonly values: Float64Array | null
  /** False: it has done all the work that it may, and this is the best that it found. */
  readonly isOptimal: boolean
  /** Time, not work, has ended it: another machine might have found more. */
  readonly isLate: boolean
  /** No values within the rows cost less than this. */
  readonly costMin: number
}

/** The best so far of a program with binaries, said while the search goes on. */
export type Found = Pick<Answer, 'costMin'> & { readonly values: Float64Array }

/** Of what is found, so near to the optimum programs with binaries are solved: under 0.1 % of it. */
const MIP_GAP = 9e-4
/** What an iteration and its share of the search around it cost in a program of no size at all. */
const WORK_AT_LEAST = 20_000
/** HiGHS's own word for a point within all rows. */
const FEASIBLE = 2

/** Takes some 50 ms: the library is WebAssembly. */
export function load(): Promise<Highs> {
  // Its types say CommonJS, where the function would be a member; what is loaded is a module.
  return (loadHighs as unknown as typeof loadHighs.default)()
}

/** Solves without yielding; what it finds on the way is said as soon as it is found. */
export function solve(highs: Highs, task: Task, say?: (found: Found) => void): Answer {
  const { model, start, timeLimitSeconds } = task
  const { offset = 0 } = model
  const { modelStatus: statuses, callbackType } = highs.constants
  const iterations = iterationsOf(task)
  const solver = highs.createModel()
  try {
    solver.options.set({
      output_flag: false,
      time_limit: timeLimitSeconds,
      mip_rel_gap: MIP_GAP,
    })
    if (iterations < Number.POSITIVE_INFINITY) {
      solver.options.set({ simplex_iteration_limit: iterations })
    }
    solver.passModel(model)
    if (start !== null) solver.setSolution({ colValue: start })
    const { modelStatus } = solver.run({
      [callbackType.mipInterrupt](event) {
        if ((event.data.mip_total_lp_iterations ?? 0n) > iterations) event.interrupt()
      },
      [callbackType.mipImprovingSolution]({ data }) {
        const { mip_solution: values, mip_dual_bound: least = Number.NEGATIVE_INFINITY } = data
        if (values !== undefined) say?.({ values, costMin: least - offset })
      },
    })
    const [status = 'unknown'] =
      Object.entries(statuses).find(([, code]) => code === modelStatus) ?? []
    const isOptimal = modelStatus === statuses.optimal
    const isLate = modelStatus === statuses.timeLimit
    const isFound = (isLate || modelStatus === statuses.interrupted) && isFeasible()
    const values = isOptimal || isFound ? solver.getSolution().colValue : null
    return { status, values, isOptimal, isLate, costMin: costMin() }
  } finally {
    solver.dispose()
  }

  function costMin(): number {
    const isMip = model.integrality !== undefined
    return Number(solver.info.get(isMip ? 'mip_dual_bound' : 'objective_function_value')) - offset
  }

  function isFeasible(): boolean {
    return Number(solver.info.get('primal_solution_status')) === FEASIBLE
  }
}

/**
 * Iterations of the simplex that the work allows: each costs more in a larger program. A program
 * without binaries ends by itself.
 */
function iterationsOf({ model, workMax }: Task): number {
  if (model.integrality === undefined) return Number.POSITIVE_INFINITY
  return Math.floor(workMax / (model.numRows + model.numCols + WORK_AT_LEAST))
}

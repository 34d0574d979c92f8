import { DomainError } from '#domain/errors.ts'
import type { Solver } from '#ports.ts'

/** None: a simulated world has no threads. Whoever asks it goes by merit order, and says so. */
export function createSimulatedSolver(): Solver {
  return {
    solve: () => Promise.reject(new DomainError('unavailable', 'this world has no solver')),
  }
}

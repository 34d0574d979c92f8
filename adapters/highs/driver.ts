import { Worker } from 'node:worker_threads'
import type { LinearProgram } from '#domain/allocation/linear-program.ts'
import { DomainError } from '#domain/errors.ts'
import type { Solver, Timer } from '#ports.ts'
import { lpText } from './wire.ts'
import type { Answer, Task } from './solve.ts'

/**
 * HiGHS in a thread of its own for each program: it computes without ever yielding, and its memory
 * only grows, so the thread ends with the answer, or with the deadline. Nothing is loaded before.
 */
export function createHighsSolver(timer: Timer): Solver {
  return {
    async solve(program: LinearProgram, deadlineMs: number) {
      const task: Task = {
        text: lpText(program),
        columns: program.columns.length,
        timeLimitSeconds: deadlineMs / 1_000,
      }
      const thread = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task })
      try {
        const { status, values } = await timer.deadline(answerOf(thread), deadlineMs, 'HiGHS')
        if (values === null) throw new DomainError('unavailable', `HiGHS: ${status}`)
        return values
      } finally {
        await thread.terminate()
      }
    },
  }
}

function answerOf(thread: Worker): Promise<Answer> {
  return new Promise((resolve, reject) => {
    thread.once('message', (answer: Answer) => resolve(answer))
    thread.once('error', (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      reject(new DomainError('unavailable', `HiGHS: ${why}`))
    })
    thread.once('exit', (code) => {
      reject(new DomainError('unavailable', `HiGHS: its thread ended with ${code}`))
    })
  })
}

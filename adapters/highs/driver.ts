import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { LinearProgram } from '#domain/allocation/linear-program.ts'
import { DomainError } from '#domain/errors.ts'
import type { Solver, Timer } from '#ports.ts'
import type { Answer, Found, Task } from './solve.ts'
import { modelOf } from './wire.ts'
import type { Said } from './worker.ts'

/**
 * Iterations of the simplex times the size of the program that one program with binaries may take:
 * work that a machine of 2020 does in some 2 s. What is found by then depends on the program alone.
 */
const WORK_MAX = 1e8

/**
 * HiGHS in a thread of its own for each program: it computes without ever yielding, and its memory
 * only grows, so the thread ends with the answer, or with the deadline. Nothing is loaded before.
 * What the thread has found by its deadline it has said by then, and that is taken.
 */
export function createHighsSolver(timer: Timer, workMax = WORK_MAX): Solver {
  return {
    async solve(program: LinearProgram, deadlineMs: number) {
      const { start = null } = program
      const task: Task = {
        model: modelOf(program),
        start: start === null ? null : Float64Array.from(start),
        timeLimitSeconds: deadlineMs / 1_000,
        workMax,
      }
      const thread = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task })
      let best: Found | null = null
      const answer = answerOf(thread, (found) => {
        best = found
      })
      try {
        const { status, values, isOptimal, isLate, costMin } = await timer.deadline(
          answer,
          deadlineMs,
          'HiGHS',
        )
        if (values === null) throw new DomainError('unavailable', `HiGHS: ${status}`)
        return { values, isOptimal, costMin, ...(isLate ? { isLate } : {}) }
      } catch (error) {
        // What was said while this thread was busy is heard a turn after the deadline.
        await turn()
        const found = best as Found | null
        if (found === null) throw error
        return { ...found, isOptimal: false, isLate: true }
      } finally {
        await thread.terminate()
      }
    },
  }
}

function answerOf(thread: Worker, hear: (found: Found) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    thread.on('message', (said: Said) => {
      if ('answer' in said) resolve(said.answer)
      else hear(said.found)
    })
    thread.once('error', (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      reject(new DomainError('unavailable', `HiGHS: ${why}`))
    })
    thread.once('exit', (code) => {
      reject(new DomainError('unavailable', `HiGHS: its thread ended with ${code}`))
    })
  })
}

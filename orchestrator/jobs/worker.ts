import type { CallId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { BullWakeUps } from './queue.ts'

/** Wall time: a call that takes longer gives its place to the others; the reconciler looks again. */
const ADVANCE_DEADLINE_MS = 60_000

export type AdvanceCall = (ports: Ports, callId: CallId) => Promise<Instant | null>

export type WorkerOptions = {
  readonly ports: Ports
  readonly wakeUps: BullWakeUps
  readonly advanceCall: AdvanceCall
  /** Calls that are advanced at the same time. */
  readonly concurrency?: number
}

/**
 * Advances each call whose wake-up is due and queues its next instant. A failure is logged and
 * left to the reconciler's next tick: the queue retries nothing and keeps nothing.
 */
export function createWorker({ ports, wakeUps, advanceCall, concurrency = 4 }: WorkerOptions): {
  stop(): Promise<void>
} {
  const { timer, log } = ports
  return wakeUps.work(concurrency, async (due) => {
    const { callId } = due
    try {
      const advancing = advanceCall(ports, callId)
      const next = await timer.deadline(advancing, ADVANCE_DEADLINE_MS, `call ${callId}`)
      if (next !== null) await wakeUps.wakeAgain(due, next)
    } catch (error) {
      log.error('a call could not be advanced', { callId, error: String(error) })
    }
  })
}

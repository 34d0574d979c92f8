import type { CallId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import { type Loop, startLoop } from './loop.ts'
import { openCalls } from './open-calls.ts'
import type { AdvanceCall } from './worker.ts'

/** Wall time. What a lost queue costs at most. */
const TICK_MS = 5000
const ADVANCE_DEADLINE_MS = 60_000
const AT_ONCE = 4

export type ReconcilerOptions = {
  readonly ports: Ports
  readonly advanceCall: AdvanceCall
  readonly tickMs?: number
}

/**
 * Advances every open call, at once and then at every tick, whatever the queue says, and queues
 * its next instant. This is why a job may get lost, and why an error needs no retry of its own.
 */
export function createReconciler({
  ports,
  advanceCall,
  tickMs = TICK_MS,
}: ReconcilerOptions): Loop {
  const stopping = new AbortController()
  const loop = startLoop(ports, 'the reconciler', tickMs, () =>
    reconcile(ports, advanceCall, stopping.signal),
  )
  return {
    async stop() {
      stopping.abort()
      await loop.stop()
    },
  }
}

async function reconcile(
  ports: Ports,
  advanceCall: AdvanceCall,
  signal: AbortSignal,
): Promise<void> {
  const waiting = await openCalls(ports)
  const advanceNext = async (): Promise<void> => {
    for (let callId = waiting.shift(); callId && !signal.aborted; callId = waiting.shift()) {
      await advanceOne(ports, advanceCall, callId)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, advanceNext))
}

async function advanceOne(ports: Ports, advanceCall: AdvanceCall, callId: CallId): Promise<void> {
  const { timer, wakeUps, log } = ports
  try {
    const advancing = advanceCall(ports, callId)
    const next = await timer.deadline(advancing, ADVANCE_DEADLINE_MS, `call ${callId}`)
    if (next !== null) await wakeUps.wakeCall(callId, next)
  } catch (error) {
    log.error('a call could not be advanced', { callId, error: String(error) })
  }
}

import type { IntentRow } from '#domain/chain.ts'
import type { Timer } from '#ports.ts'

export type Backlog = {
  /** Not signed yet, or waiting for their time. */
  readonly pending: number
  /** Signed, and not final yet. */
  readonly sent: number
  /** Wall seconds for which the oldest of these has been seen to wait; 0: there is none. */
  readonly oldestSeconds: number
  /** It waits for so long that somebody has to look at fees, key or node. */
  readonly isStuck: boolean
}

/** Wall time. */
const STUCK_SECONDS = 3_600

/** null: the outbox could not be read, and what was seen last counts on. */
export type OutboxWatch = { see(open: readonly IntentRow[] | null): Backlog }

/**
 * What of the outbox waits, and for how long this process has seen it wait: business time may run
 * faster, and nobody else's clock is asked.
 */
export function createOutboxWatch(timer: Pick<Timer, 'monotonicMs'>): OutboxWatch {
  const since = new Map<string, number>()
  let pending = 0
  return {
    see(open) {
      const now = timer.monotonicMs()
      if (open !== null) {
        const sent = open.filter(({ state }) => state === 'sent')
        const keys = new Set(sent.map(({ businessKey }) => businessKey))
        for (const key of since.keys()) if (!keys.has(key)) since.delete(key)
        for (const key of keys) if (!since.has(key)) since.set(key, now)
        pending = open.length - keys.size
      }
      const oldestSeconds = (now - Math.min(now, ...since.values())) / 1000
      const isStuck = oldestSeconds > STUCK_SECONDS
      return { pending, sent: since.size, oldestSeconds, isStuck }
    },
  }
}

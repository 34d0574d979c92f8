import { setTimeout as delay } from 'node:timers/promises'
import { DomainError } from '#domain/errors.ts'
import type { Timer } from '#ports.ts'

/** Real wall time, for tests that talk to real processes. */
export const wallTimer: Timer = {
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
  async deadline(promise, ms, what) {
    const controller = new AbortController()
    const late = delay(ms, undefined, { signal: controller.signal }).then(() => {
      throw new DomainError('unavailable', `${what}: no answer within ${ms} ms`)
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      controller.abort()
      await late.catch(() => undefined) // cut short, or reported by the race already
    }
  },
  every(ms, _what, run) {
    const controller = new AbortController()
    const loop = (async () => {
      while (!controller.signal.aborted) {
        await run()
        await delay(ms, undefined, { signal: controller.signal }).catch(() => undefined)
      }
    })()
    return {
      async stop() {
        controller.abort()
        await loop
      },
    }
  },
}

import { setTimeout as delay } from 'node:timers/promises'
import { DomainError } from '#domain/errors.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { Clock, Timer } from '#ports.ts'

/** business = businessMs + (wall now - wallMs) × speed. */
export type Anchor = {
  readonly wallMs: number
  readonly businessMs: Instant
  readonly speed: number
}

export type AnchoredClock = Clock & {
  readonly anchor: Anchor | null
  /** From here on business time runs. */
  start(anchor: Anchor): void
}

/** The machine's time, for what is signed for a few minutes of wall time. */
export const wallMs = (): number => Date.now()

/** Real use: business time is the machine's. */
export function createMachineClock(): Clock {
  return { speed: 1, now: () => instant(Date.now()) }
}

/** A simulated scenario: business time stands at its start until the anchor is set. */
export function createAnchoredClock(start: Instant, anchor: Anchor | null): AnchoredClock {
  let current = anchor
  return {
    get speed() {
      return current?.speed ?? 1
    },
    get anchor() {
      return current
    },
    start(next) {
      current = next
    },
    now() {
      if (current === null) return start
      const elapsedMs = Math.max(0, Date.now() - current.wallMs)
      return instant(Math.floor(current.businessMs + elapsedMs * current.speed))
    },
  }
}

/** The machine's own time. */
export function createWallTimer(): Timer {
  return {
    monotonicMs: () => performance.now(),
    sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
    // As little as possible: gateways set thousands of deadlines a second, nearly none passes.
    deadline: (promise, ms, what) =>
      new Promise((resolve, reject) => {
        const late = () => {
          reject(new DomainError('unavailable', `${what}: no answer within ${ms} ms`))
        }
        const timeout = setTimeout(late, ms)
        promise.then(
          (value) => {
            clearTimeout(timeout)
            resolve(value)
          },
          (error: unknown) => {
            clearTimeout(timeout)
            reject(error as Error)
          },
        )
      }),
    every(ms, _what, run) {
      const stopped = new AbortController()
      const loop = (async () => {
        while (!stopped.signal.aborted) {
          await run()
          await delay(ms, undefined, { signal: stopped.signal }).catch(() => undefined)
        }
      })()
      return {
        async stop() {
          stopped.abort()
          await loop
        },
      }
    },
  }
}

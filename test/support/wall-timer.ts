import { createWallTimer } from '#processes/wall-time.ts'
import type { Timer } from '#ports.ts'

/** Real wall time, for tests that talk to real processes. */
export const wallTimer = createWallTimer()

/** Wall time in which pauses, and what recurs, are so many times as short; deadlines stay whole. */
export function quickTimer(times: number): Timer {
  return {
    ...wallTimer,
    sleep: (ms, signal) => wallTimer.sleep(ms / times, signal),
    every: (ms, what, run) => wallTimer.every(ms / times, what, run),
  }
}

import type { Log, Timer } from '#ports.ts'

/** Wall time. What still runs then is left to end by itself: each step has a deadline. */
const STOP_DEADLINE_MS = 8000

export type Loop = { stop(): Promise<void> }

/** Runs work at once and then after every pause, one run at a time; a failure is only logged. */
export function startLoop(
  { timer, log }: { readonly timer: Timer; readonly log: Log },
  name: string,
  pauseMs: number,
  run: () => Promise<void>,
): Loop {
  const ticks = timer.every(pauseMs, name, async () => {
    try {
      await run()
    } catch (error) {
      log.error(`${name} failed and goes on`, { error: String(error) })
    }
  })
  return {
    async stop() {
      try {
        await timer.deadline(ticks.stop(), STOP_DEADLINE_MS, name)
      } catch (error) {
        log.warn(`${name} did not stop in time`, { error: String(error) })
      }
    },
  }
}

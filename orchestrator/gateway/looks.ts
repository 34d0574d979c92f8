import type { Log } from '#ports.ts'

/** One look at a time. */
export type Looks = {
  /** Looks now, or again as soon as the look that runs is over. */
  wake(): void
  /** Resolves when none runs; none begins any more. */
  stop(): Promise<void>
}

/** However often it is woken while a look runs, it looks once more. A failed look is logged. */
export function createLooks(look: () => Promise<void>, what: string, log: Log): Looks {
  let running: Promise<void> | null = null
  let isAsked = false
  let isStopped = false

  async function lookWhileAsked(): Promise<void> {
    while (isAsked && !isStopped) {
      isAsked = false
      try {
        await look()
      } catch (error) {
        log.error(`${what} failed`, { error: String(error) })
      }
    }
  }

  return {
    wake() {
      isAsked = true
      if (running !== null || isStopped) return
      running = lookWhileAsked().finally(() => {
        running = null
      })
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}

/**
 * Runs work at most once at a time, and once more if it was asked for meanwhile: a burst becomes
 * two runs, and whoever asked while one ran is served by one that began later.
 */
export function coalesce(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  const run = (): Promise<void> => {
    const mine = work().finally(() => {
      running = null
    })
    running = mine
    return mine
  }
  return () => {
    if (next !== null) return next // not begun yet
    if (running === null) return run()
    next = running.then(startNext, startNext)
    return next
  }
  function startNext(): Promise<void> {
    next = null
    return run()
  }
}

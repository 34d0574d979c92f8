import type { Log, Timer } from '#ports.ts'

/** Wall time between two looks at what waits for this party. */
const TICK_MS = 400

export type Running = { readonly stop: () => Promise<void> }

/** Goes on whatever happens: the service may be away for a while. */
export function keepLooking(timer: Timer, log: Log, look: () => Promise<void>): Running {
  let failures = 0
  const loop = timer.every(TICK_MS, 'verification', async () => {
    try {
      await look()
      failures = 0
    } catch (error) {
      failures += 1
      if (failures === 1) log.warn('could not look for work', { error: String(error) })
    }
  })
  return { stop: () => loop.stop() }
}

/** A setting without which a party cannot run. @throws Error naming it */
export function need(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
): string {
  const value = environment[name]
  if (value === undefined || value === '') throw new Error(`${name}: expected a value, got none`)
  return value
}

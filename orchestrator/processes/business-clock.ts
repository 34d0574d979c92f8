import type { Config } from '#config.ts'
import { awaitAnchor, readAnchor, writeAnchor } from '#db/clock-anchor.ts'
import type { Clock, Log, Timer } from '#ports.ts'
import { type AnchoredClock, createAnchoredClock, createMachineClock } from './wall-time.ts'

/** Wall time between two looks for an anchor that another process sets. */
const LOOK_MS = 200

type Database = { readonly url: string; readonly log: Log }

/** The anchor outlives the service: it stands in the database. */
export async function openClock(config: Config, database: Database): Promise<Clock> {
  if (config.clockStart === null) return createMachineClock()
  return createAnchoredClock(config.clockStart, await readAnchor(database))
}

/** Sets the clock of a process going as soon as another process has set the anchor. */
export function followClock(
  clock: Clock,
  database: Database,
  timer: Timer,
): { stop(): Promise<void> } {
  if (!isAnchored(clock) || clock.anchor !== null) return { stop: async () => undefined }
  const stopping = new AbortController()
  const pauses = async () => {
    await timer.sleep(LOOK_MS, stopping.signal).catch(() => undefined) // woken up to stop
    return !stopping.signal.aborted
  }
  const following = awaitAnchor(database, pauses).then((anchor) => {
    if (anchor !== null) clock.start(anchor)
  })
  return {
    async stop() {
      stopping.abort()
      await following
    },
  }
}

/** Starts the business clock for everybody; null in real use, where it is the machine's. */
export function clockStarter(clock: Clock, config: Config, database: Database) {
  if (!isAnchored(clock)) return null
  return async () => {
    if (clock.anchor === null) {
      const anchor = { wallMs: Date.now(), businessMs: clock.now(), speed: config.speed }
      await writeAnchor(database, anchor)
      clock.start(anchor)
    }
    return clock.anchor as NonNullable<AnchoredClock['anchor']>
  }
}

function isAnchored(clock: Clock): clock is AnchoredClock {
  return 'start' in clock
}

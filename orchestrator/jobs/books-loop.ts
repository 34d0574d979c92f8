import { addSeconds, type Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { type Loop, startLoop } from './loop.ts'

/** Wall time between two looks at the clock. */
const TICK_MS = 1000
/** Business time: while the books differ they are looked at this often. */
const ALARM_SECONDS = 300

export type BooksLoopOptions = {
  readonly ports: Ports
  readonly checkBooks: (ports: Ports) => Promise<{ readonly reconciled: boolean }>
  /** Business time between two checks. */
  readonly everySeconds: number
}

/** Has the books compared at once, and then every so often in business time. */
export function createBooksLoop({ ports, checkBooks, everySeconds }: BooksLoopOptions): Loop {
  let due: Instant | null = null
  return startLoop(ports, 'the comparison of the books', TICK_MS, async () => {
    const now = ports.clock.now()
    if (due !== null && now < due) return
    due = addSeconds(now, Math.min(everySeconds, ALARM_SECONDS)) // also where it cannot be done
    const { reconciled } = await checkBooks(ports)
    if (reconciled) due = addSeconds(now, everySeconds)
  })
}

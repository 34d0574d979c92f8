import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { type Loop, startLoop } from './loop.ts'
import { openCalls } from './open-calls.ts'

/** Wall time between two rounds with the chain; the local chain mines as often. */
const ROUND_MS = 250
/** Wall time: payouts are looked at this often even if nothing seems to be due. */
const PAYOUTS_MS = 1000
/** A chain that stays away is told of once, and then every so many rounds. */
const ROUNDS_BETWEEN_REPORTS = 240

export type AdvancePayouts = (ports: Ports) => Promise<Instant | null>

export type ChainLoopOptions = {
  readonly ports: Ports
  readonly advancePayouts: AdvancePayouts
  readonly roundMs?: number
}

/**
 * Lets the rail send, follow and read; what it read wakes every open call and the payouts.
 * An error of the rail or of the payouts ends neither the other nor the loop.
 */
export function createChainLoop(options: ChainLoopOptions): Loop {
  const { ports, advancePayouts, roundMs = ROUND_MS } = options
  const { clock, timer, rail } = ports
  const chain = reporting(ports, 'the chain')
  const payouts = reporting(ports, 'the payouts')
  let payoutsDue: Instant | null = null
  let payoutsSeenMs = Number.NEGATIVE_INFINITY
  const round = async () => {
    const news = await chain(async () => {
      const { newEvents } = await rail.advance()
      if (newEvents > 0) await wakeOpenCalls(ports)
      return newEvents > 0
    })
    const isDue = payoutsDue !== null && clock.now() >= payoutsDue
    if (!news && !isDue && timer.monotonicMs() - payoutsSeenMs < PAYOUTS_MS) return
    payoutsSeenMs = timer.monotonicMs()
    payoutsDue = (await payouts(() => advancePayouts(ports))) ?? null
  }
  return startLoop(ports, 'the chain loop', roundMs, round)
}

/** Which calls an event is about only the lifecycle knows; open calls are few. */
async function wakeOpenCalls(ports: Ports): Promise<void> {
  const { clock, wakeUps } = ports
  const now = clock.now()
  const open = await openCalls(ports)
  await Promise.all(open.map((callId) => wakeUps.wakeCall(callId, now)))
  await wakeUps.notify('chain')
}

/** Runs work whose failure is logged when it begins, from time to time, and when it ends. */
function reporting({ log }: Ports, what: string): <T>(work: () => Promise<T>) => Promise<T | null> {
  let failures = 0
  return async (work) => {
    try {
      const result = await work()
      if (failures > 0) log.info(`${what} answers again`, { failures })
      failures = 0
      return result
    } catch (error) {
      if (failures++ % ROUNDS_BETWEEN_REPORTS === 0) {
        log.error(`${what} could not be advanced`, { failures, error: String(error) })
      }
      return null
    }
  }
}

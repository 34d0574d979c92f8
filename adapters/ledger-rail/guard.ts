import type { PoolEvent, Pool } from './pool.ts'
import { Refusal, demand } from './refusal.ts'

const PAUSE_MAX = 7 * 86_400
/** Time left to settle after a pause that ended right at a request's deadline. */
const CATCH_UP = 86_400

/** Stops what is new: requests, first proposals, epochs. Every exit and every payment goes on. */
export async function pause({ books, setup, now }: Pool, until: number): Promise<PoolEvent[]> {
  const guard = await books.guard()
  const longest = Math.min(Math.floor(setup.refundGraceSeconds / 2), PAUSE_MAX)
  const limit = guard.pauseUsed ? guard.pauseLimit : now + longest
  demand(until <= limit, 'PauseTooLong', { until, limit })
  await books.saveGuard({ ...guard, pausedUntil: until, pauseLimit: limit, pauseUsed: true })
  return [{ kind: 'Paused', until, limit }]
}

/** Allows the next pause: none follows another by itself. */
export async function rearmPause({ books }: Pool): Promise<PoolEvent[]> {
  await books.saveGuard({ ...(await books.guard()), pauseUsed: false })
  return [{ kind: 'PauseRearmed' }]
}

/** @throws Refusal 'PoolPaused' */
export async function demandNotPaused({ books, now }: Pool): Promise<void> {
  const { pausedUntil: until } = await books.guard()
  if (now < until) throw new Refusal('PoolPaused', { until }, until)
}

/**
 * Last second for a first proposal, in Unix seconds. A pause may have taken the time up to the
 * deadline away: then it ends where the refund begins, which no pause moves.
 */
export async function proposeUntil({ books, setup }: Pool, settleBy: number): Promise<number> {
  const { pauseLimit } = await books.guard()
  return settleBy > pauseLimit + CATCH_UP ? settleBy : settleBy + setup.refundGraceSeconds
}

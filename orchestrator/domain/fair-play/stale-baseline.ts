import type { ResourceId } from '../ids.ts'
import { type Instant, secondsBetween } from '../time.ts'
import type { Finding } from './finding.ts'

const DAY = 86_400
/** So old may a baseline's newest day be: two weeks and a long weekend. */
const NEWEST_DAYS_MAX = 18
/** No day of a baseline is older: what was a habit then is none now. */
const OLDEST_DAYS_MAX = 60

/**
 * Who is called, or bids, day after day keeps the same old days as its baseline for ever: they are
 * excluded as call days and never replaced. Starts of the days that the baseline stands on.
 */
export function staleBaseline(
  resourceId: ResourceId,
  windowStart: Instant,
  dayStarts: readonly Instant[],
): Finding | null {
  if (dayStarts.length === 0) return null
  const daysAgo = (at: Instant) => Math.floor(secondsBetween(at, windowStart) / DAY)
  const ages = dayStarts.map(daysAgo)
  const [newest, oldest] = [Math.min(...ages), Math.max(...ages)]
  if (newest <= NEWEST_DAYS_MAX && oldest <= OLDEST_DAYS_MAX) return null
  return {
    resourceId,
    code: 'stale-baseline',
    severity: 'hold',
    detail: { newestDaysAgo: newest, oldestDaysAgo: oldest, days: ages.length },
  }
}

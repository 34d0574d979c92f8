import type { ResourceId } from '../ids.ts'
import { parseInstant, secondsBetween } from '../time.ts'
import type { Finding } from './finding.ts'

const DAY = 86_400
/** So old may a baseline's newest day be: two weeks and a long weekend. */
const NEWEST_DAYS_MAX = 18
/** No day of a baseline is older: what was a habit then is none now. */
const OLDEST_DAYS_MAX = 60

/**
 * Who is called, or bids, day after day keeps the same old days as its baseline for ever: they are
 * excluded as call days and never replaced. Local dates: of the window, and of the baseline's days.
 */
export function staleBaseline(
  resourceId: ResourceId,
  windowDate: string,
  dates: readonly string[],
): Finding | null {
  if (dates.length === 0) return null
  const midnight = (date: string) => parseInstant(`${date}T00:00:00Z`)
  const ages = dates.map((date) => secondsBetween(midnight(date), midnight(windowDate)) / DAY)
  const [newest, oldest] = [Math.min(...ages), Math.max(...ages)]
  if (newest <= NEWEST_DAYS_MAX && oldest <= OLDEST_DAYS_MAX) return null
  return {
    resourceId,
    code: 'stale-baseline',
    severity: 'hold',
    detail: { newestDaysAgo: newest, oldestDaysAgo: oldest, days: ages.length },
  }
}

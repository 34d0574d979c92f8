import type { CongestionRoom } from '../resource.ts'
import { addSeconds, type Instant, localMinuteOfDay } from '../time.ts'

const MINUTES_PER_DAY = 1440
/** No slot of a day is shorter than this. */
const SLOT_SECONDS_MIN = 900

/** What a plan of other devices takes at the same point, W. */
type TakenRoom = {
  readonly start: Instant
  readonly end: Instant
  readonly powerW: number
}

/**
 * The least room that a congestion point has between two instants for the devices of one plan, W:
 * its limit less what flows there anyway and less what other plans take. Negative: it is passed
 * already.
 */
export function roomBetween(
  { limitW, baseLoadW }: CongestionRoom,
  timeZone: string,
  taken: readonly TakenRoom[],
  { start, end }: { readonly start: Instant; readonly end: Instant },
): number {
  let baseW = Number.NEGATIVE_INFINITY
  for (let at = start; at < end; at = addSeconds(at, SLOT_SECONDS_MIN)) {
    baseW = Math.max(baseW, loadAt(baseLoadW, at, timeZone))
  }
  // A slot that begins in the last stretch, too.
  baseW = Math.max(baseW, loadAt(baseLoadW, addSeconds(end, -0.001), timeZone))
  const others = taken.filter((one) => one.start < end && one.end > start)
  return limitW - baseW - mostAtOnce(others)
}

function loadAt(baseLoadW: readonly number[], at: Instant, timeZone: string): number {
  const slot = Math.floor((localMinuteOfDay(at, timeZone) * baseLoadW.length) / MINUTES_PER_DAY)
  return baseLoadW[slot] ?? 0
}

/** The sum is largest where one of them begins. */
function mostAtOnce(taken: readonly TakenRoom[]): number {
  const sums = taken.map(({ start }) =>
    taken
      .filter((one) => one.start <= start && start < one.end)
      .reduce((sum, { powerW }) => sum + powerW, 0),
  )
  return Math.max(0, ...sums)
}

import { type AllocatedPeriod, type Allocation, periodAt } from './allocation.ts'
import type { Direction, Rating } from './resource.ts'
import { addSeconds, type Instant, secondsBetween } from './time.ts'

export type ToldDevice = {
  readonly rating: Rating
  readonly direction: Direction
  readonly controlCycleSeconds: number
}

/**
 * The period by which a device is told what to do at an instant; undefined: by none. One that asks
 * for more than what runs is told as long before it begins as the device takes to come to it from
 * what it gives by then, in whole control cycles, because nobody is told between two of them. One
 * that asks for less begins when it begins: what a slow device gives longer than it was to is not
 * paid, and what it gives too little nobody has.
 */
export function periodTold(
  allocation: Pick<Allocation, 'periods'>,
  { rating, direction, controlCycleSeconds }: ToldDevice,
  at: Instant,
): AllocatedPeriod | undefined {
  let told = periodAt(allocation, at)
  for (const period of allocation.periods) {
    if (period.start <= at) continue
    const cycles = Math.ceil(leadTo(period, allocation.periods, rating) / controlCycleSeconds)
    if (at < addSeconds(period.start, -cycles * controlCycleSeconds)) continue
    if (told === undefined || asksMore(period, told, direction)) told = period
  }
  return told
}

/**
 * Seconds before a period at which a device is told of it at the latest: when the line along which
 * it rises to the period's power leaves what it gives by an earlier one, or 0 W. Behind a period it
 * lets go along the same ramp, and turns back where the two lines meet. What it has not reached in
 * time it rises to all along, so it makes no difference there when it is told of more.
 */
function leadTo(period: AllocatedPeriod, all: readonly AllocatedPeriod[], rating: Rating): number {
  const { responseSeconds = 0, rampWattsPerSecondMax: ramp } = rating
  if (ramp === undefined) return responseSeconds
  const rises = all.flatMap(({ start, end, powerW }) => {
    if (start >= period.start) return []
    const rising = (period.powerW - powerW) / ramp
    if (rising > secondsBetween(start, period.start)) return []
    const letGo = secondsBetween(end, period.start)
    return [Math.max(0, rising < letGo ? (rising + letGo) / 2 : rising)]
  })
  return responseSeconds + Math.min(period.powerW / ramp, ...rises)
}

function asksMore(one: AllocatedPeriod, other: AllocatedPeriod, direction: Direction): boolean {
  return direction === 'reduce-import'
    ? one.setpointW < other.setpointW
    : one.setpointW > other.setpointW
}

import { type AllocatedPeriod, type Allocation, periodAt } from './allocation.ts'
import { leadSeconds } from './reaction.ts'
import type { Direction, Rating } from './resource.ts'
import { addSeconds, type Instant } from './time.ts'

export type ToldDevice = {
  readonly rating: Rating
  readonly direction: Direction
  readonly controlCycleSeconds: number
}

/**
 * The period by which a device is told what to do at an instant; undefined: by none. One that asks
 * for more than what runs is told as long before it begins as the device takes to come to it, in
 * whole control cycles, because nobody is told between two of them. One that asks for less begins
 * when it begins: what a slow device gives longer than it was to is not paid, and what it gives too
 * little nobody has.
 */
export function periodTold(
  allocation: Pick<Allocation, 'periods'>,
  { rating, direction, controlCycleSeconds }: ToldDevice,
  at: Instant,
): AllocatedPeriod | undefined {
  let told = periodAt(allocation, at)
  for (const period of allocation.periods) {
    if (period.start <= at) continue
    const cycles = Math.ceil(leadSeconds(rating, period.powerW) / controlCycleSeconds)
    if (at < addSeconds(period.start, -cycles * controlCycleSeconds)) continue
    if (told === undefined || asksMore(period, told, direction)) told = period
  }
  return told
}

function asksMore(one: AllocatedPeriod, other: AllocatedPeriod, direction: Direction): boolean {
  return direction === 'reduce-import'
    ? one.setpointW < other.setpointW
    : one.setpointW > other.setpointW
}

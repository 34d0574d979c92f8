import type { ReboundPeriod, Recovery } from '../rebound.ts'
import { secondsBetween } from '../time.ts'
import type { Needs, Room } from './latest-recovery.ts'

/** What cars are given in each period so that they are ready, found by somebody else. */
export type MustSchedule = {
  /** W, period by period: device i in period t at `t * devices + i`. */
  readonly powerW: Float64Array
  /** By which the room is passed for it, W. */
  readonly overW: number
}

export function roomsOf(periods: readonly ReboundPeriod[]): Room[] {
  return periods.map(({ start, end, roomW }) => {
    const powerW = roomW === null ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor(roomW))
    return { hours: secondsBetween(start, end) / 3600, powerW }
  })
}

/** Who has to have how much, and within how many periods; what no schedule at all could give. */
export function needsOf(
  recoveries: readonly Recovery[],
  periods: readonly ReboundPeriod[],
  rooms: readonly Room[],
): { readonly needs: Needs; readonly unreadyWh: number } {
  const count = recoveries.length
  const powerW = Float64Array.from(recoveries, ({ powerMaxW }) => powerMaxW)
  const energyWh = new Float64Array(count)
  const periodsThere = new Uint32Array(count)
  let unreadyWh = 0
  const hoursTo = [0]
  for (const { hours } of rooms) hoursTo.push((hoursTo.at(-1) as number) + hours)
  const end = periods.at(-1)?.end
  recoveries.forEach((one, i) => {
    const { readyBy, powerMaxW } = one
    if (readyBy === null || end === undefined) return
    const late = periods.findIndex((period) => period.end > readyBy)
    const there = late === -1 ? periods.length : late
    const afterWh = readyBy > end ? (powerMaxW * secondsBetween(end, readyBy)) / 3600 : 0
    const inTimeWh = Math.max(0, Math.min(one.neededWh, one.energyWh) - afterWh)
    const mostWh = powerMaxW * (hoursTo[there] as number)
    periodsThere[i] = there
    energyWh[i] = Math.min(inTimeWh, mostWh)
    unreadyWh += Math.max(0, inTimeWh - mostWh)
  })
  return { needs: { powerW, energyWh, periods: periodsThere }, unreadyWh }
}

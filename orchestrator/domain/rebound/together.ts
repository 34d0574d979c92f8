import type { ReboundPeriod, ReboundPlan, Recovery } from '../rebound.ts'
import { needsOf, roomsOf } from './needs.ts'

const NOTHING_WH = 1e-3

/** The devices of one call, and those of others whose windows end with its own. */
export type Together = {
  readonly own: readonly Recovery[]
  /** Nothing is planned for them yet; each call plans its own when its turn comes. */
  readonly others: readonly Recovery[]
}

/**
 * A call's own part of a plan of all whose windows end together: what the others must have is left
 * to them, so that whoever plans next finds it free. `plan`: of the own devices, then the others'.
 */
export function ownPartOf(
  plan: ReboundPlan,
  { own, others }: Together,
  periods: readonly ReboundPeriod[],
): ReboundPlan {
  if (others.length === 0) return plan
  const restarts = plan.restarts.slice(0, own.length)
  const rest = plan.restarts.slice(own.length)
  const mine = plan.periods.map(({ start, end, roomW }) => {
    const leftW = roomW === null ? null : roomW - powerIn(rest, start)
    return { start, end, roomW: leftW, powerW: powerIn(restarts, start) }
  })
  const last = mine.findLastIndex(({ end, powerW }) => {
    return powerW > 0 || restarts.some(({ restartsAt }) => restartsAt >= end)
  })
  const used = mine.slice(0, Math.max(1, last + 1))
  const overshoots = used.map(({ roomW, powerW }) => {
    return roomW === null ? 0 : powerW - Math.max(0, Math.floor(roomW))
  })
  const { unreadyWh } = needsOf(own, periods, roomsOf(periods))
  return {
    restarts,
    periods: used,
    overshootW: Math.max(0, ...overshoots),
    unreadyWh: Math.ceil(unreadyWh),
    leftWh: Math.ceil(leftOf(restarts, own)),
  }
}

function powerIn(restarts: ReboundPlan['restarts'], at: number): number {
  return restarts.reduce((sum, { takes = [] }) => {
    return sum + (takes.find(({ start, end }) => start <= at && at < end)?.powerW ?? 0)
  }, 0)
}

function leftOf(restarts: ReboundPlan['restarts'], own: readonly Recovery[]): number {
  return own.reduce((sum, { energyWh }, i) => {
    const takenWh = (restarts[i]?.takes ?? []).reduce((all, { start, end, powerW }) => {
      return all + (powerW * (end - start)) / 3_600_000
    }, 0)
    const leftWh = energyWh - takenWh
    return sum + (leftWh > NOTHING_WH ? leftWh : 0)
  }, 0)
}

import type { Allocation, AllocatedPeriod, Offerable, PeriodNeed } from './allocation.ts'
import type { ResourceId } from './ids.ts'
import type { Direction } from './resource.ts'
import { type Instant, secondsBetween } from './time.ts'

/** Whether a part may grow: one that stands in for another and has not been let go. */
export function mayGiveMore({ role, releasedAt }: Allocation): boolean {
  return role === 'repair' && releasedAt === null
}

/**
 * What a battery that already has a part can give beyond it, W and Wh: counted from the setpoint
 * that it has, less the energy that its part still takes. Nothing in a period without a part.
 */
export function beyond(
  part: Allocation,
  whole: Offerable,
  needs: readonly PeriodNeed[],
  direction: Direction,
): Offerable {
  const parts = needs.map((need) => partIn(part, need.start, need.end))
  const given = needs.reduce(
    (sum, { start, end }, i) => sum + ((parts[i]?.powerW ?? 0) * secondsBetween(start, end)) / 3600,
    0,
  )
  const { rating } = whole.candidate
  const left = (setpointW: number) =>
    direction === 'reduce-import' ? setpointW + rating.exportMaxW : rating.importMaxW - setpointW
  return {
    ...whole,
    fromW: parts.map((one, i) => one?.setpointW ?? whole.fromW[i] ?? 0),
    powerMaxW: parts.map((one, i) => {
      if (one === undefined) return 0
      return Math.max(0, Math.min(left(one.setpointW), (whole.powerMaxW[i] ?? 0) + one.powerW))
    }),
    energyMaxWh: Math.max(0, whole.energyMaxWh - given),
  }
}

/** The part in force at the end of a stretch; a part that grew in the middle has two there. */
export function partIn(
  { periods }: Pick<Allocation, 'periods'>,
  start: Instant,
  end: Instant,
): AllocatedPeriod | undefined {
  return periods.findLast((period) => period.start < end && period.end > start)
}

/** W of a period that a device which is held at its minimum does not give. */
export function belowFloorW({ powerW, setpointW }: AllocatedPeriod, floorW: number): number {
  return Math.max(0, Math.min(powerW, floorW - setpointW))
}

/** All parts, those that grew among them: from where more was ordered a period counts anew. */
export function withAdded(
  before: readonly Allocation[],
  added: readonly Allocation[],
): Allocation[] {
  const grown = before.map((part) => {
    const more = added.find(({ resourceId }) => resourceId === part.resourceId)
    return more === undefined ? part : { ...part, periods: grow(part.periods, more.periods) }
  })
  const known = new Set(before.map(({ resourceId }) => resourceId))
  return [...grown, ...added.filter(({ resourceId }) => !known.has(resourceId))]
}

/**
 * All parts, one of which gives so many W less from an instant on; without any left it ends there.
 */
export function withLess(
  parts: readonly Allocation[],
  {
    resourceId,
    from,
    byW,
  }: { readonly resourceId: ResourceId; readonly from: Instant; readonly byW: number },
  direction: Direction,
): Allocation[] {
  const sign = direction === 'reduce-import' ? 1 : -1
  const less = (period: AllocatedPeriod): AllocatedPeriod[] => {
    const goneW = Math.min(byW, period.powerW)
    const powerW = period.powerW - goneW
    const setpointW = period.setpointW + sign * goneW
    return powerW === 0 ? [] : [{ ...period, powerW, setpointW }]
  }
  return parts.map((part) => {
    if (part.resourceId !== resourceId) return part
    const periods = part.periods.flatMap((period) => {
      if (period.end <= from) return [period]
      if (period.start >= from) return less(period)
      return [{ ...period, end: from }, ...less({ ...period, start: from })]
    })
    return { ...part, periods }
  })
}

function grow(
  periods: readonly AllocatedPeriod[],
  more: readonly AllocatedPeriod[],
): AllocatedPeriod[] {
  return periods.flatMap((period) => {
    const extra = more.find(({ start, end }) => start < period.end && end > period.start)
    if (extra === undefined) return [period]
    const before = { ...period, end: extra.start }
    const { setpointW } = extra
    const after = { ...period, start: extra.start, powerW: period.powerW + extra.powerW, setpointW }
    return extra.start > period.start ? [before, after] : [{ ...after, start: period.start }]
  })
}

import type { Allocation, AllocatedPeriod, Offerable, PeriodNeed } from './allocation.ts'
import type { ResourceId } from './ids.ts'
import type { Direction } from './resource.ts'
import { type Instant, secondsBetween } from './time.ts'

/** Whether a part may grow: one that has not been let go, and is not held at a minimum. */
export function mayGiveMore({ releasedAt, floorW }: Allocation): boolean {
  return releasedAt === null && floorW === undefined
}

/** The power from which a device moved that was told a period's setpoint, W, + is import. */
export function movedFrom(
  { setpointW, powerW }: Pick<AllocatedPeriod, 'setpointW' | 'powerW'>,
  direction: Direction,
): number {
  return direction === 'reduce-import' ? setpointW + powerW : setpointW - powerW
}

/**
 * A part as its gate ordered it: without what the loop raised, and without the cuts that this left
 * inside the periods that begin at these instants.
 */
export function asAtGate(
  { periods }: Pick<Allocation, 'periods'>,
  starts: ReadonlySet<Instant>,
): AllocatedPeriod[] {
  const whole: AllocatedPeriod[] = []
  for (const { start, end, powerW, setpointW, atGate } of periods) {
    const ordered = { start, end, ...(atGate ?? { powerW, setpointW }) }
    const before = whole.at(-1)
    const isCut = before?.end === start && !starts.has(start)
    const isSame = before?.powerW === ordered.powerW && before.setpointW === ordered.setpointW
    if (before !== undefined && isCut && isSame) whole[whole.length - 1] = { ...before, end }
    else whole.push(ordered)
  }
  return whole
}

/**
 * What a device that already has a part can give beyond it, W and Wh: counted from the setpoint
 * that it has, less the energy that its part still takes. Nothing in a period without a part. Of a
 * battery the whole is what it can give from where it is now, of a charger from where it would be
 * without its part.
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
  const { rating, kind } = whole.candidate
  const left = (setpointW: number) =>
    direction === 'reduce-import' ? setpointW + rating.exportMaxW : rating.importMaxW - setpointW
  return {
    ...whole,
    fromW: parts.map((one, i) => one?.setpointW ?? whole.fromW[i] ?? 0),
    powerMaxW: parts.map((one, i) => {
      if (one === undefined) return 0
      const wholeW = whole.powerMaxW[i] ?? 0
      const mostW = kind === 'charger' ? wholeW - one.powerW : wholeW + one.powerW
      return Math.max(0, Math.min(left(one.setpointW), mostW))
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
    return more === undefined ? part : { ...part, periods: grow(part, more.periods) }
  })
  const known = new Set(before.map(({ resourceId }) => resourceId))
  return [...grown, ...added.filter(({ resourceId }) => !known.has(resourceId))]
}

/**
 * All parts, one of which gives so many W less from an instant on; without any left it ends there.
 * What the gate ordered stays, and a charger is not brought between 0 and its least power.
 */
export function withLess(
  parts: readonly Allocation[],
  {
    resourceId,
    from,
    byW,
    importMinW = 0,
  }: {
    readonly resourceId: ResourceId
    readonly from: Instant
    readonly byW: number
    /** Of a charger; absent: any power will do. */
    readonly importMinW?: number
  },
  direction: Direction,
): Allocation[] {
  const sign = direction === 'reduce-import' ? 1 : -1
  const less = (period: AllocatedPeriod, role: Allocation['role']): AllocatedPeriod[] => {
    const { start, end, atGate } = period
    const keptW = role === 'order' ? (atGate ?? period).powerW : 0
    const goneW = Math.min(byW, period.powerW - keptW)
    const powerW = period.powerW - goneW
    if (goneW === 0) return [period]
    if (powerW === 0) return []
    if (powerW === atGate?.powerW) return [{ start, end, ...atGate }]
    const setpointW = period.setpointW + sign * goneW
    return setpointW > 0 && setpointW < importMinW ? [period] : [{ ...period, powerW, setpointW }]
  }
  return parts.map((part) => {
    if (part.resourceId !== resourceId) return part
    const periods = part.periods.flatMap((period) => {
      if (period.end <= from) return [period]
      if (period.start >= from) return less(period, part.role)
      const after = less({ ...period, start: from }, part.role)
      return after[0]?.powerW === period.powerW ? [period] : [{ ...period, end: from }, ...after]
    })
    return { ...part, periods }
  })
}

function grow({ periods, role }: Allocation, more: readonly AllocatedPeriod[]): AllocatedPeriod[] {
  return periods.flatMap((period) => {
    const extra = more.find(({ start, end }) => start < period.end && end > period.start)
    if (extra === undefined) return [period]
    const before = { ...period, end: extra.start }
    const { powerW, setpointW, atGate = { powerW, setpointW } } = period
    const after: AllocatedPeriod = {
      start: extra.start,
      end: period.end,
      powerW: powerW + extra.powerW,
      setpointW: extra.setpointW,
      ...(role === 'order' ? { atGate } : {}),
    }
    return extra.start > period.start ? [before, after] : [{ ...after, start: period.start }]
  })
}

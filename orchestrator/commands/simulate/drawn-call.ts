import type { Allocation } from '#domain/allocation.ts'
import type { EvidenceBundle } from '#domain/evidence.ts'
import type { Rebound } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { measure } from '#domain/measurement.ts'
import type { ReboundPeriod } from '#domain/rebound.ts'
import { byResource, meanPower } from '#domain/telemetry.ts'
import { addSeconds, type Instant, localMinuteOfDay, secondsBetween } from '#domain/time.ts'
import type { AfterMoment, CallMoment, DrawnCall } from './call-picture.ts'

/** Of the width: nearer words under the axis would touch. */
const APART = 0.06

/**
 * A measured call as it is drawn, from its evidence alone: all that had a part in it, one moment
 * for each metering interval of its window. Where no reading tells, a device is at its baseline.
 * `rebound`: what follows the window, which no evidence holds.
 */
export function drawnCall(
  heading: string,
  bundle: EvidenceBundle,
  rebound: DrawnRebound | null = null,
): DrawnCall {
  const { program, request } = bundle.terms
  const step = program.meteringIntervalSeconds
  const { start, end } = request.window
  const moments = Array.from({ length: secondsBetween(start, end) / step }, (_, i) =>
    addSeconds(start, i * step),
  )
  const momentAt = momentsOf(bundle)
  const after = rebound === null ? [] : afterMoments(rebound, end, step)
  const last = addSeconds(end, after.length * step)
  const starts = request.periods.map((period) => period.start)
  const isWide = after.length > APART * (moments.length + after.length)
  const ticks = [...starts, end, ...(isWide ? [last] : [])].map((at) => ({
    at: secondsBetween(start, at) / step,
    words: clock(at, program.timeZone),
  }))
  return { heading, moments: moments.map(momentAt), after, ticks }
}

/** What the picture shows of the time after the window. */
export type DrawnRebound = {
  /** The end of what was measured. */
  readonly until: Instant
  /** At the baselines of the window's last stretch, over `from` to `until`; null: not known. */
  readonly baselineWh: number | null
  readonly from: Instant
  readonly periods: readonly (ReboundPeriod & {
    readonly powerW: number
    readonly measuredW: number | null
  })[]
}

/** null: nothing was planned, or it is not measured. */
export function drawnRebound(rebound: Rebound | undefined): DrawnRebound | null {
  if (rebound?.measured === undefined) return null
  const { from, until, baselineWh, periodsW } = rebound.measured
  const periods = rebound.periods.map((one, t) => ({ ...one, measuredW: periodsW[t] ?? null }))
  return { from, until, baselineWh, periods }
}

/** One per metering interval; each has the greatest power of its planned period. */
function afterMoments(
  { from, until, baselineWh, periods }: DrawnRebound,
  end: Instant,
  step: number,
): AfterMoment[] {
  const hours = secondsBetween(from, until) / 3600
  const count = Math.max(0, Math.round(secondsBetween(end, until) / step))
  return Array.from({ length: count }, (_, i) => {
    const middle = addSeconds(end, (i + 0.5) * step)
    const period = periods.find((one) => one.start <= middle && middle < one.end)
    const { powerW = null, measuredW = null, roomW = null } = period ?? {}
    const baselineW = baselineWh === null ? null : baselineWh / hours
    return { baselineW, plannedW: powerW, roomW, measuredW }
  })
}

function momentsOf(bundle: EvidenceBundle): (at: Instant) => CallMoment {
  const { allocations, terms } = bundle
  const { request, program, orderedW } = terms
  const seconds = program.settlementPeriodSeconds
  const baselines = baselinesOf(bundle)
  const readings = byResource(bundle.readings)
  const sign = request.direction === 'reduce-import' ? 1 : -1
  return (at) => {
    const index = request.periods.findLastIndex(({ start }) => start <= at)
    const until = addSeconds(at, program.meteringIntervalSeconds)
    let [baselineW, measuredW, standInsW] = [0, 0, 0]
    for (const allocation of allocations) {
      const { resourceId } = allocation
      const expectedW = baselines.get(resourceId)?.[index] ?? 0
      const flowedW = meanPower(readings.get(resourceId) ?? [], at, until, seconds) ?? expectedW
      baselineW += expectedW
      measuredW += flowedW
      if (standsIn(allocation, at)) standInsW += expectedW - flowedW
    }
    return {
      baselineW,
      requestedW: baselineW - sign * (request.periods[index]?.powerW ?? 0),
      orderedW: baselineW - sign * (orderedW[index] ?? 0),
      measuredW,
      withoutRepairW: measuredW + standInsW,
    }
  }
}

/** W per settlement period of everybody with a part, also while it had none yet. */
function baselinesOf({ terms, allocations, before, readings }: EvidenceBundle) {
  const seconds = terms.program.settlementPeriodSeconds
  const periods = terms.request.periods.map(({ start }) => {
    return { start, end: addSeconds(start, seconds), powerW: 0, setpointW: 0 }
  })
  const whole = allocations.map(({ resourceId }): Allocation => {
    return { resourceId, role: 'order', periods, releasedAt: null }
  })
  const found = new Map<ResourceId, number[]>()
  for (const { resourceId, baselineWh } of measure({
    allocations: whole,
    before,
    readings,
    terms,
  })) {
    const mine = found.get(resourceId) ?? []
    found.set(resourceId, [...mine, (baselineWh * 3600) / seconds])
  }
  return found
}

function standsIn({ role, periods }: Allocation, at: Instant): boolean {
  return role === 'repair' && periods.some(({ start, end }) => start <= at && at < end)
}

function clock(at: Instant, timeZone: string): string {
  const minute = localMinuteOfDay(at, timeZone)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}

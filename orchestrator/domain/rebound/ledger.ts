import { activatedPart } from '../activated-parts.ts'
import type { AllocatedPeriod, Candidate } from '../allocation.ts'
import { takenBackFor } from '../battery-losses.ts'
import { deliveryEnd, type FlexibilityCall, isComingBack } from '../flexibility-call.ts'
import type { ResourceId } from '../ids.ts'
import type { TakenPower } from '../rebound.ts'
import { addSeconds, type Instant, secondsBetween } from '../time.ts'

/**
 * What devices of a call take back at the most at its congestion point, by its plan, or by what
 * they gave where they came back without one: after an activation, as their part ended inside the
 * window, or as the program says no more.
 * `counts`: whether nobody has told a device something else since, so that it is this call's still.
 */
export function takenBy(
  call: FlexibilityCall,
  counts: (resourceId: ResourceId) => boolean,
  now: Instant,
): TakenPower[] {
  if (call.request.direction !== 'reduce-import') return []
  const { rebound, activations, allocations, candidates } = call
  const restarts = rebound?.restarts ?? []
  const planned = new Map(
    restarts.flatMap(({ resourceId, takes }) => {
      return takes === undefined ? [] : [[resourceId, takes] as const]
    }),
  )
  // Planned before it was kept what each device takes.
  const isOld = planned.size === 0 && rebound !== undefined && rebound.periods.length > 0
  if (isOld) return isComingBack(call) ? [...rebound.periods] : []
  const byPlan = [...planned].flatMap(([id, takes]) => (counts(id) ? takes : []))
  const allEnded = activations !== undefined || (planned.size === 0 && comeAtOnce(call, now))
  const end = deliveryEnd(call)
  const byId = new Map(candidates.map((one) => [one.resourceId, one]))
  const byThemselves = allocations.flatMap(({ resourceId, releasedAt }) => {
    const candidate = byId.get(resourceId)
    if (candidate === undefined || releasedAt !== null || planned.has(resourceId)) return []
    if (!counts(resourceId)) return []
    const run = lastRun(activatedPart(call, resourceId)?.periods ?? [], end, now)
    // Who had no part in the last period came back before the window ended.
    const isBack = run !== null && (allEnded || run.end < end)
    return isBack ? takenAfter(candidate, run) : []
  })
  return [...byPlan, ...byThemselves]
}

/** Its window is over, and nothing plans the return of its devices by what they take. */
function comeAtOnce(call: FlexibilityCall, now: Instant): boolean {
  const { program, releasedAt, windowStartCommitment } = call
  if (windowStartCommitment === null) return false
  return releasedAt !== null || (program.restartSeconds === undefined && now >= deliveryEnd(call))
}

type Run = {
  readonly start: Instant
  readonly end: Instant
  readonly gaveWh: number
  readonly powerW: number
}

/** The last unbroken run of periods that is over; null: none is, or another one goes on. */
function lastRun(periods: readonly AllocatedPeriod[], until: Instant, now: Instant): Run | null {
  const begun = periods.flatMap((period): Run[] => {
    const end = period.end < until ? period.end : until
    if (period.start >= end || period.start > now) return []
    const gaveWh = (period.powerW * secondsBetween(period.start, end)) / 3600
    return [{ start: period.start, end, gaveWh, powerW: period.powerW }]
  })
  const last = begun.at(-1)
  if (last === undefined || last.end > now) return null
  let { start, gaveWh } = last
  for (const before of begun.slice(0, -1).toReversed()) {
    if (before.end !== start) break
    start = before.start
    gaveWh += before.gaveWh
  }
  return { ...last, start, gaveWh }
}

function takenAfter({ kind, rating }: Candidate, { end, gaveWh, powerW }: Run): TakenPower[] {
  const isBattery = kind === 'battery'
  const backW = isBattery ? rating.importMaxW : powerW
  if (backW <= 0 || gaveWh <= 0) return []
  const backWh = isBattery ? takenBackFor(gaveWh) : gaveWh
  return [{ start: end, end: addSeconds(end, Math.ceil((backWh / backW) * 3600)), powerW: backW }]
}

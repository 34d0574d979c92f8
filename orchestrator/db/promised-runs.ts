import type { ResourceId } from '#domain/ids.ts'
import type { PromisedPeriod } from '#domain/promised.ts'
import { addSeconds, type Instant, secondsBetween } from '#domain/time.ts'

/**
 * Unbroken settlement periods of one length: one row, because what the exclusion constraint costs it
 * costs per row, and an order has thousands of resources with many periods each.
 */
export type PromisedRun = {
  readonly resourceId: ResourceId
  readonly runStart: Instant
  readonly runEnd: Instant
  readonly periodSeconds: number
}

/** No run is longer, s: whoever looks for promises at an instant need not look further back. */
export const LONGEST_RUN_SECONDS = 86_400

/** As few runs as hold the periods, ordered by resource and start; those too that overlap. */
export function runsOf(periods: readonly PromisedPeriod[]): PromisedRun[] {
  const runs: PromisedRun[] = []
  for (const { resourceId, periodStart, periodEnd } of periods.toSorted(byResourceAndStart)) {
    const periodSeconds = secondsBetween(periodStart, periodEnd)
    const last = runs.at(-1)
    const isNext =
      last?.resourceId === resourceId &&
      last.runEnd === periodStart &&
      last.periodSeconds === periodSeconds &&
      secondsBetween(last.runStart, periodEnd) <= LONGEST_RUN_SECONDS
    if (isNext) runs[runs.length - 1] = { ...last, runEnd: periodEnd }
    else runs.push({ resourceId, runStart: periodStart, runEnd: periodEnd, periodSeconds })
  }
  return runs
}

/** The periods of a run, in order. */
export function periodsOf(run: PromisedRun): PromisedPeriod[] {
  const { resourceId, runStart, runEnd, periodSeconds } = run
  const count = secondsBetween(runStart, runEnd) / periodSeconds
  return Array.from({ length: count }, (_, i) => ({
    resourceId,
    periodStart: addSeconds(runStart, i * periodSeconds),
    periodEnd: addSeconds(runStart, (i + 1) * periodSeconds),
  }))
}

function byResourceAndStart(a: PromisedPeriod, b: PromisedPeriod): number {
  if (a.resourceId !== b.resourceId) return a.resourceId < b.resourceId ? -1 : 1
  return a.periodStart - b.periodStart
}

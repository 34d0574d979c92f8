import { likeDays, methodFor } from '#domain/baseline.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { rawCurve } from '#domain/measurement.ts'
import type { BaselineMethod } from '#domain/program.ts'
import type { Resource } from '#domain/resource.ts'
import { byResource, type Reading } from '#domain/telemetry.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

export type History = {
  readonly curves: ReadonlyMap<
    ResourceId,
    { readonly method: BaselineMethod; readonly baselineW: readonly number[] }
  >
  /** The readings on the period boundaries of the days that the curves stand on. */
  readonly history: readonly Reading[]
}

/** Reads back like day by like day, newest first, until every raw curve stands. */
export async function readHistory(
  tx: StoreTransaction,
  call: FlexibilityCall,
  resources: readonly Resource[],
): Promise<History> {
  const { program, request } = call
  const starts = request.periods.map((period) => period.start)
  const curves = new Map<ResourceId, { method: BaselineMethod; baselineW: readonly number[] }>()
  const open = new Map<ResourceId, { method: BaselineMethod; days: number; kept: Reading[] }>()
  for (const resource of resources) {
    const method = methodFor(program, resource.kind)
    curves.set(resource.id, { method, baselineW: [] })
    if (method.name === 'mean-of-like-days') open.set(resource.id, { method, days: 0, kept: [] })
  }
  const called = await callDays(tx, [...open.keys()], starts)
  for (const day of likeDays(starts, program.timeZone, () => false)) {
    const boundaries = boundariesOf(day.periodStarts, program.settlementPeriodSeconds)
    const waiting = [...open].filter(([id, entry]) => isWanted(id, entry, day.periodStarts, called))
    if (waiting.length === 0) continue
    // A meter off the clock's raster has its values on either side of a boundary.
    const gap = program.settlementPeriodSeconds
    const first = addSeconds(boundaries[0] as Instant, -gap)
    const last = addSeconds(boundaries.at(-1) as Instant, gap)
    const ids = waiting.map(([id]) => id)
    const readings = byResource(await tx.readings.between(ids, first, last))
    for (const [id, entry] of waiting) {
      const mine = aroundBoundaries(readings.get(id) ?? [], boundaries, gap)
      if (mine === null) continue // incomplete: the day drops out
      entry.days += 1
      entry.kept.push(...mine)
    }
  }
  const history: Reading[] = []
  for (const [id, { method, kept }] of [...open].sort(([a], [b]) => (a < b ? -1 : 1))) {
    kept.sort((a, b) => a.at - b.at)
    history.push(...kept)
    curves.set(id, { method, baselineW: rawCurve(program, method, starts, kept) })
  }
  return { curves, history }
}

function isWanted(
  id: ResourceId,
  entry: { method: BaselineMethod; days: number },
  starts: readonly Instant[],
  called: ReadonlySet<string>,
): boolean {
  const enough = entry.method.name === 'mean-of-like-days' && entry.days >= entry.method.days
  return !enough && !starts.some((start) => called.has(`${id} ${start}`))
}

/**
 * The readings that tell the register at each boundary: its own, else its two neighbours where they
 * are no further apart than a period. null: at one of them it cannot be known.
 */
function aroundBoundaries(
  readings: readonly Reading[],
  boundaries: readonly Instant[],
  gapSeconds: number,
): Reading[] | null {
  const kept = new Set<Reading>()
  for (const boundary of boundaries) {
    const i = readings.findIndex(({ at }) => at >= boundary)
    const [before, after] = [readings[i - 1], readings[i]]
    if (after === undefined) return null
    kept.add(after)
    if (after.at === boundary) continue
    if (before === undefined || after.at - before.at > gapSeconds * 1000) return null
    kept.add(before)
  }
  return [...kept]
}

function boundariesOf(starts: readonly Instant[], periodSeconds: number): Instant[] {
  return [...new Set(starts.flatMap((start) => [start, addSeconds(start, periodSeconds)]))].sort(
    (a, b) => a - b,
  )
}

/** Periods in which a resource was called before: such days are no measure of its habit. */
async function callDays(
  tx: StoreTransaction,
  ids: readonly ResourceId[],
  starts: readonly Instant[],
): Promise<ReadonlySet<string>> {
  const first = starts[0]
  if (first === undefined || ids.length === 0) return new Set()
  const from = addSeconds(first, -50 * 86_400)
  const taken = await tx.promises.taken(ids, from, first)
  return new Set(taken.map(({ resourceId, periodStart }) => `${resourceId} ${periodStart}`))
}

import type { Allocation } from '#domain/allocation.ts'
import type { BusinessEventInput } from '#domain/business-event.ts'
import { isWithinBand, type Verdict } from '#domain/compliance.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import type { FlexibilityCall, Repair } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { atPoint, effectsOf } from '#domain/network-effect.ts'
import { withPassedOver } from '#domain/passed-over.ts'
import { belowFloorW, mayGiveMore, partIn } from '#domain/reserve.ts'
import type { Rating } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { announceRepair } from './announce-repair.ts'
import { openNeeds, takeFromReserve } from './take-from-reserve.ts'

type Cycle = {
  readonly tx: StoreTransaction
  readonly now: Instant
  /** W that a device had been told to give as the cycle began. */
  readonly toldW: (resourceId: ResourceId) => number
  readonly rows: ReadonlyMap<ResourceId, SetpointRow>
  readonly verdicts: ReadonlyMap<ResourceId, Verdict>
  readonly events: BusinessEventInput[]
}

/**
 * Chargers that were found not to go to 0 are held at their minimum for the rest of the window: their
 * driver has found that out, or they rest there. They keep their part, of which the meter tells how
 * much they give; what lies below the minimum is ordered from the reserve. Safe to run twice.
 */
export async function holdAtMinimum(call: FlexibilityCall, cycle: Cycle): Promise<FlexibilityCall> {
  if (call.request.direction !== 'reduce-import') return call
  const ratings = new Map(
    call.candidates
      .filter(({ kind, rating }) => kind === 'charger' && rating.pausable)
      .map(({ resourceId, rating }) => [resourceId, rating]),
  )
  const open = call.allocations
    .filter((one) => mayGiveMore(one) && ratings.has(one.resourceId))
    .map(({ resourceId }) => resourceId)
  if (open.length === 0) return call
  const known = await cycle.tx.resources.capabilities(open)
  const found = new Map(known.map((one) => [one.resourceId, one.capability]))
  let current = call
  for (const resourceId of open) {
    // As it stands now: one that was held before it may have had it give more.
    const allocation = current.allocations.find(
      (one) => one.resourceId === resourceId && mayGiveMore(one),
    )
    if (allocation === undefined) continue
    const { importMinW } = ratings.get(resourceId) as Rating
    const capability = found.get(resourceId)
    const floorW = Math.max(importMinW, Math.ceil(capability?.minimumW ?? 0))
    const isLower = allocation.periods.some((p) => p.end > cycle.now && p.setpointW < floorW)
    const cannot = capability?.pauses === false || restsAt(floorW, allocation, call, cycle)
    if (cannot && isLower) current = await hold(current, allocation, floorW, cycle)
  }
  return current
}

/** Told to go to 0, and measured at its minimum. */
function restsAt(
  floorW: number,
  { resourceId }: Allocation,
  { program, request }: FlexibilityCall,
  { rows, verdicts }: Cycle,
): boolean {
  const verdict = verdicts.get(resourceId)
  if (verdict?.kind !== 'partly' && verdict?.kind !== 'not-obeying') return false
  if (verdict.kind === 'not-obeying' && verdict.reason !== 'not-obeying') return false
  if (rows.get(resourceId)?.powerW !== 0) return false
  // What draws clearly less than the minimum does not rest there: it went to 0 and a bit is left.
  const { observedW } = verdict
  return observedW > floorW / 2 && isWithinBand(floorW, observedW, request.direction, program)
}

async function hold(
  call: FlexibilityCall,
  allocation: Allocation,
  floorW: number,
  { tx, now, toldW, rows, verdicts, events }: Cycle,
): Promise<FlexibilityCall> {
  const { resourceId } = allocation
  const held = { ...allocation, floorW }
  const allocations = call.allocations.map((one) => (one === allocation ? held : one))
  const effectBp = effectsOf(call.candidates)(resourceId)
  const missingW = (start: Instant, end: Instant): number => {
    const period = partIn(allocation, start, end)
    const amount = period === undefined ? 0 : belowFloorW(period, floorW)
    return atPoint([{ amount, effectBp }])
  }
  const needs = openNeeds(call, now, missingW)
  const cycle = { tx, now, rows, verdicts }
  const found = await takeFromReserve({ ...call, allocations }, needs, cycle)
  const { added, allocations: all, passedOver } = found
  const last = (await tx.readings.lastBefore([resourceId], now))[0]
  const row = rows.get(resourceId)
  const repair: Repair = {
    resourceId,
    orderedW: toldW(resourceId),
    observedW: last?.powerW ?? floorW,
    startedAt: row?.acknowledgedAt ?? row?.orderedAt ?? now,
    detectedAt: now,
    replacedBy: added.map((one) => one.resourceId),
    restoredAt: null,
    reason: 'cannot-pause',
  }
  events.push(...announceRepair(call, repair, needs, added, now))
  const noted = { ...call, allocations: all, repairs: [...call.repairs, repair] }
  return withPassedOver(noted, passedOver, now)
}

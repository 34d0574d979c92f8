import { toldToGiveW, tooLateToTakeOver } from '#domain/activated-parts.ts'
import { type Allocation, periodAt } from '#domain/allocation.ts'
import type { BusinessEventInput } from '#domain/business-event.ts'
import { judge, judgeStandby, patientUntil, type Verdict } from '#domain/compliance.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { deliveryEnd, type FlexibilityCall, type Repair } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import { correctionsBetween } from '#domain/control/log.ts'
import { atPoint, effectsOf } from '#domain/network-effect.ts'
import { withPassedOver } from '#domain/passed-over.ts'
import { contradictionIn } from '#domain/plausibility.ts'
import { reactedBy } from '#domain/reaction.ts'
import { belowFloorW, movedFrom, partIn } from '#domain/reserve.ts'
import type { PlannedRestart } from '#domain/rebound.ts'
import type { Rating } from '#domain/resource.ts'
import { byResource, type Reading, withMeanPower } from '#domain/telemetry.ts'
import { type Instant, instant, nextStep } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { announceRepair } from './announce-repair.ts'
import { type CorrectedCall, correctError } from './correct-error.ts'
import { deviceFacts, type KnownDevices } from './device-facts.ts'
import { setpointFor } from './dispatch-call.ts'
import { holdAtMinimum } from './hold-at-minimum.ts'
import { limitsReached, type NotObeying } from './limits-reached.ts'
import { listeningTo } from './listening-to.ts'
import { orderArmings } from './order-armings.ts'
import { backToDefault, orderSetpoints } from './order-setpoints.ts'
import { returnFromActivation, withComingBack } from './return-from-activation.ts'
import { openNeeds, takeFromReserve } from './take-from-reserve.ts'

/**
 * One control cycle: renews setpoints where a period begins, judges every device by its measured
 * power, lets go of those that do not obey and replaces them from the next in merit order, inside
 * the same window; then corrects what all together lack or give too much. The DSO is told at once.
 * Safe to run twice.
 */
export async function repairShortfall(ports: Ports, callId: CallId): Promise<void> {
  const changed = await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const now = ports.clock.now()
    if (call.state !== 'dispatched' || now >= deliveryEnd(call)) return false
    const rows = await rowsOf(tx, call)
    const readings = await readingsOf(tx, call, now)
    const ids = call.allocations.map(({ resourceId }) => resourceId)
    const listening = await listeningTo(ports, tx, ids)
    const verdicts = judgeAll(ports, call, { rows, readings, listening }, now)
    const known = await deviceFacts(tx, call, ids, now, readings)
    const limits = limitsReached(call, known, readings, now)
    const findings = new Map([...contradicted(call, rows, readings), ...limits])
    const toldW = (id: ResourceId) => toldToGiveW(call, id, now)
    const judged = { rows, known, verdicts, findings }
    const cycle = { tx, now, toldW, ...judged, events: [] as BusinessEventInput[] }
    const held = await holdAtMinimum(call, cycle)
    const repaired = await replaceAll(call, held, cycle)
    const corrected = await correctError({ ...cycle, call: repaired, readings })
    const restored = noteRestored(logged(call, corrected, now), verdicts)
    const settled = withPassedOver(restored, tooLateToTakeOver(restored, now), now)
    const { restarts, ordered } = await renewSetpoints(settled, cycle)
    const planned = withComingBack(settled, restarts)
    if (planned !== call) await tx.calls.save(planned)
    const isDue = await orderArmings(tx, settled, now)
    await tx.events.append(cycle.events)
    return ordered || isDue || cycle.events.length > 0
  })
  if (!changed) return
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
}

type Cycle = {
  readonly tx: StoreTransaction
  readonly now: Instant
  /** W that a device had been told to give as the cycle began. */
  readonly toldW: (resourceId: ResourceId) => number
  readonly rows: ReadonlyMap<ResourceId, SetpointRow>
  readonly known: KnownDevices
  readonly verdicts: ReadonlyMap<ResourceId, Verdict>
  /** Beside what the band of the setpoint says. */
  readonly findings: ReadonlyMap<ResourceId, NotObeying>
  readonly events: BusinessEventInput[]
}

function judgeAll(
  { startedAt, clock }: Ports,
  { request, program, candidates, allocations, activations }: FlexibilityCall,
  {
    rows,
    readings,
    listening,
  }: {
    readonly rows: ReadonlyMap<ResourceId, SetpointRow>
    readonly readings: ReadonlyMap<ResourceId, readonly Reading[]>
    readonly listening: ReadonlyMap<ResourceId, Instant>
  },
  now: Instant,
): ReadonlyMap<ResourceId, Verdict> {
  const { start } = request.window
  const last = [...readings.values()].map((mine) => mine.at(-1)?.at ?? start)
  const newest = instant(Math.max(start, ...last))
  const ratings = new Map(candidates.map(({ resourceId, rating }) => [resourceId, rating]))
  const verdicts = new Map<ResourceId, Verdict>()
  for (const allocation of allocations) {
    const { resourceId: id } = allocation
    const row = rows.get(id)
    const mine = readings.get(id) ?? []
    const patience = patientUntil(listening.get(id) ?? startedAt, clock.speed, program)
    // What only stands by lets go in turn after it was used, also while we were away.
    const hasEnded = activations !== undefined && row !== undefined && row.validUntil <= now
    if (row !== undefined && row.powerW !== null && !hasEnded) {
      const told = reacted(row, ratings.get(id))
      const period = periodAt(allocation, now)
      const fromW = period === undefined ? row.powerW : movedFrom(period, request.direction)
      const { direction } = request
      verdicts.set(id, judge(told, mine, { direction, program, fromW, now, newest, patience }))
    } else if (activations !== undefined) {
      verdicts.set(id, judgeStandby(mine, start, program, now, newest, patience))
    }
  }
  return verdicts
}

/** A device is judged from when it can have come to its setpoint. */
function reacted(row: SetpointRow, rating: Rating | undefined): SetpointRow {
  const { acknowledgedAt } = row
  if (acknowledgedAt === null || rating === undefined) return row
  return { ...row, acknowledgedAt: reactedBy(rating, acknowledgedAt) }
}

/** Whose own values contradict the power by which they would be judged. */
function contradicted(
  call: FlexibilityCall,
  rows: ReadonlyMap<ResourceId, SetpointRow>,
  readings: ReadonlyMap<ResourceId, readonly Reading[]>,
): [ResourceId, NotObeying][] {
  return call.candidates.flatMap(({ resourceId, kind, rating }): [ResourceId, NotObeying][] => {
    if (rows.get(resourceId)?.powerW == null) return []
    // Of a car only where it may give power back its capacity is known.
    const capacityWh = kind === 'charger' && rating.exportMaxW > 0 ? rating.energyWh : null
    const found = contradictionIn(readings.get(resourceId) ?? [], call.program, capacityWh)
    if (found === null) return []
    const reason = 'implausible'
    const { at: detectedAt, shownW: observedW } = found
    return [[resourceId, { kind: 'not-obeying', reason, observedW, detectedAt }]]
  })
}

async function rowsOf(tx: StoreTransaction, call: FlexibilityCall) {
  const ids = call.allocations.map((allocation) => allocation.resourceId)
  const rows = await tx.setpoints.current(ids)
  return new Map(rows.filter((r) => r.callId === call.id).map((row) => [row.resourceId, row]))
}

async function readingsOf(
  tx: StoreTransaction,
  call: FlexibilityCall,
  now: Instant,
): Promise<Map<ResourceId, Reading[]>> {
  const ids = call.allocations.map((allocation) => allocation.resourceId)
  const told = await tx.readings.between(ids, call.request.window.start, now)
  const { meteringIntervalSeconds } = call.program
  const known = [...byResource(told)].map(([id, mine]): [ResourceId, Reading[]] => {
    return [id, withMeanPower(mine, meteringIntervalSeconds)]
  })
  return new Map(known)
}

async function replaceAll(
  before: FlexibilityCall,
  held: FlexibilityCall,
  cycle: Cycle,
): Promise<FlexibilityCall> {
  let current = held
  for (const allocation of before.allocations) {
    const { resourceId } = allocation
    // Held at its minimum just now: it is judged by what it is told next.
    if (!held.allocations.includes(allocation)) continue
    const verdict = cycle.findings.get(resourceId) ?? cycle.verdicts.get(resourceId)
    if (verdict?.kind !== 'not-obeying' || allocation.releasedAt !== null) continue
    // It may have been told to give more for another that was let go just before it.
    const part = current.allocations.find((one) => one.resourceId === resourceId) ?? allocation
    current = await replace(current, part, verdict, cycle)
  }
  return current
}

/** What it was still to give: what lies below its minimum was ordered from others before. */
function expectedOf(failed: Allocation, start: Instant, end: Instant): number {
  const period = partIn(failed, start, end)
  if (period === undefined) return 0
  return period.powerW - (failed.floorW === undefined ? 0 : belowFloorW(period, failed.floorW))
}

/** Lets go of one device and orders what it was to give from the reserve. */
async function replace(
  call: FlexibilityCall,
  failed: Allocation,
  verdict: NotObeying,
  cycle: Cycle,
): Promise<FlexibilityCall> {
  const { now, events } = cycle
  const released = call.allocations.map((allocation) =>
    allocation === failed ? releaseOf(allocation, verdict) : allocation,
  )
  const effectBp = effectsOf(call.candidates)(failed.resourceId)
  const needs = openNeeds(call, now, (start, end) =>
    atPoint([{ amount: expectedOf(failed, start, end), effectBp }]),
  )
  const left = { ...call, allocations: released }
  const { added, allocations, passedOver } = await takeFromReserve(left, needs, cycle)
  const row = cycle.rows.get(failed.resourceId)
  const repair: Repair = {
    resourceId: failed.resourceId,
    orderedW: cycle.toldW(failed.resourceId),
    observedW: verdict.observedW,
    startedAt: row?.acknowledgedAt ?? row?.orderedAt ?? now,
    detectedAt: verdict.detectedAt,
    replacedBy: added.map((allocation) => allocation.resourceId),
    restoredAt: null,
    reason: verdict.reason,
    ...(verdict.detail === undefined ? {} : { detail: verdict.detail }),
  }
  events.push(...announceRepair(call, repair, needs, added, now))
  const repaired = { ...call, allocations, repairs: [...call.repairs, repair] }
  return withPassedOver(repaired, passedOver, now)
}

/**
 * With a line for each device that is told something new by this cycle. A log that was not begun as
 * the call was dispatched stays away: it could not account for what came before it.
 */
function logged(before: FlexibilityCall, corrected: CorrectedCall, now: Instant): FlexibilityCall {
  const { call, figures } = corrected
  if (before.corrections === undefined) return call
  const interval = call.program.meteringIntervalSeconds
  const from = nextStep(now, interval)
  const { end } = call.request.window
  const lines = correctionsBetween(before.allocations, call.allocations, from, end, figures)
  if (lines.length === 0) return call
  return { ...call, corrections: [...before.corrections, ...lines] }
}

function releaseOf(allocation: Allocation, { reason, detectedAt }: NotObeying): Allocation {
  const released = { ...allocation, releasedAt: detectedAt }
  const isWish = reason === 'overridden' || reason === 'owner-limit'
  return isWish ? { ...released, releaseReason: reason } : released
}

/** A repair has worked when every replacement is measured to obey. */
function noteRestored(
  call: FlexibilityCall,
  verdicts: ReadonlyMap<ResourceId, Verdict>,
): FlexibilityCall {
  let changed = false
  const repairs = call.repairs.map((repair) => {
    if (repair.restoredAt !== null || repair.replacedBy.length === 0) return repair
    const since = repair.replacedBy.map((id) => {
      const verdict = verdicts.get(id)
      // Who gave something before was seen to obey that; what counts is what it was told then.
      const isAnew = verdict?.kind === 'obeys' && verdict.since > repair.detectedAt
      return isAnew ? verdict.since : null
    })
    if (since.some((at) => at === null)) return repair
    changed = true
    return { ...repair, restoredAt: instant(Math.max(...(since as Instant[]))) }
  })
  return changed ? { ...call, repairs } : call
}

/**
 * Brings each resource's row to what its allocation asks for now. Those that an activation no
 * longer uses come after the others: they wait for what these leave of a step.
 */
async function renewSetpoints(
  call: FlexibilityCall,
  cycle: Cycle,
): Promise<{ readonly restarts: readonly PlannedRestart[]; readonly ordered: boolean }> {
  const { tx, now, known } = cycle
  const wanted = call.allocations.flatMap((part) => {
    const { resourceId } = part
    const due = setpointFor(call, resourceId, now)
    if (due.length > 0) return due
    const isStandingBy = call.activations !== undefined && part.releasedAt === null
    return isStandingBy ? [] : [backToDefault(call, resourceId, now)]
  })
  const told = await orderSetpoints(tx, call, wanted, now, known)
  const { restarts, due, events } = await returnFromActivation(tx, call, now)
  cycle.events.push(...events)
  const freed = await orderSetpoints(tx, call, due, now)
  return { restarts, ordered: told.written + freed.written > 0 }
}

import {
  allocate,
  type Allocation,
  type Offerable,
  type PeriodNeed,
  periodAt,
} from '#domain/allocation.ts'
import type { BusinessEventInput } from '#domain/business-event.ts'
import { judge, patientUntil, type Verdict } from '#domain/compliance.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { deliveryEnd, type FlexibilityCall, type Repair } from '#domain/flexibility-call.ts'
import { offerable } from '#domain/flexibility-offer.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import { byResource, type Reading } from '#domain/telemetry.ts'
import { addSeconds, floorToStep, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { resourceEvent } from './announce.ts'
import { setpointFor } from './dispatch-call.ts'
import { listeningTo } from './listening-to.ts'
import { needsOf } from './offer-flexibility.ts'
import { resourcesNow } from './resources-now.ts'

/** By its meter, or by the wish of its driver. */
type NotObeying = Omit<Extract<Verdict, { kind: 'not-obeying' }>, 'reason'> & {
  readonly reason: Repair['reason']
}

/**
 * One control cycle: renews setpoints where a period begins, judges every device by its measured
 * power, lets go of those that do not obey and replaces them from the next in merit order, inside
 * the same window. The DSO is told at once. Safe to run twice.
 */
export async function repairShortfall(ports: Ports, callId: CallId): Promise<void> {
  const changed = await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const now = ports.clock.now()
    if (call.state !== 'dispatched' || now >= deliveryEnd(call)) return false
    const rows = await rowsOf(tx, call)
    const readings = await readingsOf(tx, call, now)
    const listening = await listeningTo(ports, tx, [...rows.keys()])
    const verdicts = judgeAll(ports, call, { rows, readings, listening }, now)
    const overrides = await overridesOf(tx, call, readings)
    const cycle = { tx, now, rows, verdicts, overrides, events: [] as BusinessEventInput[] }
    const repaired = await replaceAll(call, cycle)
    const settled = noteRestored(repaired, verdicts)
    if (settled !== call) await tx.calls.save(settled)
    const ordered = await renewSetpoints(settled, cycle)
    await tx.events.append(cycle.events)
    return ordered || cycle.events.length > 0
  })
  if (!changed) return
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
}

type Cycle = {
  readonly tx: StoreTransaction
  readonly now: Instant
  readonly rows: ReadonlyMap<ResourceId, SetpointRow>
  readonly verdicts: ReadonlyMap<ResourceId, Verdict>
  readonly overrides: ReadonlyMap<ResourceId, NotObeying>
  readonly events: BusinessEventInput[]
}

function judgeAll(
  { startedAt, clock }: Ports,
  { request, program }: FlexibilityCall,
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
  const last = [...readings.values()].map((mine) => mine.at(-1)?.at ?? request.window.start)
  const newest = instant(Math.max(request.window.start, ...last))
  const verdicts = new Map<ResourceId, Verdict>()
  for (const [id, row] of rows) {
    if (row.powerW === null) continue
    const mine = readings.get(id) ?? []
    const patience = patientUntil(listening.get(id) ?? startedAt, clock.speed, program)
    verdicts.set(id, judge(row, mine, request.direction, program, now, newest, patience))
  }
  return verdicts
}

/** Whose driver wants full power: the driver always wins, whatever the meter says. */
async function overridesOf(
  tx: StoreTransaction,
  call: FlexibilityCall,
  readings: ReadonlyMap<ResourceId, readonly Reading[]>,
): Promise<ReadonlyMap<ResourceId, NotObeying>> {
  const ids = call.allocations.map((allocation) => allocation.resourceId)
  const { start } = call.request.window
  return new Map(
    (await tx.resources.conditions(ids)).flatMap(({ resourceId, overrideSince }) => {
      if (overrideSince === null) return []
      const detectedAt = instant(Math.max(overrideSince, start))
      const observedW = readings.get(resourceId)?.at(-1)?.powerW ?? 0
      const found = { kind: 'not-obeying', reason: 'overridden', observedW, detectedAt } as const
      return [[resourceId, found] as const]
    }),
  )
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
  return byResource(await tx.readings.between(ids, call.request.window.start, now))
}

async function replaceAll(call: FlexibilityCall, cycle: Cycle): Promise<FlexibilityCall> {
  let current = call
  for (const allocation of call.allocations) {
    const { resourceId } = allocation
    const verdict = cycle.overrides.get(resourceId) ?? cycle.verdicts.get(resourceId)
    if (verdict?.kind !== 'not-obeying' || allocation.releasedAt !== null) continue
    current = await replace(current, allocation, verdict, cycle)
  }
  return current
}

/** Lets go of one device and orders what it was to give from the reserve. */
async function replace(
  call: FlexibilityCall,
  failed: Allocation,
  verdict: NotObeying,
  cycle: Cycle,
): Promise<FlexibilityCall> {
  const { now, events } = cycle
  const orderedW = periodAt(failed, now)?.powerW ?? 0
  const released = call.allocations.map((allocation) =>
    allocation === failed ? releaseOf(allocation, verdict) : allocation,
  )
  const needs = openNeeds(call, failed, now)
  const added = await fromReserve({ ...call, allocations: released }, needs, cycle)
  const row = cycle.rows.get(failed.resourceId)
  const repair: Repair = {
    resourceId: failed.resourceId,
    orderedW,
    observedW: verdict.observedW,
    startedAt: row?.acknowledgedAt ?? row?.orderedAt ?? now,
    detectedAt: verdict.detectedAt,
    replacedBy: added.map((allocation) => allocation.resourceId),
    restoredAt: null,
    reason: verdict.reason,
  }
  events.push(...announce(call, repair, needs, added, now))
  return { ...call, allocations: [...released, ...added], repairs: [...call.repairs, repair] }
}

function releaseOf(allocation: Allocation, { reason, detectedAt }: NotObeying): Allocation {
  const released = { ...allocation, releasedAt: detectedAt }
  return reason === 'overridden' ? { ...released, releaseReason: reason } : released
}

/** The rest of this period from the next metering boundary, and the periods that follow. */
function openNeeds(call: FlexibilityCall, failed: Allocation, now: Instant): PeriodNeed[] {
  const interval = call.program.meteringIntervalSeconds
  const next = addSeconds(floorToStep(now, interval), interval)
  const end = deliveryEnd(call)
  return needsOf(call)
    .map((need) => {
      const ordered = failed.periods.find((p) => p.start < need.end && p.end > need.start)
      const start = instant(Math.max(need.start, next))
      return { start, end: instant(Math.min(need.end, end)), powerW: ordered?.powerW ?? 0 }
    })
    .filter((need) => need.end > need.start)
}

async function fromReserve(
  call: FlexibilityCall,
  needs: readonly PeriodNeed[],
  { tx, now }: Cycle,
): Promise<Allocation[]> {
  if (needs.every((need) => need.powerW === 0)) return []
  await tx.promises.lockCongestionPoint(call.request.congestionPointId)
  const busy = new Set(call.allocations.map((allocation) => allocation.resourceId))
  const reserve = call.candidates.filter((candidate) => !busy.has(candidate.resourceId))
  const interval = call.program.meteringIntervalSeconds
  const at = floorToStep(addSeconds(now, -interval), interval)
  const offers: Offerable[] = []
  for (const state of await resourcesNow(tx, call, reserve, at)) {
    const found = offerable(onlyOpen(call, state, needs), needs, call.request.direction)
    if (!('reason' in found)) offers.push(found)
  }
  const wanted = allocate(needs, offers, call.request.direction, 'repair')
  return keepPromised(tx, call, wanted)
}

/** The candidate with its curve, and its promises, cut to the periods that are still open. */
function onlyOpen<T extends { readonly candidate: FlexibilityCall['candidates'][number] }>(
  call: FlexibilityCall,
  state: T & { readonly promisedPeriods: ReadonlySet<Instant> },
  needs: readonly PeriodNeed[],
): T & { readonly promisedPeriods: ReadonlySet<Instant> } {
  const all = needsOf(call)
  const indexOf = (need: PeriodNeed) =>
    all.findIndex((p) => need.start >= p.start && need.start < p.end)
  const { baselineW } = state.candidate
  const curve = baselineW.length === 0 ? [] : needs.map((need) => baselineW[indexOf(need)] ?? 0)
  const promised = needs.filter((need) => {
    const period = all[indexOf(need)]
    return period !== undefined && state.promisedPeriods.has(period.start)
  })
  return {
    ...state,
    candidate: { ...state.candidate, baselineW: curve },
    promisedPeriods: new Set(promised.map((need) => need.start)),
  }
}

/** Another call may have been promised a period meanwhile: what cannot be taken is dropped. */
async function keepPromised(
  tx: StoreTransaction,
  call: FlexibilityCall,
  wanted: readonly Allocation[],
): Promise<Allocation[]> {
  const all = needsOf(call)
  const kept: Allocation[] = []
  for (const allocation of wanted) {
    const promises = allocation.periods.flatMap((period) => {
      const whole = all.find((p) => period.start >= p.start && period.start < p.end)
      return whole ? [{ resourceId: allocation.resourceId, periodStart: whole.start }] : []
    })
    const taken = await tx.promises.take(call.id, promises)
    const starts = new Set(taken.map((promise) => promise.periodStart))
    const periods = allocation.periods.filter((_, i) =>
      starts.has(promises[i]?.periodStart as Instant),
    )
    if (periods.length > 0) kept.push({ ...allocation, periods })
  }
  return kept
}

function announce(
  call: FlexibilityCall,
  repair: Repair,
  needs: readonly PeriodNeed[],
  added: readonly Allocation[],
  now: Instant,
): BusinessEventInput[] {
  const { resourceId, orderedW, observedW, replacedBy, reason } = repair
  const found = resourceEvent(
    call,
    'resource-not-obeying',
    now,
    resourceId,
    reason === 'overridden'
      ? `${resourceId} was to move ${orderedW} W; the driver asked for full power`
      : `${resourceId} was to move ${orderedW} W and is measured at ${observedW} W (${reason})`,
    { notice: true, data: { orderedW, observedW, reason } },
  )
  const missing = needs.map((need, i) => {
    const given = added.flatMap((a) => a.periods).filter((p) => p.start === needs[i]?.start)
    return need.powerW - given.reduce((sum, p) => sum + p.powerW, 0)
  })
  const openW = Math.max(0, ...missing)
  const repaired = resourceEvent(
    call,
    'shortfall-repaired',
    now,
    resourceId,
    `${resourceId} is replaced by ${replacedBy.join(', ')}`,
    { notice: true, data: { replacedBy: replacedBy.join(' ') } },
  )
  const remains = resourceEvent(
    call,
    'shortfall-remains',
    now,
    resourceId,
    `${openW} W cannot be replaced from the reserve`,
    { notice: true, data: { openW } },
  )
  return [found, ...(replacedBy.length > 0 ? [repaired] : []), ...(openW >= 100 ? [remains] : [])]
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
      return verdict?.kind === 'obeys' ? verdict.since : null
    })
    if (since.some((at) => at === null)) return repair
    changed = true
    return { ...repair, restoredAt: instant(Math.max(...(since as Instant[]))) }
  })
  return changed ? { ...call, repairs } : call
}

/** Brings each resource's row to what its allocation asks for now; true if one was written. */
async function renewSetpoints(call: FlexibilityCall, cycle: Cycle): Promise<boolean> {
  const { tx, now, rows } = cycle
  const wanted = call.allocations.flatMap((allocation) => {
    const row = rows.get(allocation.resourceId)
    const due = setpointFor(call, allocation.resourceId, now)
    if (due[0]) return row?.powerW === due[0].powerW ? [] : due
    const isLimited = row !== undefined && row.powerW !== null
    return isLimited ? [backToDefault(call, allocation.resourceId, now)] : []
  })
  if (wanted.length > 0) await tx.setpoints.order(wanted)
  return wanted.length > 0
}

/** The row that sends a device back to its own default. */
export function backToDefault(call: FlexibilityCall, resourceId: ResourceId, now: Instant) {
  const row = { resourceId, callId: call.id, powerW: null, validFrom: now, orderedAt: now }
  return { ...row, validUntil: now }
}

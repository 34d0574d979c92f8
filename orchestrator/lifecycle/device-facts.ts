import { type Allocation, type Candidate, periodAt } from '#domain/allocation.ts'
import { standingAt } from '#domain/emergency-stop.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { deliveryEnd, type FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import { asEnrolled } from '#domain/owner-limits.ts'
import type { DeviceFacts } from '#domain/permission.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** So many metering intervals ago a state of charge still says something, at the worst. */
const CHARGE_INTERVALS = 20

export type KnownDevice = {
  readonly facts: DeviceFacts
  /** What it drew, W, when nobody limited it. */
  readonly drawsW: number
}
export type KnownDevices = ReadonlyMap<ResourceId, KnownDevice>
type Readings = ReadonlyMap<ResourceId, readonly DeviceReading[]>

/**
 * What decides whether devices of a call may be told something. `readings`: since the window began,
 * where they have been read already, in order of time.
 */
export async function deviceFacts(
  tx: StoreTransaction,
  call: FlexibilityCall,
  ids: readonly ResourceId[],
  now: Instant,
  readings: Readings = new Map(),
): Promise<KnownDevices> {
  const asked = new Set(ids)
  const candidates = call.candidates.filter(({ resourceId }) => asked.has(resourceId))
  const parts = byResource(call.allocations)
  const conditions = byResource(await tx.resources.conditions(ids))
  const sessions = byResource(await tx.sessions.at(chargersOf(candidates), now))
  const rows = byResource(await tx.setpoints.current(ids))
  const over = await overBy(tx, call, [...rows.values()], now)
  const owners = byResource(await tx.control.limits(ids))
  const stop = standingAt(await tx.control.stops(), call.request.congestionPointId)
  const latest = await newest(tx, candidates, now, readings)
  const last = await withCharge(tx, call, candidates, latest, now)
  const before = await atStart(tx, call, candidates, last, readings)
  return new Map(
    candidates.map((candidate): [ResourceId, KnownDevice] => {
      const { resourceId: id, kind, rating } = candidate
      const facts: DeviceFacts = {
        resource: { id, kind, rating },
        owner: owners.get(id) ?? asEnrolled({ id, enrolledAt: call.requestedAt }),
        condition: conditions.get(id) ?? null,
        session: sessions.get(id) ?? null,
        stop,
        reading: last.get(id) ?? null,
        row: withEnd(rows.get(id), over),
      }
      return [id, { facts, drawsW: drawnBy(parts.get(id), before.get(id), now) }]
    }),
  )
}

/** Other calls that hold devices although their window is over: these only come back. */
async function overBy(
  tx: StoreTransaction,
  { id }: FlexibilityCall,
  rows: readonly SetpointRow[],
  now: Instant,
): Promise<ReadonlySet<CallId>> {
  const holding = rows.filter((row) => row.powerW !== null && row.validUntil > now)
  const others = new Set(holding.map(({ callId }) => callId).filter((callId) => callId !== id))
  const over = new Set<CallId>()
  for (const callId of others) {
    const other = await tx.calls.find(callId)
    if (other !== null && now >= deliveryEnd(other)) over.add(callId)
  }
  return over
}

function withEnd(row: SetpointRow | undefined, over: ReadonlySet<CallId>): DeviceFacts['row'] {
  if (row === undefined) return null
  return over.has(row.callId) ? { ...row, isAfterWindow: true } : row
}

/** What its part is counted from, or what it was measured at as the window began. */
function drawnBy(
  part: Allocation | undefined,
  before: DeviceReading | undefined,
  now: Instant,
): number {
  const period = part === undefined ? undefined : periodAt(part, now)
  const fromW = period === undefined ? 0 : period.setpointW + period.powerW
  return Math.max(0, fromW, before?.powerW ?? 0)
}

async function newest(
  tx: StoreTransaction,
  candidates: readonly Candidate[],
  now: Instant,
  readings: Readings,
): Promise<ReadonlyMap<ResourceId, DeviceReading>> {
  const found = new Map<ResourceId, DeviceReading>()
  const unread: ResourceId[] = []
  for (const { resourceId } of candidates) {
    const mine = readings.get(resourceId)
    const last = mine?.findLast(({ socBp }) => socBp !== null) ?? mine?.at(-1)
    if (last === undefined) unread.push(resourceId)
    else found.set(resourceId, last)
  }
  if (unread.length === 0) return found
  return new Map([...found, ...byResource(await tx.readings.lastBefore(unread, now))])
}

/** Some tell their state of charge only now and then: of those the last one that they told. */
async function withCharge(
  tx: StoreTransaction,
  { program }: FlexibilityCall,
  candidates: readonly Candidate[],
  latest: ReadonlyMap<ResourceId, DeviceReading>,
  now: Instant,
): Promise<ReadonlyMap<ResourceId, DeviceReading>> {
  const untold = candidates.flatMap(({ resourceId, rating }) => {
    const socBp = latest.get(resourceId)?.socBp ?? null
    return rating.exportMaxW > 0 && socBp === null ? [resourceId] : []
  })
  if (untold.length === 0) return latest
  const from = addSeconds(now, -CHARGE_INTERVALS * program.meteringIntervalSeconds)
  const told = (await tx.readings.between(untold, from, now)).filter(({ socBp }) => socBp !== null)
  return new Map([...latest, ...byResource(told)])
}

/** Of chargers: the last reading that no setpoint of this call can be in. */
async function atStart(
  tx: StoreTransaction,
  { request }: FlexibilityCall,
  candidates: readonly Candidate[],
  last: ReadonlyMap<ResourceId, DeviceReading>,
  readings: Readings,
): Promise<ReadonlyMap<ResourceId, DeviceReading>> {
  const { start } = request.window
  const found = new Map<ResourceId, DeviceReading>()
  const unread: ResourceId[] = []
  for (const id of chargersOf(candidates)) {
    const known = [readings.get(id)?.[0], last.get(id)].find(
      (one) => one !== undefined && one.at <= start,
    )
    if (known === undefined) unread.push(id)
    else found.set(id, known)
  }
  if (unread.length === 0) return found
  return new Map([...found, ...byResource(await tx.readings.lastBefore(unread, start))])
}

function chargersOf(candidates: readonly Candidate[]): ResourceId[] {
  return candidates.flatMap(({ kind, resourceId }) => (kind === 'charger' ? [resourceId] : []))
}

function byResource<T extends { readonly resourceId: ResourceId }>(rows: readonly T[]) {
  return new Map(rows.map((row) => [row.resourceId, row]))
}
